"""Clocks of tasks, the rules that they follow, and the results of their steps."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from escalations.models.policies import Policy
from notifications.models import Event, Task
from notifications.reasons import EnglishText
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work


class Rules(models.Model):
    """A policy and its calendar as they were when clocks began to follow them: edits affect later clocks only."""

    digest = models.CharField(max_length=64, unique=True)
    policy = models.ForeignKey(Policy, null=True, on_delete=models.SET_NULL, related_name="rules")
    data: Any = models.JSONField()
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"{self.data.get('name', '')} {localtime(self.created_at):%Y-%m-%d %H:%M}"


class EscalationState(models.TextChoices):
    RUNNING = "running", _("the clock runs")
    PAUSED = "paused", _("paused by a question")
    STOPPED = "stopped", _("acknowledged")
    CLOSED = "closed", _("over")


OVER = (EscalationState.STOPPED, EscalationState.CLOSED)


class Escalation(Work):
    """One clock of one task; after a reassignment the task gets another. The row is its own outbox entry, due with its
    next step.

    Steps are computed from `deadline`, which pauses move. `anew`: its rules are to be read again (policy_reload.py).
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="escalations")
    policy = models.ForeignKey(
        Policy, verbose_name=_("policy"), null=True, on_delete=models.SET_NULL, related_name="escalations"
    )
    rules = models.ForeignKey(Rules, on_delete=models.PROTECT, related_name="escalations")
    state = models.CharField(
        _("state"), max_length=10, choices=EscalationState.choices, default=EscalationState.RUNNING
    )
    why = EnglishText()
    why_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    started_at = models.DateTimeField(_("started at"))
    deadline = models.DateTimeField(_("due"))
    due_named = models.DateTimeField(_("due date of the engine"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    held_until = models.DateTimeField(_("no notifications until"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    end_reason = EnglishText()
    end_reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    anew = models.BooleanField(default=False, editable=False)

    class Meta(Work.Meta):
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["task"], condition=~Q(state__in=OVER), name="one_clock_a_task")]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="escalation_due"),
            models.Index(fields=["deadline"], condition=Q(ended_at=None), name="escalation_deadline"),
            models.Index(fields=["deadline"], condition=Q(state="paused"), name="escalation_paused"),
            models.Index(fields=["ended_at"], condition=Q(ended_at__isnull=False), name="escalation_ended"),
            models.Index(fields=["policy", "started_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.task} · {self.policy}"


class RunResult(models.TextChoices):
    DONE = "done", _("done")
    NOBODY = "nobody", _("reached nobody")
    OVERTAKEN = "overtaken", _("overtaken by a later step")
    TOO_EARLY = "too_early", _("its time was before the clock started")
    FAILED = "failed", _("could not be done")


class StepRun(models.Model):
    """The result of one step of one clock. `told`: recipients with channels and reasons; `rules`: those of the step."""

    escalation = models.ForeignKey(Escalation, on_delete=models.CASCADE, related_name="runs")
    rules = models.ForeignKey(Rules, on_delete=models.PROTECT, related_name="+", db_index=False)
    step = models.BigIntegerField(_("step"))
    number = models.PositiveIntegerField(_("number"), default=0)
    due_at = models.DateTimeField(_("due at"))
    ran_at = models.DateTimeField(_("ran at"))
    result = models.CharField(_("result"), max_length=10, choices=RunResult.choices)
    why = EnglishText()
    why_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    told: Any = models.JSONField(default=list, blank=True)
    event = models.ForeignKey(Event, null=True, blank=True, on_delete=models.SET_NULL, related_name="step_runs")

    class Meta:
        verbose_name = _("step taken")
        verbose_name_plural = _("steps taken")
        ordering = ["due_at", "pk"]
        constraints = [models.UniqueConstraint(fields=["escalation", "step", "number"], name="each_step_once")]

    def __str__(self) -> str:
        return f"{self.escalation} {self.step}/{self.number}"
