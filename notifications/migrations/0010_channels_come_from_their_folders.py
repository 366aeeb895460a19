import notifications.channel_facts
import notifications.models.responses
from django.db import migrations, models


class Migration(migrations.Migration):
    """Names of channels are no part of the tables: a new channel needs no migration."""

    dependencies = [("notifications", "0009_states_before_are_carried_over")]

    operations = [
        migrations.AlterField(
            model_name=name,
            name="channel",
            field=models.CharField(
                choices=notifications.channel_facts.device_choices, max_length=20, verbose_name="channel"
            ),
        )
        for name in ("device", "historicaldevice", "pausedservice")
    ] + [
        migrations.AlterField(
            model_name="farewell",
            name="channel",
            field=models.CharField(choices=notifications.channel_facts.device_choices, editable=False, max_length=20),
        ),
    ] + [
        migrations.AlterField(
            model_name=name,
            name="via",
            field=models.CharField(choices=notifications.models.responses.via_choices, max_length=20, verbose_name="via"),
        )
        for name in ("refusedanswer", "response")
    ]
