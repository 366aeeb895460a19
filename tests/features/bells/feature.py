"""Bells, as CONTRIBUTING.md says how to add a feature: a folder and a line of the settings."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext_noop

from notifications import roles
from notifications.additions import (
    ApiPaths,
    Columns,
    DeskList,
    MenuEntry,
    Pages,
    PersonalData,
    Rights,
    Section,
)
from notifications.feature_targets import FeatureTarget, Period
from notifications.reasons import code
from notifications.routing import targets
from tests.features.bells.models import Bell
from wfpush.features import Feature

HAS_BELL = code("has_bell", gettext_noop("has the bell %(name)s"))


def find(search: targets.Search) -> targets.People:
    bell = Bell.objects.select_related("person").filter(pk=search.ref).first()
    return [(bell.person, HAS_BELL(name=bell.name))] if bell is not None else []


def may_be(ref: str, person: int) -> bool:
    return Bell.objects.filter(pk=ref, person=person).exists()


def over(refs: Iterable[str], begins: datetime, ends: datetime) -> Period:
    return Period(object, lambda instant: None, [])


FEATURE = Feature(
    name="bells",
    needs=["rotas"],
    adds=[
        FeatureTarget(
            value="bell",
            label="who has a bell",
            row_label="bell",
            unnamed="Choose the bell.",
            sentence="whoever has %(name)s",
            model="bells.bell",
            find=find,
            may_be=may_be,
            over=over,
            is_one_person=True,
        ),
        Pages("tests.features.bells.pages"),
        MenuEntry("bells:mine", "Bells", lambda person: person.bells.exists()),
        ApiPaths("tests.features.bells.api"),
        DeskList("people", "bells.bell"),
        Rights(roles.ADMINISTRATORS, ["bells.bell"]),
        Rights(roles.OPERATORS, ["bells.bell"], ["view"]),
        PersonalData(
            tables={"bells.bell": Columns(words="name")},
            go=[("bells.bell", "person")],
            export={"bells": Section("bells.bell", "person")},
        ),
    ],
)
