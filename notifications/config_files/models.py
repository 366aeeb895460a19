"""Applied configurations, the things that files own, and the keys of operators."""

from typing import Any

from django.conf import settings
from django.db import models
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from notifications.models.keys import RevocableKey


class ConfigApply(models.Model):
    """An application of files. `before` and `after`: the members of each changed thing, and null for none; `owned`: its
    file before, as lists of kind, name and value. `undoes`: the application that this one has undone."""

    at = models.DateTimeField(_("at"))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("by"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(_("operator"), max_length=200, help_text=_("The account on the machine, or the person."))
    source = models.CharField(_("from"), max_length=500)
    sentences: Any = models.JSONField(_("changes"), default=list)
    before: Any = models.JSONField(default=list, editable=False)
    after: Any = models.JSONField(default=list, editable=False)
    owned: Any = models.JSONField(default=list, editable=False)
    undoes = models.OneToOneField(
        "self", verbose_name=_("undoes"), null=True, on_delete=models.PROTECT, related_name="undone_by"
    )

    class Meta:
        verbose_name = _("applied configuration")
        verbose_name_plural = _("applied configurations")
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.pk} · {localtime(self.at):%Y-%m-%d %H:%M}"


class OwnedThing(models.Model):
    """A thing that files own: the desk shows it, and does not change it."""

    kind = models.CharField(_("kind"), max_length=40)
    name = models.CharField(_("name"), max_length=500)
    file = models.CharField(_("file"), max_length=500)
    left_out: Any = models.JSONField(_("members that the file leaves out"), default=list)

    class Meta:
        verbose_name = _("thing in files")
        verbose_name_plural = _("things in files")
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["kind", "name"], name="one_file_a_thing")]

    def __str__(self) -> str:
        return f"{self.kind} · {self.name}"


class OperatorKey(RevocableKey):
    """A key (`wfo_…`) by which a user of the desk plans and applies by the API. Only its digest is stored."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("account"), on_delete=models.CASCADE, related_name="operator_keys"
    )
    name = models.CharField(_("name"), max_length=80, help_text=_("Where it is used, such as “CI of production”."))

    class Meta:
        verbose_name = _("operator key")
        verbose_name_plural = _("operator keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"wfo_{self.prefix}…"
