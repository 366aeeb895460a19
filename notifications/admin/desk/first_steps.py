"""The steps to the first message, each with its state: the greeting of an empty installation."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.admin.desk.display import change_url, list_url
from notifications.admin.engines import engine_wizard
from notifications.admin.engines.engine_wizard import step_url
from notifications.admin.engines.first_event import has_key
from notifications.connectors import connector_for, samples
from notifications.models import Engine, Event, Notification, Recipient, Route


@dataclass(frozen=True)
class Step:
    """A step. `command`: a command to copy into a terminal."""

    title: str
    says: str
    href: str
    done: bool
    command: str = ""


def first_steps() -> list[Step]:
    """Return the steps; an empty list once something has reached an inbox."""
    if Notification.objects.exists():
        return []
    engine, person = Engine.objects.order_by("pk").first(), Recipient.objects.filter(active=True).order_by("pk").first()
    return [_engine_step(engine), _people_step(person), _routes_step(), _event_step(engine, person)]


def _engine_step(engine: Engine | None) -> Step:
    title = _("Connect an engine")
    if engine is None:
        says = _("The system that sends events: its name, its kind, and the address that receives the answers.")
        return Step(title, says, reverse(engine_wizard.NAME), done=False)
    if not has_key(engine):
        says = _("%(engine)s needs a key to call wfpush. It is shown once, and filled into the commands you copy.")
        return Step(title, says % {"engine": engine}, step_url(engine, "key"), done=False)
    return Step(title, _("%(engine)s has a key.") % {"engine": engine}, step_url(engine, "key"), done=True)


def _people_step(person: Recipient | None) -> Step:
    title = _("Invite people")
    if person is None:
        says = _("The people to notify, under the names that the engine uses. The engine can add them, too.")
        return Step(title, says, f"{list_url(Recipient)}add/", done=False)
    count = Recipient.objects.filter(active=True).count()
    says = ngettext("%(count)d person is known.", "%(count)d people are known.", count) % {"count": count}
    return Step(title, says, list_url(Recipient), done=True)


def _routes_step() -> Step:
    title, count = _("Create a rule"), Route.objects.filter(enabled=True).count()
    if not count:
        new_rule = reverse("admin:notifications_route_new_rule")
        return Step(title, _("A rule decides who is notified of an event, and how."), new_rule, done=False)
    says = ngettext(
        "%(count)d rule is on: change it as you need it.",
        "%(count)d rules are on: change them as you need them.",
        count,
    )
    return Step(title, says % {"count": count}, list_url(Route), done=True)


def _event_step(engine: Engine | None, person: Recipient | None) -> Step:
    title = _("See the first event arrive")
    came = Event.objects.order_by("-pk").first()
    if came is not None:
        says = _("%(event)s was received but reached nobody. Its page says why.") % {"event": came}
        return Step(title, says, change_url(came), done=False)
    if engine is None or person is None:
        return Step(title, _("When the steps above are done, let the engine send one."), "", done=False)
    says = _("Let the engine send one, or send one yourself; replace KEY with the key:")
    example = connector_for(engine.kind).example
    command = samples.curl(example, base=settings.BASE_URL, key="KEY", slug=engine.slug, ref=person.ref)
    return Step(title, says, step_url(engine, "event"), done=False, command=command)
