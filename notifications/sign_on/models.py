"""Identity providers, their groups, the sessions that they opened, and the record of sign-ins."""

from typing import Any
from uuid import uuid4

from django.conf import settings
from django.contrib.auth.models import Group
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinLengthValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models import Team
from notifications.models.history import HistoryWithParts
from notifications.models.validators import DOMAIN
from wfpush.crypto import EncryptedTextField
from wfpush.identifiers import uuid7


def new_identity_key() -> str:
    return uuid4().hex


class ProviderKind(models.TextChoices):
    OPENID_CONNECT = "openid_connect", _("OpenID Connect")
    SAML = "saml", _("SAML 2.0")


class IdentityProvider(models.Model):
    """A provider at which people sign in: by OpenID Connect (Core 1.0, code flow with PKCE) or SAML 2.0 (Web Browser
    SSO profile). `issuer`: an OpenID Connect issuer, or the entity ID. `sso_url`, `certificate`: of SAML.

    `works_since`: the time of the last sign-in. `fault`: the code of the last failure since then (`refusals`).
    """

    slug = models.SlugField(
        _("slug"), unique=True, max_length=60, help_text=_("Part of its addresses. It cannot be changed later.")
    )
    identity_key = models.CharField(max_length=32, default=new_identity_key, unique=True, editable=False)
    """Under which identities are stored. A new one makes everybody be found by their address again."""
    name = models.CharField(_("name"), max_length=80, help_text=_("People see it on the sign-in page."))
    kind = models.CharField(
        _("protocol"), max_length=16, choices=ProviderKind.choices, default=ProviderKind.OPENID_CONNECT
    )
    issuer = models.CharField(
        _("issuer"),
        max_length=500,
        blank=True,
        help_text=_("The provider's address, such as https://login.acme.example/realms/staff."),
    )
    client_id = models.CharField(_("client ID"), max_length=200, blank=True)
    client_secret = EncryptedTextField(_("client secret"), blank=True)
    sso_url = models.URLField(_("address for signing in"), max_length=500, blank=True, default="", db_default="")
    certificate = models.TextField(_("certificate"), blank=True, default="", db_default="")
    domains = ArrayField(
        models.CharField(max_length=253, validators=[DOMAIN]),
        verbose_name=_("e-mail domains"),
        validators=[MinLengthValidator(1)],
        help_text=_("One a line. People with these addresses sign in there, and the provider may name no others."),
    )
    trusts_addresses = models.BooleanField(
        _("its e-mail addresses are verified"),
        default=False,
        help_text=_("For providers without email_verified, such as Entra ID, whose administrators assign addresses."),
    )
    creates_people = models.BooleanField(
        _("unknown people get an account"),
        default=False,
        help_text=_("While this is off, only people who are known here can sign in."),
    )
    groups_claim = models.CharField(
        _("claim with groups"), max_length=100, blank=True, default="groups", help_text=_("Usually: groups.")
    )
    active = models.BooleanField(_("active"), default=True)
    works_since = models.DateTimeField(_("works since"), null=True, blank=True, editable=False)
    fault = models.CharField(max_length=40, blank=True, editable=False)
    fault_at = models.DateTimeField(null=True, blank=True, editable=False)

    history = HistoryWithParts(
        parts=["mappings"], excluded_fields=["client_secret", "identity_key", "works_since", "fault", "fault_at"]
    )

    class Meta:
        verbose_name = _("identity provider")
        verbose_name_plural = _("identity providers")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class GroupMapping(models.Model):
    """The team or the desk role of people with a group at the provider."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="mappings")
    group = models.CharField(
        _("group at the provider"), max_length=200, help_text=_("As the provider sends it: a name, or an ID.")
    )
    team = models.ForeignKey(
        Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    role = models.ForeignKey(
        Group, verbose_name=_("desk role"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )

    class Meta:
        verbose_name = _("group")
        verbose_name_plural = _("groups")
        ordering = ["group"]
        constraints = [
            models.CheckConstraint(
                condition=Q(team=None) ^ Q(role=None),
                name="group_has_team_or_role",
                violation_error_message=_("Choose a team or a desk role."),
            ),
            models.UniqueConstraint(fields=["provider", "group", "team"], name="one_mapping_a_team"),
            models.UniqueConstraint(fields=["provider", "group", "role"], name="one_mapping_a_role"),
        ]

    def __str__(self) -> str:
        return f"{self.group} → {self.team or self.role}"


class ProviderSession(models.Model):
    """A session that a provider opened. `sid`: its name there; the provider ends it by that name."""

    provider = models.ForeignKey(IdentityProvider, on_delete=models.CASCADE, related_name="sessions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    sid = models.CharField(max_length=255)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = _("session of a provider")
        verbose_name_plural = _("sessions of providers")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["provider", "sid", "user"], name="one_row_a_provider_session")]

    def __str__(self) -> str:
        return f"{self.provider} · {self.created_at:%Y-%m-%d %H:%M}"


class SignInOutcome(models.TextChoices):
    SIGNED_IN = "signed_in", _("signed in")
    REFUSED = "refused", _("refused")
    SIGNED_OUT = "signed_out", _("signed out by the provider")
    CHANGED = "changed", _("teams or roles changed")
    FACTORS = "factors", _("second factors changed")
    EMERGENCY = "emergency", _("emergency account used")
    PASSWORD = "password", _("new password")
    ENDED = "ended", _("signed out elsewhere")


class SignInRecord(models.Model):
    """A sign-in by a provider, its end or refusal, or a change of what people sign in with. `code`: why it was refused
    (`refusals`), or what changed. `detail`: for administrators."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    at = models.DateTimeField(_("at"), db_index=True)
    provider = models.ForeignKey(
        IdentityProvider, verbose_name=_("provider"), null=True, on_delete=models.SET_NULL, related_name="records"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("user"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    identity = models.CharField(
        _("identity"), max_length=320, blank=True, help_text=_("The e-mail address or subject that the provider sent.")
    )
    outcome = models.CharField(_("outcome"), max_length=12, choices=SignInOutcome.choices)
    code = models.CharField(_("reason"), max_length=40, blank=True)
    detail = models.CharField(_("details"), max_length=500, blank=True)
    address = models.GenericIPAddressField(_("network address"), null=True)
    browser = models.CharField(_("browser"), max_length=300, blank=True)

    class Meta:
        verbose_name = _("security event")
        verbose_name_plural = _("security events")
        ordering = ["-at"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.identity} · {self.get_outcome_display()}"
