import django.db.models.deletion
from django.db import migrations, models

from notifications import roles


class Migration(migrations.Migration):
    initial = True

    dependencies = [("notifications", "0022_rows_of_former_releases")]

    operations = [
        migrations.CreateModel(
            name="Bell",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=50, verbose_name="name")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="bells",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
            ],
            options={"verbose_name": "bell", "verbose_name_plural": "bells"},
        ),
        roles.give_added_rights("bells"),
    ]
