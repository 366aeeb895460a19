"""Forwards a task: a person hands it to a colleague, with a note.

The colleague gets a copy of the task, as the person's own came. The note is a comment of the conversation. If the task
is the person's in its engine, and the engine can be asked, the engine is asked to give it to the colleague, by a call
that is sent exactly once. An event of our own records all of this in the trace.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from notifications.answers import four_eyes, guards, reassigning
from notifications.answers.decision import NOT_OFFERED, Decision
from notifications.answers.reassigning import Wish
from notifications.answers.submission import Answer, RecordedMessage
from notifications.cases import internal_events
from notifications.conversation import posting
from notifications.conversation.posting import Words
from notifications.conversation.reasons import FORWARDED
from notifications.conversation.wording import ForwardWording
from notifications.errors import FourEyes, IdempotencyKeyReused, Invalid, NotAllowed
from notifications.items import inbox_items
from notifications.models import (
    Callback,
    Event,
    MessageKind,
    Notification,
    NotificationState,
    Recipient,
    Task,
    TaskMessage,
)
from notifications.people import stand_ins
from notifications.people.colleagues import colleagues
from notifications.people.stand_ins import StandIns
from notifications.routing import handing_on
from notifications.routing.addressing import Contacts
from notifications.routing.batch import Copies
from notifications.routing.entitlement import Entitlements
from notifications.routing.entitlement_search import part_subject_of
from notifications.routing.route import MessageRecipient
from notifications.types import Json, object_in, text_in
from notifications.wording.directions import all_apart
from notifications.wording.times import moment
from wfpush.postgres import revision

TYPE = "task.forwarded"
EVENT_ID = "forward/"
"""Prefix of the event's id, before the id of the note."""
MAX_FORWARDS = 20
"""Maximum number of people who have one task because it was forwarded to them."""


class ColleagueAway(Invalid):
    """The colleague is away. `stand_in`: their delegate; None: nobody whom the task could be forwarded to."""

    def __init__(self, detail: str, stand_in: Recipient | None) -> None:
        super().__init__(detail, [{"pointer": "/to", "detail": detail}])
        self.stand_in = stand_in


def can_forward(copy: Notification, person: Recipient) -> bool:
    """Return whether the person can forward the task of their copy. Reads the copy's task."""
    is_open = copy.is_copy and copy.state == NotificationState.OPEN and copy.task is not None and copy.task.answerable
    return is_open and not person.external


def forward(
    item: Notification, to: Recipient, words: Words, now: datetime, *, shown: str | None = None
) -> RecordedMessage:
    """Forward the task of the person's item to a colleague, and return the note. `shown`: the revision of the content
    that the person was shown; None: unknown.

    Raises NotAllowed, Invalid, ColleagueAway, CommentRequired, InvalidAnswer, IdempotencyKeyReused, and the errors of
    answers to tasks that are over or have changed.
    """
    text, person = posting.checked(words.text), item.recipient
    if item.task_id is None or person.external:
        raise NotAllowed("This cannot be forwarded.")
    with transaction.atomic(), revision.held():
        task = posting.lock_task(item.task_id)
        before = posting.find_repeated(task, person, text, words)
        if before is not None and not before.addressees.filter(person=to).exists():
            raise IdempotencyKeyReused("This Idempotency-Key came with another forward. Use a new key for a new one.")
        if before is not None:
            return RecordedMessage(before, created=False)
        copies = Copies([task]).of(task)
        copy = next((each for each in copies if each.recipient_id == person.pk), item)
        inbox_items.lock({to.pk, *(each.recipient_id for each in copies)})
        _refuse_if_over(task, copy, shown, now)
        forwarding = _Forwarding(task, copy, copies, to, now)
        forwarding.refuse()
        return RecordedMessage(forwarding.record(text, words), created=True)


def _refuse_if_over(task: Task, copy: Notification, shown: str | None, now: datetime) -> None:
    """Raise as for an answer to a task that is over, was withdrawn, or has changed since it was `shown`."""
    copy.task = task
    decision = Decision(
        task=task,
        item=copy,
        person=copy.recipient,
        offered=(),
        action=NOT_OFFERED,
        form=None,
        answer=Answer("", revision=shown or ""),
        at=now,
        copies=[],
        calls=(),
        entitlements=Entitlements([copy], now),
    )
    guards.refuse_if_over(decision)
    if shown is not None:
        guards.refuse_if_changed(decision)
    if not can_forward(copy, copy.recipient):
        raise NotAllowed("Only a task that waits for your answer can be forwarded.")


@dataclass(frozen=True)
class _Forwarding:
    """A forward of the locked `task` by the person of `copy`. `copies`: those of everybody who has the task. These
    people and the colleague are locked."""

    task: Task
    copy: Notification
    copies: Sequence[Notification]
    to: Recipient
    now: datetime

    # --- why not ------------------------------------------------------------------------------------------------------
    def refuse(self) -> None:
        """Raises Invalid, ColleagueAway."""
        fault = self._fault()
        if fault:
            raise Invalid.at("/to", fault)
        stand_in = StandIns(self.now).of([self.to], part_subject_of(self.copy)).get(self.to.pk)
        row = stand_ins.current(self.to.pk, self.now)
        if row is not None:
            raise self._is_away(row.ends_at, stand_in)
        try:
            four_eyes.check(self.task, self.to, four_eyes.enabled())
        except FourEyes as refused:
            raise Invalid.at("/to", self._why_not(refused)) from refused

    def _fault(self) -> str:
        names = all_apart(name=self.to, engine=self.task.engine)
        asked = reassigning.pending(self.task)
        if self.to.pk == self.copy.recipient_id:
            return _("You have this task already. Choose a colleague.")
        if not colleagues().filter(pk=self.to.pk).exists():
            return _("%(name)s is no longer active. Choose another colleague.") % names
        if any(each.recipient_id == self.to.pk for each in self.copies):
            return _("%(name)s has this task already.") % names
        if asked:
            return _("%(engine)s is already asked to give this task to %(name)s.") % (names | all_apart(name=asked))
        if sum((each.reason_fact or {}).get("code") == FORWARDED.name for each in self.copies) >= MAX_FORWARDS:
            return _("This task has been forwarded to %(most)s people already.") % {"most": MAX_FORWARDS}
        return ""

    def _is_away(self, until: datetime, stand_in: Recipient | None) -> ColleagueAway:
        names = all_apart(name=self.to, delegate=stand_in) | {"until": moment(until, self.now)}
        if stand_in is None:
            text = _("%(name)s is away until %(until)s, and nobody stands in. Choose another colleague.")
        elif stand_in.pk == self.copy.recipient_id:
            return ColleagueAway(_("%(name)s is away until %(until)s, and you stand in.") % names, None)
        else:
            text = _("%(name)s is away until %(until)s. %(delegate)s stands in, and is entered here now.")
        return ColleagueAway(text % names, stand_in)

    def _why_not(self, refused: FourEyes) -> str:
        texts = {
            "initiator": _("%(name)s started this, so somebody else must decide it. Choose another colleague."),
            "previous": _("%(name)s decided the step before, so somebody else must decide this one."),
        }
        return texts[refused.extra["why"]] % all_apart(name=self.to)

    # --- what it changes ----------------------------------------------------------------------------------------------
    def record(self, text: str, words: Words) -> TaskMessage:
        """Record the note, ask the engine, and give the colleague a copy. Raises CommentRequired, Invalid."""
        task, person, now = self.task, self.copy.recipient, self.now
        fields: Json = {"kind": MessageKind.COMMENT, "author": person, "text": text, "told_at": now}
        message, (addressee,) = posting.add(task, [self.to], words, now, **fields)
        by: Json = {"forwarded_by": person.as_person()}
        calls = reassigning.ask([Wish(task, self.to, by)], now) if reassigning.can_ask(task, person) else []
        data: Json = {**by, "to": self.to.as_person(), "call": str(calls[0].pk) if calls else None}
        event = internal_events.about_task(task, TYPE, f"{EVENT_ID}{message.pk}", now, **data)
        addressee.item = self._give_copy(event, message)
        addressee.save(update_fields=["item"])
        inbox_items.create([], refreshed=self.copies, now=now, keep=False)  # they show the note
        return message

    def _give_copy(self, event: Event, message: TaskMessage) -> Notification:
        """Return the colleague's new copy, sent by all channels of its category with the note above its text."""
        have = {each.recipient_id for each in self.copies}
        planner = handing_on.planner_of(event, self.task, have, self.now, Contacts())
        planner.contents.stored.add(self.copy.revision)
        manner = handing_on.manner_of(self.copy, loud=True)
        planner.make([MessageRecipient(self.to, manner, FORWARDED(name=self.copy.recipient))])
        (given,) = planner.made
        wording = ForwardWording(message, self.task)
        given.notice = wording.notice(self.to)
        quoting = wording.on_channels(given, manner.channels) if message.text not in given.notice else {}
        for delivery in planner.deliveries:
            delivery.words = {**(delivery.words or {}), **quoting.get(delivery.channel, {})} or None
        handing_on.save([planner], self.now)
        return given


# --- what has become of forwards --------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Forward:
    """A forward. `to`: the colleague as JSON; `call`: the call that asks the engine; None if it is not asked."""

    to: Json
    call: Callback | None


def forwards_of(task: Task) -> Mapping[str, Forward]:
    """Return the task's forwards by the ids of their notes."""
    events = list(Event.objects.filter(task=task, source=internal_events.SOURCE, type=TYPE))
    ids = [call for event in events if (call := text_in(event.data, "call"))]
    calls = {str(row.pk): row for row in Callback.objects.filter(pk__in=ids).only("state")} if ids else {}
    return {
        event.event_id.removeprefix(EVENT_ID): Forward(
            object_in(event.data, "to"), calls.get(text_in(event.data, "call"))
        )
        for event in events
    }


def history_words(data: Json) -> str:
    """Return the entry of the task's history for the data of a forward's event; empty without names."""
    names = {
        part: text_in(object_in(data, member), "name") for part, member in (("name", "forwarded_by"), ("to", "to"))
    }
    return _("%(name)s forwarded it to %(to)s") % all_apart(**names) if all(names.values()) else ""
