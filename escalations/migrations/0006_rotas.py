import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Steps can name a duty rota as their target."""

    dependencies = [("escalations", "0005_configuration"), ("notifications", "0032_rotas")]

    operations = [
        migrations.AddField(
            model_name="policystep",
            name="rota",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                to="notifications.rota",
                verbose_name="duty rota",
            ),
        ),
        migrations.AlterField(
            model_name="policystep",
            name="target",
            field=models.CharField(
                blank=True,
                choices=[
                    ("assignee", "the assignee"),
                    ("candidates", "the candidates"),
                    ("task_teams", "the members of the task's teams"),
                    ("team", "the members of a team"),
                    ("team_lead", "the lead of the task's, the assignee's or the named team"),
                    ("duty", "who is on duty"),
                    ("manager", "the assignee's manager"),
                    ("person", "a named person"),
                ],
                max_length=20,
                verbose_name="whom",
            ),
        ),
    ]
