"""The desk speaks German as a whole, not every other word of it."""

from pathlib import Path
from typing import Any

import unfold
from django.apps import apps
from django.conf import settings
from django.contrib import admin
from django.test import Client
from django.utils import translation

from notifications.admin.desk.unfold_translations import WORDS
from notifications.models import ApiKey, Delivery, Event, Response, RouteTarget, SignInLink
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World

OURS = (*settings.CORE, *settings.FEATURES)
SAME_IN_BOTH = {
    *("API", "ID", "Name", "Slug", "Status", "Team", "Teams", "Engine", "Engines", "Route", "URL", "seq", "ref"),
}
UNNAMED = {
    *("CountedHour", "DeliveryReceipt", "EngagementCount", "EngagementHour", "EntitlementReview", "HandedOver"),
    *("HeldReview", "HourlyCount", "LinkRequest", "RotaFeed", "RotaFeedShift", "RotaWatch", "Rules", "Tally"),
}
"""Models that no page names."""


def test_the_sign_in_page_is_german(db: None) -> None:
    page = text_of(Client(HTTP_ACCEPT_LANGUAGE="de").get("/admin/login/?next=/admin/"))
    for words in ("Willkommen bei", "Benutzername", "Passwort", "Anmelden", "Zurück zum Posteingang", "Dunkel"):
        assert words in page
    for words in ("Welcome", "Return", "Light", "Dark", "System"):
        assert words not in page.split()


def test_a_list_is_german(world: World, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    page = text_of(root.get(list_of(ApiKey)))
    assert page.startswith("API-Schlüssel |")
    assert "Aktion wählen" in page
    assert "Nichts passt" in text_of(root.get(list_of(ApiKey, "q=nothing")))


def test_tries_and_claims_are_german(day: World, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    pages = [list_of(Delivery), *(page_of(row) for row in (Delivery.objects.get(state="dead"), Event.objects.first()))]
    for page in map(text_of, map(root.get, pages)):
        assert "Versuche" in page
        assert not {"Attempts", "attempts", "Lease"} & set(page.split())


def test_a_delivery_is_called_by_its_channels_label(day: World, root: Client) -> None:
    root.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    dead = Delivery.objects.get(state="dead")
    assert f"E-Mail → {dead.recipient}" in text_of(root.get(page_of(dead)))


def test_every_model_has_a_name_in_both_languages() -> None:
    models = [model for app in OURS for model in apps.get_app_config(app).get_models()]
    for model in models:
        if model.__name__.startswith("Historical") or model.__name__ in UNNAMED:
            continue
        for name in ("verbose_name", "verbose_name_plural"):
            source, german = said(getattr(model._meta, name))
            assert german != source or german.capitalize() in SAME_IN_BOTH, (model, name)


def test_names_are_those_of_the_pages() -> None:
    names = {model: said(model._meta.verbose_name_plural)[0] for model in (ApiKey, Response, RouteTarget, SignInLink)}
    assert names == {ApiKey: "API keys", Response: "answers", RouteTarget: "targets", SignInLink: "sign-in links"}


def test_every_field_that_the_desk_shows_is_named_in_german() -> None:
    english = []
    for model, desk in admin.site._registry.items():
        if model._meta.app_label not in OURS:
            continue
        for shown in [desk, *(inline(model, admin.site) for inline in desk.inlines)]:
            for field in fields_of(shown):
                source, german = said(field.verbose_name)
                if source == german and source.lower() not in {word.lower() for word in SAME_IN_BOTH}:
                    english.append(f"{shown.model.__name__}.{field.name}")
    from_the_outbox = {"attempts", "due_at", "lease_until"}
    assert [each for each in english if each.partition(".")[2] not in from_the_outbox] == []


def fields_of(desk: Any) -> list[Any]:
    grouped = [name for _title, options in desk.fieldsets or [] for name in options["fields"]]
    names = [*grouped, *(desk.fields or []), *getattr(desk, "list_display", []), *desk.readonly_fields]
    flat = [part for name in names for part in (name if isinstance(name, tuple) else [name])]
    known = {field.name: field for field in [*desk.model._meta.fields, *desk.model._meta.many_to_many]}
    return [known[name] for name in flat if name in known]


def said(words: object) -> tuple[str, str]:
    with translation.override("en"):
        source = str(words)
    with translation.override("de"):
        return source, str(words)


def test_what_we_translate_for_unfold_is_still_said_by_it() -> None:
    packages = Path(unfold.__file__).parents[1]
    folders = [packages / "unfold", packages / "simple_history"]
    files = [file for folder in folders for ending in ("py", "html") for file in folder.rglob(f"*.{ending}")]
    said_by_it = "\n".join(file.read_text(encoding="utf-8") for file in files)
    assert [words for words in WORDS if words not in said_by_it] == []


def test_every_field_that_a_form_declares_has_a_label() -> None:
    """Without one, Django makes an English label of the field's name."""
    desks = [desk for model, desk in admin.site._registry.items() if model._meta.app_label in OURS]
    forms = {desk.form for desk in desks} | {inline.form for desk in desks for inline in desk.inlines}
    bare = [
        (form.__name__, name)
        for form in forms
        for name, field in getattr(form, "declared_fields", {}).items()
        if field.label is None and not field.widget.is_hidden
    ]
    assert bare == []
