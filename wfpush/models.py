from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _


class Heartbeat(models.Model):
    """A worker, and the time at which its own django-q2 cluster last ran a task
    (`wfpush/processes/worker_registry.py`)."""

    name = models.CharField(max_length=100, unique=True)
    """Host and id of the worker, separated by a slash."""
    beat_at = models.DateTimeField()
    machine = models.CharField(max_length=200, default="", db_default="", editable=False)
    """The machine on which its processes run, as `lease_holder.machine` returns it."""
    holders = models.TextField(default="", db_default="", editable=False)
    """Ids of its children that may hold leases, separated by blanks."""
    release = models.CharField(_("version"), max_length=20, default="", editable=False)
    """The version of the worker; empty before 0.4.0. Without a default in the database: older releases do not write
    this column and cannot read what newer ones write, so they refuse to start."""
    stopped_at = models.DateTimeField(null=True, editable=False)
    """The time at which the worker was stopped properly. The row stays until another worker runs."""

    class Meta:
        verbose_name = _("heartbeat")
        verbose_name_plural = _("heartbeats")

    def __str__(self) -> str:
        return f"{self.name} at {localtime(self.beat_at):%Y-%m-%d %H:%M:%S}"


class WriteCheck(models.Model):
    """The one row that `/readyz` writes (wfpush/observability/readiness.py)."""

    written_at = models.DateTimeField()

    class Meta:
        verbose_name = "write check"
        verbose_name_plural = "write checks"

    def __str__(self) -> str:
        return f"{localtime(self.written_at):%Y-%m-%d %H:%M:%S}"


class Tally(models.Model):
    """A change of the number of rows of a kind and state, or the sum of several changes
    (wfpush/observability/tallies.py)."""

    name = models.CharField(max_length=20)
    kind = models.CharField(max_length=40, blank=True)
    state = models.CharField(max_length=20, blank=True)
    count = models.BigIntegerField()
    amount = models.FloatField(default=0.0, help_text="Seconds, of what took time.")

    class Meta:
        verbose_name = "tally"
        verbose_name_plural = "tallies"

    def __str__(self) -> str:
        return f"{self.name} {self.kind} {self.state}: {self.count}"


class ConfigurationChange(models.Model):
    """A statement that changed the configuration. The rows together are its revision (wfpush/postgres/revision.py)."""

    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name = "configuration change"
        verbose_name_plural = "configuration changes"

    def __str__(self) -> str:
        return f"{self.pk} at {localtime(self.changed_at):%Y-%m-%d %H:%M:%S}"


class ServiceState(models.Model):
    """A service that is slow, refuses requests, or is away. A service without a row works
    (wfpush/observability/services.py)."""

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=253)
    state = models.CharField(max_length=10)
    since = models.DateTimeField()
    seen_at = models.DateTimeField()
    """The time at which a call last showed the state."""
    try_at = models.DateTimeField(null=True)
    """The time at which one waiting row is made due, to try the service; null: rows become due by themselves."""
    reason = models.CharField(max_length=500, default="", blank=True)
    reason_fact: Any = models.JSONField(null=True, blank=True)

    class Meta:
        verbose_name = "state of a service"
        verbose_name_plural = "states of services"
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_state_a_service")]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}: {self.state}"


class RequiredRelease(models.Model):
    """A release that the database required when a migration was applied. The newest counts
    (wfpush/postgres/required_release.py)."""

    version = models.CharField(max_length=20, unique=True)

    class Meta:
        verbose_name = "required release"
        verbose_name_plural = "required releases"

    def __str__(self) -> str:
        return self.version
