from django.db import migrations, models


class Migration(migrations.Migration):
    """A constant default rewrites no row, and the previous version need not know the column."""

    dependencies = [("notifications", "0023_rules_of_answers_are_configuration")]

    operations = [
        migrations.AddField(
            model_name="notification",
            name="notice",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Why the person was told again, or was told by an escalation; until the task changes.",
                max_length=300,
                verbose_name="notice",
            ),
        ),
    ]
