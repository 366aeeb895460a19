from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0041_first_journeys")]

    operations = [
        migrations.AddField(
            model_name="response",
            name="values",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="What was filled into the task's form.",
            ),
        ),
    ]
