import django.core.validators
from django.db import migrations, models

FIELD = {
    "blank": True,
    "null": True,
    "help_text": "While so many of its events are not processed yet, further ones are answered with 429, and the engine "
    "sends them again later. Empty: no limit.",
    "validators": [django.core.validators.MinValueValidator(1)],
    "verbose_name": "events that may wait",
}


class Migration(migrations.Migration):
    """How many events of an engine may wait until it is told to send the rest later. Empty: no limit, as before."""

    dependencies = [("notifications", "0018_due_events_by_urgency")]

    operations = [
        migrations.AddField(model_name=model, name="most_waiting", field=models.PositiveIntegerField(**FIELD))
        for model in ("engine", "historicalengine")
    ]
