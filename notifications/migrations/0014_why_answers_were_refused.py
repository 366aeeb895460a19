from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("notifications", "0013_sentences_to_facts")]

    operations = [
        migrations.AddField(
            model_name="refusedanswer",
            name="why_fact",
            field=models.JSONField(editable=False, null=True),
        ),
    ]
