"""Replays: each order of an operator, and the rows that it chose."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work


class ReplayKind(models.TextChoices):
    EVENTS = "events", _("events")
    DELIVERIES = "deliveries", _("deliveries")
    CALLBACKS = "callbacks", _("answers to engines")


class ReplayState(models.TextChoices):
    RUNNING = "running", _("under way")
    DONE = "done", _("done")
    UNDOING = "undoing", _("being undone")
    UNDONE = "undone", _("undone")


class Replay(Work):
    """An operator's order to send failed work again. The row is its own outbox entry: due while batches are left.

    Its rows were chosen when it was ordered (`ReplayedRow`). Rows that failed after `as_of`, the time of the operator's
    preview, are not among them.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kind = models.CharField(_("kind"), max_length=10, choices=ReplayKind.choices)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    selection = models.CharField(_("selection"), max_length=1000, blank=True)
    as_of = models.DateTimeField()
    ordered_at = models.DateTimeField(_("ordered at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    state = models.CharField(_("state"), max_length=10, choices=ReplayState.choices, default=ReplayState.RUNNING)
    chosen = models.PositiveIntegerField(_("chosen"), default=0)
    again = models.PositiveIntegerField(_("sent again"), default=0)
    left = models.PositiveIntegerField(_("left as they were"), default=0)
    put_back = models.PositiveIntegerField(_("put back"), default=0)
    too_late = models.PositiveIntegerField(_("too late to put back"), default=0)

    class Meta(Work.Meta):
        verbose_name = _("replay")
        verbose_name_plural = _("replays")
        ordering = ["-id"]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="replay_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.chosen}"


class ReplayedState(models.TextChoices):
    WAITING = "waiting", _("waits")
    AGAIN = "again", _("sent again")
    LEFT = "left", _("left as it was")
    PUT_BACK = "put_back", _("put back")
    TOO_LATE = "too_late", _("too late to put back")


class ReplayedRow(models.Model):
    """One event, delivery or callback of a replay, with its values before, for putting it back.

    A row waits in one replay at most: of two operators who order the same at once, one gets it.
    """

    replay = models.ForeignKey(Replay, on_delete=models.CASCADE, related_name="rows", db_index=False)
    row = models.UUIDField(_("row"))
    state = models.CharField(_("state"), max_length=8, choices=ReplayedState.choices, default=ReplayedState.WAITING)
    before: Any = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("replayed row")
        verbose_name_plural = _("replayed rows")
        ordering = ["row"]
        constraints = [
            models.UniqueConstraint(fields=["row"], condition=Q(state="waiting"), name="waits_in_one_replay"),
        ]
        indexes = [
            models.Index(fields=["replay", "state", "row"], name="replayed_of"),
            models.Index(fields=["row", "-id"], name="replayed_row"),
        ]

    def __str__(self) -> str:
        return f"{self.row}: {self.get_state_display()}"
