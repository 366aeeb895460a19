"""The data from engines: events, their tasks and cases, and the contents of tasks that people decide about."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Q, Value
from django.db.models.functions import Coalesce
from django.utils.translation import gettext_lazy as _

from notifications.models.engines import Engine
from notifications.models.people import Recipient, Team
from wfpush.identifiers import uuid7
from wfpush.postgres.word_index import Words
from wfpush.queue.outbox import Work


class EventStatus(models.TextChoices):
    ACCEPTED = "accepted", _("waiting to be processed")
    PROCESSED = "processed", _("processed")
    UNROUTED = "unrouted", _("matched no rule")
    STALE = "stale", _("older than the known state")
    IGNORED = "ignored", _("the task had ended")
    KEPT = "kept", _("held until the answer is confirmed")
    FAILED = "failed", _("could not be processed")


CHANGED_NOTHING = (EventStatus.STALE, EventStatus.IGNORED, EventStatus.KEPT)
"""States of events that changed nothing, or nothing so far."""


class Urgency(models.IntegerChoices):
    """The urgency of an event in the queue: by the priority that it names."""

    URGENT = 0, _("urgent")
    HIGH = 1, _("high")
    NORMAL = 2, _("normal")
    LOW = 3, _("low")


class Event(Work):
    """One accepted CloudEvent. The row is its own outbox entry: due until it is processed.

    `group` is its task or case: events of one group are processed in order of arrival (the id's order). `plan` is the
    trace written while processing: routes that matched or not, with reasons, and the people found.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="events", db_index=False
    )
    source = models.CharField(_("source"), max_length=500)
    event_id = models.CharField(_("event id"), max_length=200)
    type = models.CharField(_("type"), max_length=200)
    subject = models.CharField(_("subject"), max_length=500, blank=True)
    time = models.DateTimeField(_("time"), null=True, blank=True)
    received_at = models.DateTimeField(_("received at"))
    data: Any = models.JSONField(default=dict)
    extensions: Any = models.JSONField(default=dict, blank=True)
    digest = models.CharField(max_length=64)
    group = models.CharField(_("group"), max_length=260, blank=True)
    urgency: Any = models.SmallIntegerField(
        choices=Urgency, default=Urgency.NORMAL, db_default=Urgency.NORMAL, editable=False
    )
    status = models.CharField(_("status"), max_length=10, choices=EventStatus.choices, default=EventStatus.ACCEPTED)
    plan: Any = models.JSONField(default=dict, blank=True)
    told = models.PositiveIntegerField(default=0, help_text=_("Rows of the ledger that it made."))
    unresolved = models.PositiveIntegerField(default=0, help_text=_("Unknown people that it names."))
    processed_at = models.DateTimeField(_("processed at"), null=True, blank=True)
    error = models.TextField(blank=True)
    task = models.ForeignKey("Task", null=True, blank=True, on_delete=models.SET_NULL, related_name="events")
    case = models.ForeignKey("Case", null=True, blank=True, on_delete=models.SET_NULL, related_name="events")

    class Meta(Work.Meta):
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["engine", "source", "event_id"], name="event_is_unique"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, processed_at__isnull=True)
                | Q(due_at__isnull=True, processed_at__isnull=False),
                name="event_is_due_until_processed",
            ),
        ]
        indexes = [
            # The conditions differ so that a claim's two searches, for due events and for the first event of a group,
            # can use one index each: with a choice, PostgreSQL would go by statistics that a burst outdates.
            models.Index(
                fields=["engine", "urgency", "due_at", "id"], condition=Q(due_at__isnull=False), name="event_queue"
            ),
            models.Index(fields=["engine", "group", "id"], condition=Q(processed_at=None), name="event_group"),
            models.Index(fields=["processed_at"], condition=Q(processed_at__isnull=False), name="event_processed"),
            models.Index(fields=["status", "id"], condition=~Q(status="processed"), name="event_ended_otherwise"),
            models.Index(fields=["-id"], condition=Q(unresolved__gt=0), name="event_unresolved"),
            models.Index(fields=["event_id"], name="event_by_its_id"),
            models.Index(fields=["engine", "type"], name="event_by_type"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.event_id}"

    @classmethod
    def backlog(cls, now: datetime) -> models.QuerySet["Event"]:
        """Return the events that are due, and those parked behind another of their group, which are due later. Failed
        events that wait for another try are left out."""
        return cls.objects.filter(Q(due_at__lte=now) | Q(attempts=0), due_at__isnull=False).order_by()


CASE_WORDS = Words("title")
TASK_WORDS = Words("name")


class Case(models.Model):
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="cases", db_index=False
    )
    case_id = models.CharField(_("case id"), max_length=200)
    title = models.CharField(_("title"), max_length=300, blank=True)
    type = models.CharField(_("type"), max_length=100, blank=True)
    status = models.CharField(_("status"), max_length=100, blank=True)
    url = models.CharField(_("URL"), max_length=2000, blank=True)
    status_time = models.DateTimeField(null=True, blank=True, editable=False)
    roles: Any = models.JSONField(_("roles"), null=True, blank=True, editable=False)
    """The ref or refs of the people with a role, by name of the role; null: no event has named any."""
    followers = models.ManyToManyField(Recipient, blank=True, related_name="followed_cases")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["-updated_at"]
        constraints = [models.UniqueConstraint(fields=["engine", "case_id"], name="case_is_unique")]
        indexes = [GinIndex(CASE_WORDS, name="case_words", fastupdate=False)]

    def __str__(self) -> str:
        return self.title or self.case_id


class TaskState(models.TextChoices):
    OPEN = "open", _("waiting for an answer")
    ACKNOWLEDGED = "acknowledged", _("acknowledged")
    INFO_REQUESTED = "info_requested", _("information requested")
    ANSWERED = "answered", _("answered")
    COMPLETED = "completed", _("completed in the engine")
    CANCELLED = "cancelled", _("cancelled in the engine")
    EXPIRED = "expired", _("expired")


ANSWERABLE = (TaskState.OPEN, TaskState.ACKNOWLEDGED, TaskState.INFO_REQUESTED)
CLOSED = (TaskState.COMPLETED, TaskState.CANCELLED)

DEADLINE = Coalesce("sla_due_at", "due_at")
"""`Task.deadline` in SQL, for ordering."""


class Priority(models.TextChoices):
    LOW = "low", _("low")
    NORMAL = "normal", _("normal")
    HIGH = "high", _("high")
    URGENT = "urgent", _("urgent")


class Task(models.Model):
    """A human task of an engine's process, as reported by its events. `data` is merged from them."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="tasks", db_index=False
    )
    task_id = models.CharField(_("task id"), max_length=200)
    case = models.ForeignKey(Case, null=True, blank=True, on_delete=models.SET_NULL, related_name="tasks")
    name = models.CharField(_("name"), max_length=500, blank=True)
    kind = models.CharField(_("kind"), max_length=60, blank=True)
    priority = models.CharField(_("priority"), max_length=10, choices=Priority.choices, default=Priority.NORMAL)
    url = models.CharField(_("URL"), max_length=2000, blank=True)
    due_at = models.DateTimeField(_("due at"), null=True, blank=True)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    sla_due_at = models.DateTimeField(
        _("due by its SLA"), null=True, blank=True, help_text=_("The deadline that an SLA policy sets.")
    )
    escalated: Any = models.JSONField(
        _("escalated to"), default=list, blank=True, help_text=_("Who was notified because it ran late, and when.")
    )
    assignee = models.ForeignKey(
        Recipient, null=True, blank=True, on_delete=models.SET_NULL, related_name="assigned_tasks"
    )
    initiator = models.ForeignKey(
        Recipient,
        verbose_name=_("initiator"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="initiated_tasks",
    )
    candidates = models.ManyToManyField(Recipient, blank=True, related_name="candidate_tasks")
    teams = models.ManyToManyField(Team, blank=True, related_name="tasks")
    actions: Any = models.JSONField(default=list, blank=True, help_text=_("As the engine names them."))
    data: Any = models.JSONField(default=dict, blank=True)
    info: Any = models.JSONField(default=list, blank=True, help_text=_("Questions asked and information supplied."))
    state = models.CharField(_("state"), max_length=20, choices=TaskState.choices, default=TaskState.OPEN)
    states_before: Any = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        blank=True,
        help_text=_("Where an answer or a question returns to."),
    )
    """The states to return to, the next one first: after an answer to a task with an open question, `["info_requested",
    "open"]`."""
    outcome: Any = models.JSONField(null=True, blank=True)
    last_event_time = models.DateTimeField(null=True, blank=True)
    assigned_event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    updated_at = models.DateTimeField(_("updated at"), auto_now=True)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["engine", "task_id"], name="task_is_unique")]
        indexes = [
            models.Index(
                fields=["expires_at"], condition=Q(expires_at__isnull=False, state__in=ANSWERABLE), name="task_expiry"
            ),
            models.Index(fields=["state", "due_at"]),
            GinIndex(TASK_WORDS, name="task_words", condition=Q(case=None), fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.name or self.task_id

    @property
    def deadline(self) -> datetime | None:
        """The time when the task is due, as people see it."""
        return self.sla_due_at or self.due_at

    @property
    def answerable(self) -> bool:
        return self.state in ANSWERABLE


class TaskContent(models.Model):
    """One revision of the content that a task asks people to decide. It is inserted once; only erasure changes it.

    `revision` is the digest of `content` as it was inserted (notifications/revisions/content.py). `event` is the id and
    source of the CloudEvent that it came from, which may have been pruned since.
    """

    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="contents", db_index=False)
    revision = models.CharField(_("revision"), max_length=43)
    content: Any = models.JSONField(_("content"))
    event: Any = models.JSONField(_("event"))
    created_at = models.DateTimeField(_("created at"))

    class Meta:
        verbose_name = _("content of a task")
        verbose_name_plural = _("contents of tasks")
        constraints = [models.UniqueConstraint(fields=["task", "revision"], name="one_content_a_revision")]

    def __str__(self) -> str:
        return f"{self.task} {self.revision[:8]}"
