"""People's own accounts at an engine: whether answers are sent under people's own names, and the tokens."""

from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from notifications.models.engines import Engine
from notifications.models.people import Recipient
from notifications.reasons import EnglishText
from wfpush.crypto import EncryptedTextField


class InTheNameOf(models.TextChoices):
    SERVICE = "service", _("our own sign-in; the person is named in the variables")
    PERSON = "person", _("the person's account: an answer waits until they have connected it")
    EITHER = "either", _("the person's account where they have connected one, else our own sign-in")


class PersonalSignIn(models.Model):
    """Settings for connecting people's accounts: OAuth2's authorization code with PKCE (RFC 6749, 4.1; RFC 7636).

    Without a row, all calls use our own sign-in (EngineAccess).
    """

    engine = models.OneToOneField(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="personal", primary_key=True
    )
    mode = models.CharField(
        _("answers are given by"), max_length=10, choices=InTheNameOf.choices, default=InTheNameOf.SERVICE
    )
    authorize_url = models.URLField(_("address where people sign in"), max_length=500, blank=True)
    token_url = models.URLField(_("address for tokens"), max_length=500, blank=True)
    client_id = models.CharField(_("client id"), max_length=200, blank=True)
    client_secret = EncryptedTextField(_("client secret"), blank=True)
    scope = models.CharField(_("scope"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("people's sign-in at the engine")
        verbose_name_plural = _("people's sign-ins at engines")

    def __str__(self) -> str:
        return str(self.get_mode_display())


class ConnectedAccount(models.Model):
    """Tokens of one person for one engine. `name` is the account's name there, if the engine tells it.

    `given_for`: where the tokens may be sent. `renewing_until`: one process at a time renews them, since many servers
    accept a refresh token only once. `ended_at`: they no longer work, and the person has to connect again.
    """

    engine = models.ForeignKey(Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="accounts")
    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="accounts"
    )
    name = models.CharField(_("is called there"), max_length=320, blank=True)
    given_for = models.CharField(max_length=600, editable=False)
    access_token = EncryptedTextField(editable=False)
    refresh_token = EncryptedTextField(blank=True, editable=False)
    expires_at = models.DateTimeField(_("to be renewed at"), editable=False)
    renewing_until = models.DateTimeField(null=True, blank=True, editable=False)
    connected_at = models.DateTimeField(_("connected"), editable=False)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True, editable=False)
    end_reason = EnglishText()
    end_reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("connected account")
        verbose_name_plural = _("connected accounts")
        ordering = ["recipient__name", "engine__name"]
        constraints = [models.UniqueConstraint(fields=["engine", "recipient"], name="one_account_an_engine")]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.engine}"

    @property
    def works(self) -> bool:
        return self.ended_at is None
