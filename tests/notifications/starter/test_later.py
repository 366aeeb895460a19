"""An installation that spoke two languages speaks all of them after the upgrade, where it is still as it came."""

from typing import Any

import pytest
from django.apps import apps

from notifications import starter
from notifications.models import (
    Category,
    CustomerText,
    TemplateAction,
    TemplateFact,
    TemplateText,
    TemplateVersion,
)

pytestmark = pytest.mark.django_db
LATER = ("es", "fr")


@pytest.fixture(autouse=True)
def fresh() -> None:
    starter.ensure(apps)


def words() -> dict[str, list[Any]]:
    return {
        "texts": list(TemplateText.objects.order_by("version", "channel", "language").values_list("title", "body")),
        "customers": list(CustomerText.objects.order_by("version", "language").values_list("title", "body")),
        "labels": [each.labels for model in (TemplateAction, TemplateFact) for each in model.objects.order_by("pk")],
        "categories": list(Category.objects.order_by("pk").values_list("names", flat=True)),
    }


def without(labels: dict[str, str]) -> dict[str, str]:
    return {language: said for language, said in labels.items() if language not in LATER}


def speak_two_languages() -> None:
    TemplateText.objects.filter(language__in=LATER).delete()
    CustomerText.objects.filter(language__in=LATER).delete()
    for model in (TemplateAction, TemplateFact):
        for row in model.objects.all():
            row.labels = without(row.labels)
            row.save()
    for category in Category.objects.all():
        category.names = without(category.names)
        category.save()


def test_what_is_still_as_it_came_speaks_all_languages() -> None:
    before = words()
    speak_two_languages()
    assert words() != before

    starter.add_languages(apps)
    assert words() == before

    starter.add_languages(apps)
    assert words() == before


def test_what_an_administrator_wrote_is_left_alone() -> None:
    speak_two_languages()
    TemplateVersion.objects.filter(template__slug="task").update(number=2, note="Ours.")
    Category.objects.filter(slug="incidents").update(name="Trouble")

    starter.add_languages(apps)

    task = TemplateVersion.objects.get(template__slug="task")
    assert set(task.texts.values_list("language", flat=True)) == {"en", "de"}
    assert not any(set(LATER) & action.labels.keys() for action in task.actions.all())
    assert not set(LATER) & Category.objects.get(slug="incidents").names.keys()
