import notifications.channel_facts
from django.db import migrations, models


class Migration(migrations.Migration):
    """Mail servers and gateways are paused as push services are. No data changes."""

    dependencies = [("notifications", "0013_sentences_to_facts")]

    operations = [
        migrations.AlterModelOptions(
            name="pausedservice",
            options={
                "ordering": ["-paused_at"],
                "verbose_name": "paused service",
                "verbose_name_plural": "paused services",
            },
        ),
        migrations.AlterField(
            model_name="pausedservice",
            name="channel",
            field=models.CharField(
                choices=notifications.channel_facts.channel_choices, max_length=20, verbose_name="channel"
            ),
        ),
        migrations.AlterField(
            model_name="pausedservice",
            name="service",
            field=models.CharField(
                help_text="A push host, a Firebase project, a mail server or a gateway.",
                max_length=253,
                verbose_name="service",
            ),
        ),
    ]
