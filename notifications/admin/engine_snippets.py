"""What an administrator copies to make an engine call, with the installation's address filled in."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.utils.translation import gettext_lazy as _

from notifications.connectors import connector_for, samples
from notifications.models import Engine, Recipient

TITLES: dict[str, Any] = {
    "flowable_http_task.xml": _("HTTP task, for the model: tells of milestones"),
    "opentext_http_task.http": _("HTTP task, for the model: tells of milestones"),
    "camunda7_listener.java": _("Task listener, a class of the process application"),
    "camunda8_listener.sh": _("Registers a global listener, once"),
    "camunda8_worker.python": _("Works for that listener"),
    "camunda8_rest_connector.xml": _("REST connector, for the model: tells of milestones"),
}


@dataclass(frozen=True)
class Snippet:
    name: str
    title: Any
    text: str


def snippets_of(engine: Engine, plain: str) -> list[Snippet]:
    """`plain`: the key, when it is just being shown; else its place is left open."""
    connector, base, key = connector_for(engine.kind), settings.BASE_URL, plain or "$WFPUSH_KEY"
    somebody = Recipient.objects.filter(active=True, engine=None).order_by("pk").values_list("ref", flat=True).first()
    curl = samples.curl(connector.example, base=base, key=key, slug=engine.slug, ref=somebody or "")
    variables = f"export WFPUSH={base}\nexport WFPUSH_KEY={plain or '…'}"
    copied = [
        Snippet(name, TITLES[name], samples.filled_in(name, base=base, key=key, slug=engine.slug))
        for name in connector.samples
    ]
    reads = any("WFPUSH_KEY" in samples.text_of(name) for name in connector.samples)
    environment = [Snippet("environment", _("What it reads from its environment"), variables)] if reads else []
    return [Snippet("curl", _("To try it: a task, as the engine would send it"), curl), *environment, *copied]
