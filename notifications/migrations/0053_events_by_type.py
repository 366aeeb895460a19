from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Built while events come in, so it is not in a transaction."""

    atomic = False
    dependencies = [("notifications", "0052_words_of_people_tasks_and_cases")]

    operations = [
        AddIndexConcurrently(
            model_name="event",
            index=models.Index(fields=["engine", "type"], name="event_by_type"),
        ),
    ]
