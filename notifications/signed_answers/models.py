"""Rules that want answers signed, the challenges that are signed, and the signatures that are stored with answers."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models import Category, Condition, Engine, Notification, Recipient, Response
from notifications.models.history import HistoryWithParts
from wfpush.identifiers import uuid7

ACTION_NAME = RegexValidator(r"^[^\s,]+$", _("Enter names of actions as events have them, such as approve."))


class SignatureRule(models.Model):
    """An enabled rule applies to the final answers of each task that its engine, category and conditions fit."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text=_("Empty: every engine."),
    )  # fmt: skip
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.CASCADE, related_name="+",
        help_text=_("Empty: every category."),
    )  # fmt: skip
    actions: Any = ArrayField(
        models.CharField(max_length=60, validators=[ACTION_NAME]), verbose_name=_("actions"), default=list, blank=True,
        help_text=_("Separated by commas, such as approve. Empty: every answer that ends the task."),
    )  # fmt: skip

    history = HistoryWithParts(parts=["conditions"])

    class Meta:
        verbose_name = _("signature rule")
        verbose_name_plural = _("signature rules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SignatureRuleCondition(Condition):
    """A condition of a rule. All of them must hold for the task."""

    rule = models.ForeignKey(
        SignatureRule, verbose_name=_("signature rule"), on_delete=models.CASCADE, related_name="conditions"
    )


class SigningChallenge(models.Model):
    """A statement that one person may sign once, in one session, until `expires_at`. Rows of one `group` are signed
    together: then `listing` has the digests of their statements, and is what is signed."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    group: Any = models.UUIDField(db_index=True)
    person = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="+")
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="+")
    session = models.CharField(max_length=64)
    statement = models.TextField()
    listing = models.TextField(blank=True)
    issued_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name = _("signing challenge")
        verbose_name_plural = _("signing challenges")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.person_id} · {self.issued_at:%Y-%m-%d %H:%M}"


class PasskeyCounter(models.Model):
    """The highest counter that a passkey has signed with. A copy of the passkey repeats one, except in the `group` of
    challenges that one signature answers."""

    authenticator = models.OneToOneField(Authenticator, on_delete=models.CASCADE, related_name="+")
    count = models.BigIntegerField()
    group: Any = models.UUIDField()

    class Meta:
        verbose_name = _("passkey counter")
        verbose_name_plural = _("passkey counters")
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.count)


class AnswerSignature(models.Model):
    """The signature of an answer, with all that is needed to verify it. Bytes are base64url; `statement` and `listing`
    are the signed texts (statements.py)."""

    response = models.OneToOneField(
        Response, verbose_name=_("answer"), primary_key=True, on_delete=models.CASCADE, related_name="+"
    )
    statement = models.TextField(_("statement"))
    listing = models.TextField(_("list of statements"), blank=True)
    credential_id = models.CharField(_("credential"), max_length=1400)
    public_key = models.TextField(_("public key"))
    authenticator_data = models.TextField(_("authenticator data"))
    client_data = models.TextField(_("client data"))
    signature = models.TextField(_("signature"))

    class Meta:
        verbose_name = _("signature of an answer")
        verbose_name_plural = _("signatures of answers")
        default_permissions = ("view",)
        ordering = ["-response_id"]

    def __str__(self) -> str:
        return str(self.response)
