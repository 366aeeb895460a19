from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations
from django.db.models import Q

from wfpush.postgres.word_index import Words

PERSON = Words("name", ids=["ref", "email"])


class Migration(migrations.Migration):
    """Words by which the desk finds people, tasks and cases. Built while events come in, without a transaction."""

    atomic = False

    dependencies = [("notifications", "0051_names_of_the_desk")]

    operations = [
        AddIndexConcurrently("case", GinIndex(Words("title"), name="case_words", fastupdate=False)),
        AddIndexConcurrently(
            "task", GinIndex(Words("name"), name="task_words", condition=Q(case=None), fastupdate=False)
        ),
        AddIndexConcurrently(
            "recipient", GinIndex(PERSON, name="person_words", condition=Q(engine=None), fastupdate=False)
        ),
        AddIndexConcurrently(
            "recipient",
            GinIndex(PERSON, name="external_person_words", condition=Q(engine__isnull=False), fastupdate=False),
        ),
    ]
