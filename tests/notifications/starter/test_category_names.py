"""What was a category's name in German is one of its names in other languages after the upgrade from 0.2.0."""

from importlib import import_module

import pytest
from django.apps import apps

from notifications.models import Category

pytestmark = pytest.mark.django_db
carry_names = import_module("notifications.migrations.0007_category_names").carry_names


def as_before(slug: str, name: str, name_de: str) -> None:
    """As version 0.2.0 had it."""
    Category.objects.update_or_create(slug=slug, defaults={"name": name})
    Category.objects.filter(slug=slug).update(names={}, name_de=name_de)


def test_names_are_carried_over() -> None:
    as_before("approvals", "Sign-offs", "Freigaben")
    as_before("incidents", "Incidents", "Störungen")
    as_before("travel", "Travel", "")

    carry_names(apps, None)

    names = dict(Category.objects.values_list("slug", "names"))
    assert names["approvals"] == {"de": "Freigaben"}
    assert names["incidents"]["de"] == "Störungen"
    assert names["travel"] == {}


def test_versions_that_the_desk_keeps_have_them_too() -> None:
    as_before("travel", "Travel", "")
    Category.history.filter(slug="travel").update(names={}, name_de="Reisen")

    carry_names(apps, None)

    assert Category.history.filter(slug="travel").latest().names == {"de": "Reisen"}


def test_processes_of_the_version_before_read_what_is_saved_now() -> None:
    category = Category.objects.create(slug="travel", name="Travel", names={"de": "Reisen", "fr": "Voyages"})

    assert Category.objects.filter(pk=category.pk, name_de="Reisen").exists()
