from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0014_services_of_all_channels_pause")]

    operations = [
        migrations.AddField(
            model_name="refusedanswer",
            name="why_fact",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
