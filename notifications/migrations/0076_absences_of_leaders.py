import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """An absence that a manager or lead has entered is known as theirs."""

    dependencies = [("notifications", "0075_entitlement_reviews")]

    operations = [
        migrations.AddField(
            model_name="absence",
            name="entered_by",
            field=models.ForeignKey(
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="notifications.recipient",
            ),
        ),
    ]
