import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A policy may belong to a route: the rules assistant shows and saves both together."""

    dependencies = [
        ("escalations", "0006_history_of_parts"),
        ("notifications", "0052_words_of_people_tasks_and_cases"),
    ]

    operations = [
        migrations.AddField(
            model_name="policy",
            name="route",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="policy",
                to="notifications.route",
                verbose_name="route",
            ),
        ),
        migrations.AddField(
            model_name="historicalpolicy",
            name="route",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="notifications.route",
                verbose_name="route",
            ),
        ),
    ]
