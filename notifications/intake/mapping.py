"""An engine's own JSON, turned into a CloudEvent by the engine's mapping: one JMESPath expression a member.

A kind's preset lies in its file in notifications/connectors/.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from notifications.errors import InvalidEvent
from notifications.intake import cloudevents
from notifications.intake.eventdata import fault
from notifications.intake.expressions import Evaluation, TooMuch
from notifications.intake.strictjson import MAX_DEPTH, BadText, bad_texts, deeper_than
from notifications.models import Engine, EventMapping
from notifications.types import InboundEvent, Json
from wfpush.web.pointers import cut

MAX_REASON = 200
"""Characters of what is wrong with one expression: it may repeat the document."""


def use_preset(engine: Engine, preset: Mapping[str, str]) -> None:
    """Replace the engine's mapping by a preset."""
    engine.event_mappings.all().delete()
    EventMapping.objects.bulk_create(
        EventMapping(engine=engine, member=member, expression=expression) for member, expression in preset.items()
    )


def read(engine: Engine, document: Any) -> InboundEvent:
    """The event that an engine's own JSON means. Raises InvalidEvent, also without a mapping or a stable id."""
    rows = list(engine.event_mappings.values_list("member", "expression"))
    if not rows:
        raise InvalidEvent(
            "This is no CloudEvent (specversion is missing), and the engine has no mapping for other JSON. "
            "Send a CloudEvent, or set up the mapping in the administration.",
            [fault("/specversion", "Write “1.0”, the version of CloudEvents.")],
        )
    return cloudevents.structured(translate(rows, document, source=f"/engines/{engine.slug}"))


def translate(mapping: Iterable[tuple[str, str]], document: Any, *, source: str) -> Json:
    """The CloudEvent as a mapping of (member, expression) makes it, unchecked. `source` is used where it says none.

    What an expression finds nothing for, or an empty text, is left out. Raises InvalidEvent when one fails.
    """
    event: Json = {"specversion": "1.0", "source": source}
    faults = []
    evaluation = Evaluation()
    for member, expression in mapping:
        try:
            value = evaluation.search(expression, document)
        except Exception as wrong:  # an administrator's expression over whatever was sent: any fault is theirs to mend
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
    """Why an event that was put together may not go on, as no body would that was sent so."""
    try:
        evaluation.weigh(event)
    except TooMuch as wrong:
        yield "", f"The mapping as a whole: {wrong}"
        return
    if deeper_than(event, MAX_DEPTH):
        yield "", f"The mapping nests what it makes in more than {MAX_DEPTH} levels."
        return
    yield from ((where, BadText.detail) for where in bad_texts(event))


def _place(event: Json, path: list[str], value: Any) -> None:
    """Put a value under its path; objects on the way are made, and one that an expression gave is added to."""
    *parents, last = path
    for name in parents:
        inner = event.get(name)
        if not isinstance(inner, dict):
            inner = event[name] = {}
        event = inner
    known = event.get(last)
    event[last] = {**value, **known} if isinstance(known, dict) and isinstance(value, dict) else value
