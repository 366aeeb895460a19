"""Calendars from which absences are read, their absences, and the tasks of absent people that were handed over."""

from typing import Any

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.calendar_feeds import absent_times
from notifications.models import Callback, Notification, OpenItems, Recipient, Task
from notifications.models.calendar_feeds import CalendarFeed
from wfpush.crypto import EncryptedTextField


class TakenEntries(models.TextChoices):
    """The calendar entries that mean that the calendar's person is away."""

    MARKED = absent_times.MARKED, _("entries marked as out of office")
    WHOLE_DAYS = absent_times.WHOLE_DAYS, _("also whole days marked as busy")
    ALL = absent_times.ALL, _("all: the calendar contains only absences")


class AbsenceFeed(CalendarFeed):
    """A person's calendar, from which absences are read. Its address often holds a secret: it is encrypted, and no page
    shows it again."""

    recipient = models.OneToOneField(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="absence_feed", primary_key=True
    )
    url: Any = EncryptedTextField(editable=False)
    host = models.CharField(_("calendar"), max_length=255, editable=False)
    """Host of the address, as pages show it."""
    takes = models.CharField(_("entries that count"), max_length=10, choices=TakenEntries, default=TakenEntries.MARKED)
    delegate = models.ForeignKey(
        Recipient,
        verbose_name=_("delegate"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="stands_in_by_calendar",
        help_text=_("Empty: messages wait in the person's own inbox."),
    )
    open_items = models.CharField(_("waiting items"), max_length=10, choices=OpenItems, default=OpenItems.OFFER)
    give_back = models.BooleanField(
        _("give them back afterwards"),
        default=False,
        help_text=_("Open tasks that the engine gave to the delegate."),
    )
    back_until = models.DateTimeField(null=True, blank=True, editable=False)
    """The end of an entry from which the person came back early: until then, the calendar does not count."""
    told_at = models.DateTimeField(null=True, blank=True, editable=False)
    """The time when the person was notified that the calendar cannot be read; null: not since the last good read."""

    history = HistoricalRecords(
        excluded_fields=[
            *("url", "host", "due_at", "lease_until", "lease_token", "attempts", "read_at", "failing_since"),
            *("fault_fact", "back_until", "told_at"),
        ]
    )

    class Meta(CalendarFeed.Meta):
        verbose_name = _("calendar of absences")
        verbose_name_plural = _("calendars of absences")
        ordering = ["recipient__name"]
        constraints = [
            models.CheckConstraint(
                condition=~Q(delegate=models.F("recipient")), name="nobody_stands_in_by_their_own_calendar"
            )
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="absence_feed_due")]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.host}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Read the calendar at once, and hand over waiting items as it says from now on."""
        self.make_due(timezone.now())
        super().save(*args, **kwargs)
        self.absences.update(handed_over_at=None)


class CalendarAbsence(models.Model):
    """A period in which a person is away according to the calendar. Those of one person do not overlap.

    An `Absence` takes precedence.
    """

    feed = models.ForeignKey(AbsenceFeed, on_delete=models.CASCADE, related_name="absences")
    begins_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    handed_over_at = models.DateTimeField(null=True, editable=False)
    """The time when all waiting items were handed over, as in `Absence`."""

    class Meta:
        verbose_name = _("absence by a calendar")
        verbose_name_plural = _("absences by calendars")
        default_permissions = ()
        ordering = ["begins_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(ends_at__gt=models.F("begins_at")), name="calendar_absence_ends_after_it_begins"
            )
        ]
        indexes = [models.Index(fields=["feed", "ends_at"]), models.Index(fields=["ends_at"])]

    def __str__(self) -> str:
        begins, ends = localtime(self.begins_at), localtime(self.ends_at)
        return f"{self.feed.recipient} · {begins:%Y-%m-%d %H:%M} – {ends:%Y-%m-%d %H:%M}"

    @property
    def recipient(self) -> Recipient:
        """The calendar's person. Reads `feed`."""
        return self.feed.recipient

    @property
    def delegate(self) -> Recipient | None:
        return self.feed.delegate

    @property
    def open_items(self) -> str:
        return self.feed.open_items

    @property
    def give_back(self) -> bool:
        return self.feed.give_back


class HandedOver(models.Model):
    """One task of an absent person that was handed over: by a copy that is offered (`item`), or by asking the engine to
    reassign it (`callback`). The row is removed when the person is back."""

    person = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="handed_over")
    to = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="+")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="+")
    item = models.ForeignKey(Notification, null=True, on_delete=models.CASCADE, related_name="+")
    callback = models.ForeignKey(Callback, null=True, on_delete=models.SET_NULL, related_name="+")
    give_back = models.BooleanField(default=False)
    at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["person", "task"], name="one_hand_over_a_task")]

    def __str__(self) -> str:
        return f"{self.task}: {self.person} → {self.to}"
