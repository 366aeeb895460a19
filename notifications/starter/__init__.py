"""The configuration of a fresh installation: everything works, in English and German, before anybody opens the admin.

Pure data, and one function that writes what is missing. An administrator's changes are never touched.
"""

from datetime import UTC, datetime
from typing import Any

from notifications.starter.actions import ACTIONS
from notifications.starter.categories import CATEGORIES
from notifications.starter.event_types import EVENT_TYPES
from notifications.starter.routes import FIRST_PRIORITY, ROUTES, STEP
from notifications.starter.shapes import EventTypeSeed, RouteSeed, TemplateSeed
from notifications.starter.templates import LANGUAGES, TEMPLATES, text_of

NOTE = "Comes with the installation."


def ensure(apps: Any) -> None:
    """Create what is missing of categories, event types, templates and routes, each known by its slug or name.

    `apps` is Django's registry or a migration's historical one: only fields and managers are used.
    """
    writer = _Writer(apps)
    for place, category in enumerate(CATEGORIES):
        writer.of("Category").get_or_create(
            slug=category.slug,
            defaults={
                "name": category.name,
                "name_de": category.name_de,
                "channels": list(category.channels),
                "position": place,
            },
        )
    for event_type in EVENT_TYPES:
        writer.event_type(event_type)
    for template in TEMPLATES:
        writer.template(template)
    for place, route in enumerate(ROUTES):
        writer.route(route, FIRST_PRIORITY + place * STEP)


class _Writer:
    def __init__(self, apps: Any) -> None:
        self.apps = apps

    def of(self, model: str) -> Any:
        return self.apps.get_model("notifications", model).objects

    def event_type(self, seed: EventTypeSeed) -> None:
        defaults = {"description": seed.description, "sample": seed.sample}
        event_type, created = self.of("EventType").get_or_create(name=seed.name, defaults=defaults)
        if created:
            for each in seed.variables:
                self.of("EventVariable").create(
                    event_type=event_type, path=each.path, label=each.label, sensitive=each.sensitive
                )

    def template(self, seed: TemplateSeed) -> None:
        template, created = self.of("Template").get_or_create(slug=seed.slug, defaults={"name": seed.name})
        if not created:
            return
        version = self.of("TemplateVersion").create(
            template=template, number=1, state="published", note=NOTE, published_at=datetime.now(UTC)
        )
        for language in LANGUAGES:
            text = text_of(seed.slug, language)
            self.of("TemplateText").create(
                version=version, language=language, title=text.title, body=text.body, short_body=text.short_body
            )
        for each in ACTIONS:
            self.of("TemplateAction").create(
                version=version, action=each.action, comment=each.comment, labels={"en": each.en, "de": each.de}
            )

    def route(self, seed: RouteSeed, priority: int) -> None:
        route, created = self.of("Route").get_or_create(
            name=seed.name,
            defaults={
                "priority": priority,
                "stop": not seed.goes_on,
                "category": self.of("Category").get(slug=seed.category),
                "template": self.of("Template").get(slug=seed.template),
            },
        )
        if not created:
            return
        route.event_types.set(self.of("EventType").filter(name__in=seed.event_types))
        for path, operator, value in seed.conditions:
            self.of("RouteCondition").create(route=route, path=path, operator=operator, value=value)
        for kind in seed.targets:
            self.of("RouteTarget").create(route=route, kind=kind)
