"""Directories that send people and teams by SCIM, their tokens, resources and requests, and the people who left."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models.people import Recipient, Team
from notifications.models.validators import DOMAIN
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work

MAX_NAME = 200


class RefSource(models.TextChoices):
    USER_NAME = "userName", "userName"
    EXTERNAL_ID = "externalId", "externalId"


class ScimDirectory(models.Model):
    """An identity provider that sends its people and groups by SCIM. It sees and changes only its own."""

    name = models.CharField(_("name"), max_length=80, unique=True, help_text=_("Such as Entra ID or Okta."))
    active = models.BooleanField(_("active"), default=True, help_text=_("While this is off, every request is refused."))
    ref_source = models.CharField(
        _("ref of its people"),
        max_length=12,
        choices=RefSource.choices,
        default=RefSource.USER_NAME,
        help_text=_("The attribute that has the engines' name for a person."),
    )
    joins_existing = models.BooleanField(
        _("takes over existing people and teams"),
        default=False,
        help_text=_(
            "Takes over people with exactly the same ref and teams with the same slug, but never staff or rows of "
            "other directories."
        ),
    )
    domains = ArrayField(
        models.CharField(max_length=253, validators=[DOMAIN]),
        verbose_name=_("e-mail domains"),
        default=list,
        db_default=[],
        blank=True,
        help_text=_("One a line. The directory may send no other addresses. Empty: it may send any."),
    )
    max_departures = models.PositiveIntegerField(
        _("people who may leave in an hour"), default=20, help_text=_("More deactivations are refused.")
    )
    max_departures_percent = models.PositiveSmallIntegerField(
        _("or percent of its people"),
        default=5,
        validators=[MaxValueValidator(100)],
        help_text=_("The larger number counts."),
    )
    extra_departures = models.PositiveIntegerField(default=0, editable=False)
    """Deactivations beyond the bound that an administrator has allowed and that are left."""
    extra_until = models.DateTimeField(null=True, blank=True, editable=False)
    held_at = models.DateTimeField(null=True, blank=True, editable=False)
    """When a deactivation was last refused because of the bound."""

    history = HistoricalRecords(excluded_fields=["extra_departures", "extra_until", "held_at"])

    class Meta:
        verbose_name = _("directory")
        verbose_name_plural = _("directories")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class ScimToken(models.Model):
    """A bearer token of a directory (`wfs_…`). Only its digest is stored."""

    directory = models.ForeignKey(
        ScimDirectory, verbose_name=_("directory"), on_delete=models.CASCADE, related_name="tokens"
    )
    prefix = models.CharField(max_length=20, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("directory token")
        verbose_name_plural = _("directory tokens")
        ordering = ["-created_at", "-pk"]

    def __str__(self) -> str:
        return f"wfs_{self.prefix}…"

    def works_at(self, now: datetime) -> bool:
        return self.expires_at is None or self.expires_at > now


class ScimResource(models.Model):
    """A resource of a directory. `deleted_at`: the directory has deleted it; its person or team stays."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    external_id = models.CharField("externalId", max_length=MAX_NAME, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("created at"), editable=False)
    updated_at = models.DateTimeField(_("last change"), editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class ScimUser(ScimResource):
    """A person as the directory sent them. `document`: the attributes that are stored, as SCIM's JSON."""

    directory = models.ForeignKey(
        ScimDirectory, verbose_name=_("directory"), on_delete=models.CASCADE, related_name="users", editable=False
    )
    person = models.OneToOneField(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="scim_user", editable=False
    )
    user_name = models.CharField("userName", max_length=MAX_NAME, editable=False)
    user_key = models.CharField(max_length=MAX_NAME, editable=False)
    """`user_name` as it is compared: without upper case, normalized."""
    active = models.BooleanField(_("active"), default=True, editable=False)
    document: Any = models.JSONField(default=dict, editable=False)
    manager_value = models.CharField(max_length=MAX_NAME, blank=True, default="", editable=False)
    """The manager as the directory names them: an id, externalId or userName."""
    manager_pending = models.BooleanField(_("manager is missing"), default=False, editable=False)

    class Meta:
        verbose_name = _("person of a directory")
        verbose_name_plural = _("people of directories")
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["directory", "user_key"], condition=Q(deleted_at=None), name="scim_user_name_is_unique"
            ),
            models.UniqueConstraint(
                fields=["directory", "external_id"],
                condition=Q(deleted_at=None) & ~Q(external_id=""),
                name="scim_external_id_is_unique",
            ),
        ]
        indexes = [
            models.Index(fields=["directory", "manager_value"], condition=Q(manager_pending=True), name="scim_manager")
        ]

    def __str__(self) -> str:
        return self.user_name


class ScimGroup(ScimResource):
    """A group of a directory. Its members are the directory's people in the team."""

    directory = models.ForeignKey(
        ScimDirectory, verbose_name=_("directory"), on_delete=models.CASCADE, related_name="groups", editable=False
    )
    team = models.OneToOneField(
        Team, verbose_name=_("team"), on_delete=models.CASCADE, related_name="scim_group", editable=False
    )
    display_name = models.CharField("displayName", max_length=MAX_NAME, editable=False)
    display_key = models.CharField(max_length=MAX_NAME, editable=False)

    class Meta:
        verbose_name = _("group of a directory")
        verbose_name_plural = _("groups of directories")
        ordering = ["created_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["directory", "display_key"], condition=Q(deleted_at=None), name="scim_group_name_is_unique"
            ),
            models.UniqueConstraint(
                fields=["directory", "external_id"],
                condition=Q(deleted_at=None) & ~Q(external_id=""),
                name="scim_group_external_id_is_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name


class ScimRequest(models.Model):
    """A change or a refused request of a directory."""

    directory = models.ForeignKey(
        ScimDirectory, verbose_name=_("directory"), on_delete=models.CASCADE, related_name="requests"
    )
    at = models.DateTimeField(_("time"))
    method = models.CharField(_("method"), max_length=10)
    path = models.CharField(_("path"), max_length=200)
    status = models.PositiveSmallIntegerField(_("status"))
    detail = models.TextField(_("answer"), blank=True, default="")

    class Meta:
        verbose_name = _("request of a directory")
        verbose_name_plural = _("requests of directories")
        ordering = ["-pk"]
        indexes = [models.Index(fields=["directory", "-id"], name="scim_request_newest"), models.Index(fields=["at"])]

    def __str__(self) -> str:
        return f"{self.method} {self.path} · {self.status}"


class ScimDeparture(Work):
    """A person whom a directory has deactivated. It is due until their open tasks are offered, and their manager is
    notified."""

    directory = models.ForeignKey(
        ScimDirectory, verbose_name=_("directory"), on_delete=models.CASCADE, related_name="departures"
    )
    person = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="scim_departures"
    )
    at = models.DateTimeField(_("time"))
    open_tasks = models.PositiveIntegerField(_("open tasks"), default=0)
    offered = models.PositiveIntegerField(_("offered"), default=0)
    to = models.ForeignKey(
        Recipient, verbose_name=_("to"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    """The delegate, or else the manager, who got the open tasks."""

    class Meta(Work.Meta):
        verbose_name = _("departure")
        verbose_name_plural = _("departures")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["directory", "at"], name="scim_departures_in_time"),
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="scim_departure_due"),
        ]

    def __str__(self) -> str:
        return f"{self.person} · {timezone.localtime(self.at):%Y-%m-%d %H:%M}"
