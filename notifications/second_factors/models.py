"""Who needs a second factor and who may sign in by password, e-mails about security, requests for a new password, and
the factors at the desk."""

from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work


class SignInRules(models.Model):
    """The rules for sign-ins without an identity provider. There is one row at most; without it nothing is required."""

    only = models.BooleanField(default=True, unique=True, editable=False)
    roles: Any = models.ManyToManyField(
        Group,
        verbose_name=_("roles that need a second factor"),
        blank=True,
        related_name="+",
        help_text=_("Their members open the desk only after they have set one up."),
    )
    superusers = models.BooleanField(_("superusers need a second factor"), default=False)
    providers_only = models.BooleanField(
        _("people sign in at an identity provider only"),
        default=False,
        help_text=_("Passwords and passkeys then work for emergency accounts only."),
    )
    emergency_accounts: Any = models.ManyToManyField(
        User,
        verbose_name=_("emergency accounts"),
        blank=True,
        related_name="+",
        help_text=_("They can always sign in here. Each use is e-mailed to all administrators."),
    )

    history = HistoricalRecords(m2m_fields=[roles, emergency_accounts])

    class Meta:
        verbose_name = _("rules for signing in")
        verbose_name_plural = _("rules for signing in")
        default_permissions = ("view", "add", "change")
        constraints = [models.CheckConstraint(condition=Q(only=True), name="sign_in_rules_one_row")]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


KINDS = {"totp": _("Authenticator app"), "webauthn": _("Passkey"), "recovery_codes": _("Recovery codes")}


class Factor(Authenticator):
    """A second factor of an account, as the desk lists it. Its secret is in `data`, encrypted."""

    class Meta:
        proxy = True
        verbose_name = _("second factor")
        verbose_name_plural = _("second factors")
        default_permissions = ("view", "delete")

    def __str__(self) -> str:
        """Return the kind; for a passkey, the name that its owner gave it."""
        return super().__str__() if self.type == self.Type.WEBAUTHN else str(KINDS[self.type])


class MailKind(models.TextChoices):
    """`emergency` is about the account `name`; all others are about the reader's own account. The kinds from
    `password_link` to `password_elsewhere` answer a request for a new password."""

    APP_ADDED = "app_added", _("An authenticator app was added")
    APP_REMOVED = "app_removed", _("The authenticator app was removed")
    PASSKEY_ADDED = "passkey_added", _("A passkey was added")
    PASSKEY_REMOVED = "passkey_removed", _("A passkey was removed")
    CODES_RENEWED = "codes_renewed", _("New recovery codes were made")
    CODE_USED = "code_used", _("A recovery code was used to sign in")
    REMOVED_BY_DESK = "removed_by_desk", _("An administrator removed all second factors")
    EMERGENCY = "emergency", _("An emergency account was used")
    PASSWORD_LINK = "password_link", _("Choose a new password")
    PASSWORD_SHARED = "password_shared", _("No new password by e-mail")
    PASSWORD_ELSEWHERE = "password_elsewhere", _("Your account has no password here")
    PASSWORD_CHANGED = "password_changed", _("Your password was changed")
    PASSWORD_BY_DESK = "password_by_desk", _("An administrator set your password")


class SecurityMail(Work):
    """An e-mail about a change of somebody's factors or password, a request for a new password, or the use of an
    emergency account. The row is its own outbox entry.

    `address`, `browser`: where the change was made; `name`: the emergency account, the administrator, or the
    fingerprint of the passkey that was added."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=20, choices=MailKind.choices)
    name = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=500, blank=True)

    class Meta(Work.Meta):
        verbose_name = _("e-mail about security")
        verbose_name_plural = _("e-mails about security")
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="security_mail_due")]

    def __str__(self) -> str:
        return f"{self.kind} · {self.created_at:%Y-%m-%d %H:%M}"


class PasswordRequest(Work):
    """A user name or e-mail address that somebody wrote to get a new password. A worker looks up the account, so that
    the page answers strangers as fast as known people; then the row is deleted. It is its own outbox entry."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=254)
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()

    class Meta(Work.Meta):
        verbose_name = _("request for a password")
        verbose_name_plural = _("requests for passwords")
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="password_request_due")]

    def __str__(self) -> str:
        return f"{self.created_at:%Y-%m-%d %H:%M}"


class BrowserSession(models.Model):
    """A browser in which a user is signed in. `digest`: of its session's key, as devices have it."""

    digest = models.CharField(primary_key=True, max_length=64, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    address = models.CharField(max_length=45, blank=True)
    browser = models.CharField(max_length=300, blank=True)
    began_at = models.DateTimeField()
    used_at = models.DateTimeField(db_index=True)

    class Meta:
        verbose_name = _("signed-in browser")
        verbose_name_plural = _("signed-in browsers")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user} · {self.began_at:%Y-%m-%d %H:%M}"
