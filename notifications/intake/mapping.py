"""Turns an engine's own JSON into a CloudEvent by the engine's mapping: one JMESPath expression for each member.

The preset of an engine kind is in its file in notifications/connectors/.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from notifications.errors import InvalidEvent
from notifications.intake import cloudevents
from notifications.intake.eventdata import fault
from notifications.intake.expressions import Evaluation, LimitExceeded
from notifications.intake.strictjson import MAX_DEPTH, BadText, bad_texts, deeper_than
from notifications.models import Engine, EventMapping
from notifications.types import InboundEvent, Json
from wfpush.web.pointers import cut

MAX_REASON = 200
"""Characters of the message about one expression, which may repeat the document."""


def use_preset(engine: Engine, preset: Mapping[str, str]) -> None:
    """Replace the engine's mapping by a preset."""
    engine.event_mappings.all().delete()
    EventMapping.objects.bulk_create(
        EventMapping(engine=engine, member=member, expression=expression) for member, expression in preset.items()
    )


def read(engine: Engine, document: Any) -> InboundEvent:
    """Return the event of an engine's own JSON. Raises InvalidEvent, also without a mapping or a stable id."""
    rows = list(engine.event_mappings.values_list("member", "expression"))
    if not rows:
        raise InvalidEvent(
            "This is no CloudEvent (specversion is missing), and the engine has no mapping for other JSON. "
            "Send a CloudEvent, or set up the mapping in the administration.",
            [fault("/specversion", "Write “1.0”, the version of CloudEvents.")],
        )
    return cloudevents.structured(translate(rows, document, source=f"/engines/{engine.slug}"))


def translate(mapping: Iterable[tuple[str, str]], document: Any, *, source: str) -> Json:
    """Return the unchecked CloudEvent of (member, expression) pairs. `source` is used where they give none.

    Members whose expression finds nothing, or empty text, are left out. Raises InvalidEvent when an expression fails.
    """
    event: Json = {"specversion": "1.0", "source": source}
    faults = []
    evaluation = Evaluation()
    for member, expression in mapping:
        try:
            value = evaluation.search(expression, document)
        except Exception as wrong:  # an administrator's expression on any document: every fault is for them to correct
            reason = cut((str(wrong) or type(wrong).__name__).splitlines()[0], MAX_REASON)
            faults.append(fault("/" + member.replace(".", "/"), f"The mapping `{expression}` failed: {reason}"))
            continue
        if value is not None and value != "":
            _place(event, member.split("."), value)
    faults = faults or [fault(where, why) for where, why in _unfit(event, evaluation)]
    if faults:
        raise InvalidEvent("The engine's mapping does not fit this JSON. Mend it in the administration.", faults)
    return event


def _unfit(event: Json, evaluation: Evaluation) -> Iterator[tuple[str, str]]:
    """Yield the reasons why a mapped event is refused: the limits for bodies apply to it, too."""
    try:
        evaluation.weigh(event)
    except LimitExceeded as wrong:
        yield "", f"The mapping as a whole: {wrong}"
        return
    if deeper_than(event, MAX_DEPTH):
        yield "", f"The mapping nests what it makes in more than {MAX_DEPTH} levels."
        return
    yield from ((where, BadText.detail) for where in bad_texts(event))


def _place(event: Json, path: list[str], value: Any) -> None:
    """Set a value at its path. Makes objects on the way, or adds to the object of another expression."""
    *parents, last = path
    for name in parents:
        inner = event.get(name)
        if not isinstance(inner, dict):
            inner = event[name] = {}
        event = inner
    member = event.get(last)
    event[last] = {**value, **member} if isinstance(member, dict) and isinstance(value, dict) else value
