"""Kind `notify`: tells people, whether they have the task or not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from escalations.kinds.base import (
    PEOPLE,
    Faults,
    StepDescription,
    StepKind,
    StepOutcome,
    Taking,
    event_of,
    planner_of,
    told_by,
    unnamed,
    with_plan,
)
from escalations.kinds.base import whom as name_of
from escalations.kinds.targets import OWN, Addressee, Search, Staff, whom
from escalations.models import PolicyStep, RunResult
from escalations.policies.rules import Step
from notifications.channel_facts import INBOX, all_facts, offered_channels
from notifications.items import inbox_items
from notifications.items.representation import iso_utc
from notifications.models import Brand, Case, Category, Notification, Recipient, Task, VersionState
from notifications.reasons import Reason, joined
from notifications.routing import fanout
from notifications.routing.addressing import Contacts
from notifications.routing.route import Manner, MessageRecipient
from notifications.wording import batch_render
from wfpush.postgres import bulk, prefetch
from wfpush.postgres.bulk import pipelined
from wfpush.queue import outbox


class Notify(StepKind):
    kind = "notify"
    label = gettext_lazy("notify people")
    fields = (*PEOPLE, "template", "category", "channels", "critical")
    is_message = True

    def take(self, takings: Sequence[Taking]) -> list[StepOutcome]:
        """Send the messages of all steps together: reads and writes for each step would take ten times as long."""
        contacts = Contacts()
        staff = Staff(takings[0].now, [taking.task for taking in takings])
        messages: list[_Message] = []
        wordings, nobody = _Wordings(takings), {}
        for taking in takings:
            search = Search(taking.task, taking.step, staff)
            recipients = {each.recipient.pk: each for each in whom(search, taking.rules)}
            notes = joined(search.notes)
            if recipients:
                planner = planner_of(taking, event_of(taking), contacts)
                messages.append(_Message(taking, recipients, notes, wordings.manner(taking), planner))
            else:
                nobody[taking.escalation.pk] = StepOutcome(RunResult.NOBODY, notes)
        _send(messages, takings[0].now)
        outcomes = nobody | {
            each.taking.escalation.pk: StepOutcome(
                RunResult.DONE, each.notes, told_by(each.planner.plan), each.planner.event
            )
            for each in messages
        }
        return [outcomes[taking.escalation.pk] for taking in takings]

    def faults(self, step: PolicyStep) -> Faults:
        if not step.target:
            yield "target", _("Choose who is notified.")
        yield from unnamed(step)
        if step.template is None:
            yield "template", _("Choose the template of the message.")
        elif not step.template.versions.filter(state=VersionState.PUBLISHED).exists():
            yield "template", _("The template “%(template)s” has no published version.") % {"template": step.template}
        if step.category_id is None:
            yield "category", _("Choose the category. It sets the channels.")
        unknown = [channel for channel in step.channels if channel not in [INBOX, *all_facts()]]
        if unknown:
            placeholders = {"unknown": ", ".join(unknown), "known": ", ".join(offered_channels())}
            yield "channels", _("There is no channel %(unknown)s; there are %(known)s.") % placeholders

    def says(self, step: StepDescription) -> str:
        if not step.target:
            return _("notify nobody")
        form = _("remind %(whom)s") if step.target in OWN else _("notify %(whom)s")
        return form % {"whom": name_of(step)}

    def channels(self, step: Step, row: PolicyStep) -> Iterable[str]:
        return step.channels or (row.category.channels if row.category else ())


@dataclass
class _Message:
    """A message of a step while it is prepared."""

    taking: Taking
    recipients: dict[int, Addressee]
    notes: Reason
    manner: Manner
    planner: fanout.Planner


class _Wordings:
    """The categories and template versions of many steps, read once."""

    def __init__(self, takings: Sequence[Taking]) -> None:
        steps = [taking.step for taking in takings]
        self._categories = Category.objects.in_bulk({step.category for step in steps if step.category})
        self._versions = batch_render.versions([step.version for step in steps if step.version])

    def manner(self, taking: Taking) -> Manner:
        step = taking.step
        category = self._categories.get(step.category or 0) or _category_of(taking.task)
        return Manner(
            name=taking.rules.name,
            category=category,
            channels=step.channels or category.channels,
            notice=self._versions.get(step.version or 0),
            escalated=step.target not in OWN,
            critical=step.critical,
        )


def _category_of(task: Task) -> Category:
    """Return the category of the task's newest message, or any, if the step's own was deleted. Raises DoesNotExist."""
    copy = task.notifications.select_related("category").order_by("-created_at").first()
    return copy.category if copy is not None else Category.objects.order_by("pk")[:1].get()


def _send(messages: Sequence[_Message], now: datetime) -> None:
    """Remind people who have a copy of the task on that copy, and give new copies to the others. Show on all copies who
    was told."""
    have = _copies_of([message.taking.task for message in messages])
    rows = [row for of_task in have.values() for row in of_task.values()]
    inbox_items.lock({row.recipient_id for row in rows} | {pk for message in messages for pk in message.recipients})
    if messages:
        people = [each.recipient for message in messages for each in message.recipients.values()]
        channels = [channel for message in messages for channel in message.manner.channels]
        messages[0].planner.addresses.look_up(people, channels)
    see: list[Notification] = []
    for message in messages:
        mine = have.get(message.taking.task.pk, {})
        message.manner = _use_task_version(message.manner, mine.values(), message.taking.task)
        why = {pk: each.reason for pk, each in message.recipients.items()}
        message.planner.colleagues = mine.keys() | why.keys()
        message.planner.remind([row for pk, row in mine.items() if pk in why], message.manner, why)
        message.planner.make(_addressed(message, mine))
        if message.manner.escalated:
            see += [row for pk, row in mine.items() if pk not in why]
    with pipelined():
        _note_escalated([message for message in messages if message.manner.escalated], have, now)
        bulk.insert([with_plan(message.planner) for message in messages])
    fanout.save([message.planner for message in messages], now, refreshed=see)
    outbox.wake_on_commit("deliveries")


def _use_task_version(manner: Manner, copies: Iterable[Notification], task: Task) -> Manner:
    """Return `manner` with the template version of the task's open copies, below the step's notice. Without copies, the
    step's template words the whole message."""
    with_version = [copy for copy in copies if copy.template_version is not None]
    first = min(with_version, key=lambda copy: (copy.escalated, copy.recipient_id != task.assignee_id), default=None)
    if first is None:
        return replace(manner, version=manner.notice, notice=None)
    return replace(manner, version=first.template_version)


def _copies_of(tasks: Sequence[Task]) -> dict[UUID, dict[int, Notification]]:
    """Return the open copies, by task and person."""
    copies: dict[UUID, dict[int, Notification]] = {}
    by_id = {task.pk: task for task in tasks}
    rows = list(inbox_items.standing(tasks).order_by("recipient_id"))
    assignees = {task.assignee for task in tasks if task.assignee is not None}
    people = prefetch.read(Recipient, "recipient", rows, already_read=assignees)
    prefetch.read(Recipient, "on_behalf_of", rows, already_read=people)
    prefetch.read(Category, "category", rows)
    prefetch.read(Case, "case", rows, already_read={task.case for task in tasks if task.case is not None})
    prefetch.read(Brand, "brand", [*rows, *people])
    versions = batch_render.versions([row.template_version_id for row in rows if row.template_version_id])
    for row in rows:
        assert row.task_id is not None
        row.template_version = versions.get(row.template_version_id or 0)
        row.task = by_id[row.task_id]
        copies.setdefault(row.task_id, {})[row.recipient_id] = row
    return copies


def _addressed(message: _Message, have: Mapping[int, Notification]) -> list[MessageRecipient]:
    return [
        MessageRecipient(each.recipient, message.manner, each.reason, each.on_behalf_of)
        for pk, each in message.recipients.items()
        if pk not in have
    ]


def _note_escalated(
    messages: Sequence[_Message], have: Mapping[UUID, Mapping[int, Notification]], now: datetime
) -> None:
    """Note on the tasks who was told, for everybody to see. People who have the task are left out."""
    for message in messages:
        task = message.taking.task
        own = {pk for pk, copy in have.get(task.pk, {}).items() if not copy.escalated}
        people = [each.recipient for pk, each in message.recipients.items() if pk not in own]
        existing = {each["ref"] for each in task.escalated}
        news = [{**person.as_person(), "at": iso_utc(now)} for person in people if person.ref not in existing]
        task.escalated = [*task.escalated, *news]
    bulk.update([message.taking.task for message in messages], ["escalated", "updated_at"])
