"""The health of engines: whether an engine takes answers, and can be polled and read. Every page, list, check and note
that words the state of an engine reads it here.

The facts are the engine's row, its poll, the state of its services (wfpush/observability/services.py), and the last
call. So one failed call is shown at once, and a service that is away once that is certain.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import reasons
from notifications.engines import callback_claims, poll
from notifications.models import Callback, CallbackAttempt, CallbackState, Engine, Poll
from notifications.reasons import NOTHING, Reason
from wfpush.models import ServiceState
from wfpush.numbers import number
from wfpush.observability import services
from wfpush.observability.services import AWAY, REFUSES, SLOW

OFF, STOPPED, FAILED, NOT_POLLED, NOT_READ = "off", "stopped", "failed", "not_polled", "not_read"
"""Codes of faults, beside AWAY, REFUSES and SLOW."""
ANSWERED = (CallbackState.DELIVERED, CallbackState.HANDLED, CallbackState.REFUSED)
"""States of answers whose last call the engine answered."""

_COMPARE = "Compare its addresses, keys and signing secret with the engine's, and test the connection on its page."
REMEDIES = {
    OFF: "Switch it on at its page, or mark its answers as handled.",
    STOPPED: "Enter its new address on its page, and send the answers again.",
    AWAY: "Start the engine, or correct its address and test the connection on its page.",
    SLOW: "Look at the load of the engine.",
    **dict.fromkeys((REFUSES, FAILED, NOT_POLLED, NOT_READ), _COMPARE),
}
"""What an administrator does about each fault, for notes, which are in English. The desk links to the page instead."""


@dataclass(frozen=True)
class Fault:
    """`since`: when it began, or of a failed call when that ended; None: not known."""

    code: str
    since: datetime | None = None
    why: Reason = NOTHING

    @property
    def label(self) -> str:
        return {
            OFF: _("switched off"),
            STOPPED: _("answers are stopped"),
            AWAY: _("does not answer"),
            REFUSES: _("refuses answers"),
            SLOW: _("slow"),
            FAILED: _("the last call failed"),
            NOT_POLLED: _("cannot be polled"),
            NOT_READ: _("tasks cannot be read"),
        }[self.code]

    def sentence(self, at: Callable[[datetime], str]) -> str:
        """Return a sentence in the reader's language. `at` words a time."""
        form = {
            OFF: _("Switched off: its events are refused, and it gets no answers."),
            STOPPED: _("It has said that its address is gone (%(since)s): %(why)s"),
            AWAY: _("It has not answered since %(since)s: %(why)s"),
            REFUSES: _("It has refused every answer since %(since)s: %(why)s"),
            SLOW: _("It has been slow since %(since)s."),
            FAILED: _("The last call failed on %(since)s: %(why)s"),
            NOT_POLLED: _("Polling for its tasks fails: %(why)s"),
            NOT_READ: _("Its tasks cannot be read before answers are sent: %(why)s"),
        }[self.code]
        text = form % {"since": at(self.since) if self.since else "–", "why": self.why.words()}
        return text if text.endswith((".", "!", "?")) else f"{text}."


@dataclass(frozen=True)
class Health:
    """The faults of an engine, the worst first. With faults `waiting` is the number of its answers that wait; without,
    `is_proven` says whether a call or poll has ever succeeded."""

    engine: Engine
    faults: Sequence[Fault] = field(default_factory=list)
    waiting: int = 0
    is_proven: bool = False

    @property
    def label(self) -> str:
        """Return the state in a few words."""
        if self.faults:
            return self.faults[0].label
        if self.is_proven:
            return _("works")
        return _("no answer sent yet") if self.engine.callback_url else _("no address for answers")

    @property
    def is_bad(self) -> bool:
        """Return whether the engine has a fault that nobody has chosen."""
        return bool(self.faults) and self.faults[0].code != OFF

    def sentences(self, at: Callable[[datetime], str]) -> str:
        """Return the faults, and how many answers wait because of them; empty without faults."""
        said = [fault.sentence(at) for fault in self.faults]
        if said and self.waiting:
            waits = ngettext("%(count)s answer waits to be sent.", "%(count)s answers wait to be sent.", self.waiting)
            said.append(waits % {"count": number(self.waiting)})
        return " ".join(said)


def health_of(engines: Iterable[Engine], now: datetime) -> dict[int, Health]:
    """Return the health of engines by their keys, in a few queries. `poll` should be selected with the engines."""
    by_key = {engine.pk: engine for engine in engines}
    states = {(row.kind, row.name): row for row in services.troubled(now)}
    failed = _failed_calls(by_key)
    faults = {key: list(_faults(engine, states, failed.get(key))) for key, engine in by_key.items()}
    waiting = _waiting_answers([key for key, mine in faults.items() if mine])
    proven = _proven([engine for key, engine in by_key.items() if not faults[key]])
    return {key: Health(engine, faults[key], waiting.get(key, 0), key in proven) for key, engine in by_key.items()}


def _waiting_answers(engines: Collection[int]) -> Mapping[int, int]:
    if not engines:
        return {}
    rows = Callback.objects.filter(engine__in=engines, state=CallbackState.WAITING).order_by()
    return dict(rows.values_list("engine").annotate(Count("pk")))


def _proven(engines: Collection[Engine]) -> set[int]:
    """Return the keys of the engines that have ever answered a call or poll."""
    polled = {engine.pk for engine in engines if (poll_of(engine) or Poll()).asked_at is not None}
    others = [engine.pk for engine in engines if engine.pk not in polled]
    answered = Callback.objects.filter(engine=OuterRef("pk"), state__in=ANSWERED)
    rows = Engine.objects.filter(Exists(answered), pk__in=others) if others else Engine.objects.none()
    return polled.union(rows.values_list("pk", flat=True))


def poll_of(engine: Engine) -> Poll | None:
    """Return the engine's poll if it is enabled."""
    row: Poll | None = getattr(engine, "poll", None)
    return row if row is not None and row.enabled else None


def all_with_faults(now: datetime) -> list[Health]:
    """Return the health of each engine that has a fault. Those that are switched off count while answers wait."""
    engines = Engine.objects.select_related("poll").order_by("name")
    found = health_of(engines, now).values()
    return [each for each in found if each.is_bad or (each.faults and each.waiting)]


def sentences(now: datetime, at: Callable[[datetime], str]) -> list[str]:
    """Return the faults of each engine that has one, with its name and what to do about the worst."""
    faulty = all_with_faults(now)
    return [f"{each.engine.name}: {each.sentences(at)} {REMEDIES[each.faults[0].code]}" for each in faulty]


def obstacle(engine: Engine) -> Fault | None:
    """Return why the engine takes no answers, whatever its calls say."""
    if not engine.active:
        return Fault(OFF)
    if engine.callback_disabled_at is None:
        return None
    return Fault(STOPPED, engine.callback_disabled_at, reasons.read(engine, "callback_disabled_reason"))


def _faults(engine: Engine, states: Mapping[services.Service, ServiceState], failed: Fault | None) -> Iterator[Fault]:
    if (fault := obstacle(engine)) is not None:
        yield fault
    if not engine.active:
        return
    if fault is None and engine.callback_url:
        state = states.get((callback_claims.KIND, engine.slug))
        lasts = Fault(state.state, state.since, reasons.read(state)) if state is not None else None
        worst = failed if lasts is None or (lasts.code == SLOW and failed is not None) else lasts
        if worst is not None:
            yield worst
    polled = poll_of(engine)
    if polled is not None and polled.error_fact:
        state = states.get((poll.KIND, engine.slug))
        yield Fault(NOT_POLLED, state.since if state is not None else None, reasons.read(polled, "error"))
    if engine.reads_before_answers and engine.not_compared_reason_fact:
        yield Fault(NOT_READ, None, reasons.read(engine, "not_compared_reason"))


def _failed_calls(engines: Iterable[int]) -> dict[int, Fault]:
    """Return the last call of each engine if it failed: no answer has been taken since. An answer that cannot be sent
    because of the engine's settings counts as failed, too."""
    unanswered = Callback.objects.filter(
        Q(state=CallbackState.WAITING, attempts__gt=0) | Q(state=CallbackState.FAILED), engine__in=engines
    )
    calls = CallbackAttempt.objects.filter(callback__in=unanswered, ended_at__isnull=False).select_related("callback")
    newest = {
        call.callback.engine_id: call
        for call in calls.order_by("callback__engine_id", "-pk").distinct("callback__engine_id")
    }
    failed = {
        engine: Fault(FAILED, call.ended_at, reasons.read(call, "detail"))
        for engine, call in newest.items()
        if not _answered_since(engine, call.pk)
    }
    unsent = unanswered.filter(alert_fact__isnull=False, first_attempt_at__isnull=False)
    for row in unsent.order_by("engine_id", "-pk").distinct("engine_id"):
        failed.setdefault(row.engine_id, Fault(FAILED, row.first_attempt_at, reasons.read(row, "alert")))
    return failed


def _answered_since(engine: int, call: int) -> bool:
    later = CallbackAttempt.objects.filter(pk__gt=call, callback__engine=engine, callback__state__in=ANSWERED)
    return later.exists()
