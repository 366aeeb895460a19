"""What an empty installation greets with: the steps to the first message, each with its state."""

import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.admin.words import change_url, list_url
from notifications.models import ApiKey, Engine, Event, Notification, Recipient, Route


@dataclass(frozen=True)
class Step:
    """`command`: to be copied into a terminal."""

    title: str
    says: str
    href: str
    done: bool
    command: str = ""


def first_steps() -> list[Step]:
    """None once something has reached an inbox."""
    if Notification.objects.exists():
        return []
    engine, person = Engine.objects.order_by("pk").first(), Recipient.objects.filter(active=True).order_by("pk").first()
    return [_engine_step(engine), _people_step(person), _routes_step(), _event_step(engine, person)]


def _engine_step(engine: Engine | None) -> Step:
    title = _("Connect an engine")
    if engine is None:
        says = _("The system whose events come here: its name, its kind, and where it is told the answers.")
        return Step(title, says, f"{list_url(Engine)}add/", done=False)
    usable = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
    if not ApiKey.objects.filter(usable, revoked_at=None).exists():
        says = _("%(engine)s needs a key, by which it calls: press “New API key” on its page, and copy what is shown.")
        return Step(title, says % {"engine": engine}, change_url(engine), done=False)
    return Step(title, _("%(engine)s has a key.") % {"engine": engine}, change_url(engine), done=True)


def _people_step(person: Recipient | None) -> Step:
    title = _("Invite people")
    if person is None:
        says = _("Whoever is to be told something, under the name by which the engine knows them. It can do so, too.")
        return Step(title, says, f"{list_url(Recipient)}add/", done=False)
    count = Recipient.objects.filter(active=True).count()
    says = ngettext("%(count)d person is known.", "%(count)d people are known.", count) % {"count": count}
    return Step(title, says, list_url(Recipient), done=True)


def _routes_step() -> Step:
    title, count = _("Say who is told what"), Route.objects.filter(enabled=True).count()
    if not count:
        return Step(
            title, _("A route says who is told of which events, and how."), f"{list_url(Route)}add/", done=False
        )
    says = ngettext(
        "%(count)d route is on: change it as you need it.",
        "%(count)d routes are on: change them as you need them.",
        count,
    )
    return Step(title, says % {"count": count}, list_url(Route), done=True)


def _event_step(engine: Engine | None, person: Recipient | None) -> Step:
    title = _("See the first event arrive")
    came = Event.objects.order_by("-pk").first()
    if came is not None:
        says = _("%(event)s came, and reached nobody. Its page says why.") % {"event": came}
        return Step(title, says, change_url(came), done=False)
    if engine is None or person is None:
        return Step(title, _("When the steps above are done, let the engine send one."), "", done=False)
    says = _("Let the engine send one, or send one yourself, with the key in the place of KEY:")
    return Step(title, says, "", done=False, command=_command(person.ref))


def _command(ref: str) -> str:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": "1",
        "source": "/first",
        "type": "task.assigned",
        "data": {"task": {"id": "T-1", "name": _("My first task"), "assignee": ref, "actions": ["approve", "reject"]}},
    }
    body = json.dumps(event, ensure_ascii=False).replace("'", "\\u0027")
    key, kind = "'Authorization: Bearer KEY'", "'Content-Type: application/json'"
    return f"curl {settings.BASE_URL}/api/v1/events -H {key} -H {kind} -d '{body}'"
