from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0032_conversation")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="snoozed until"),
        ),
        migrations.AddField(
            model_name="notification",
            name="back_at",
            field=models.DateTimeField(
                blank=True, help_text="When it came back by itself.", null=True, verbose_name="back since"
            ),
        ),
    ]
