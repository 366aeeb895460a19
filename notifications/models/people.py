"""People who receive notifications, their teams, brands and credentials, and reviews of their entitlements."""

import hashlib
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.indexes import GinIndex
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models.engines import Engine
from notifications.models.history import HistoryWithParts
from notifications.models.keys import RevocableKey
from notifications.models.validators import validate_own_address, validate_ref, validate_timezone
from wfpush.identifiers import uuid7
from wfpush.postgres.word_index import Words
from wfpush.queue.outbox import Work

colour = RegexValidator(r"^#[0-9a-fA-F]{6}$", _("Enter a colour such as #0b57d0."))


class Brand(models.Model):
    """The name, logo and colours under which people see messages."""

    slug = models.SlugField(_("slug"), unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=80)
    logo_url = models.URLField(
        _("logo URL"), blank=True, max_length=500, help_text=_("An https address of an SVG or PNG.")
    )
    accent = models.CharField(_("accent"), max_length=7, default="#0b57d0", validators=[colour])
    accent_dark = models.CharField(_("accent in dark mode"), max_length=7, default="#a8c7fa", validators=[colour])
    from_email = models.CharField(
        _("sender of e-mails"),
        max_length=200,
        blank=True,
        help_text=_("Sender of e-mails, such as Acme <no-reply@acme.example>."),
    )
    reply_to = models.EmailField(
        _("replies go to"),
        blank=True,
        default="",
        db_default="",
        help_text=_("Empty: e-mails say that replies are not read."),
    )
    domain = models.CharField(
        _("address of its pages"),
        max_length=200,
        blank=True,
        default="",
        db_default="",
        validators=[validate_own_address],
        help_text=_("Links go there, such as https://updates.acme.example. Empty: those of this installation."),
    )
    contact = models.CharField(
        _("contact"), max_length=200, blank=True, help_text=_("Shown to customers, such as a phone number.")
    )
    contact_phone = models.CharField(_("phone for customers"), max_length=40, blank=True, default="", db_default="")
    contact_email = models.EmailField(_("e-mail for customers"), blank=True, default="", db_default="")
    contact_address = models.CharField(
        _("address for customers"), max_length=300, blank=True, default="", db_default=""
    )
    names_staff = models.BooleanField(
        _("customers read names of staff"),
        default=True,
        db_default=True,
        help_text=_("While this is off, questions and answers come under the brand's name."),
    )

    history = HistoryWithParts(parts=["category_defaults"])

    class Meta:
        verbose_name = _("brand")
        verbose_name_plural = _("brands")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


PERSON_WORDS = Words("name", ids=["ref", "email"])


class Recipient(models.Model):
    """A person. Internal: known in the whole installation, may have an account. External: known to one engine only."""

    ref = models.CharField(
        _("ref"), max_length=200, validators=[validate_ref], help_text=_("The name engines use for this person.")
    )
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="external_people",
        help_text=_("Set for external people only: the engine that knows them."),
    )
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        verbose_name=_("user"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="recipient",
    )
    name = models.CharField(_("name"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail"), blank=True)
    email_verified = models.BooleanField(
        _("e-mail verified"), default=False, help_text=_("Engines may then name this person by the address.")
    )
    phone = models.CharField(_("phone"), max_length=40, blank=True)
    locale = models.CharField(_("language"), max_length=20, default="en")
    timezone = models.CharField(
        _("time zone"),
        max_length=60,
        blank=True,
        validators=[validate_timezone],
        help_text=_("Empty: that of their browser, once they have opened the inbox; UTC until then."),
    )
    manager = models.ForeignKey(
        "self", verbose_name=_("manager"), null=True, blank=True, on_delete=models.SET_NULL, related_name="reports"
    )
    brand = models.ForeignKey(
        Brand, verbose_name=_("brand"), null=True, blank=True, on_delete=models.SET_NULL, related_name="people"
    )
    active = models.BooleanField(_("active"), default=True)
    inbox_seq = models.BigIntegerField(_("inbox seq"), default=0, editable=False)
    account_seal = models.CharField(max_length=64, default="", db_default="", blank=True, editable=False)
    """The value of `seal()` when the person's credentials were last checked; empty: not yet. See
    notifications/people/revocation.py."""
    signed_out_at = models.DateTimeField(_("signed out everywhere at"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    history = HistoricalRecords(excluded_fields=["inbox_seq", "account_seal", "signed_out_at"])

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "ref"]
        constraints = [
            models.UniqueConstraint(fields=["ref"], condition=Q(engine=None), name="internal_ref_is_unique"),
            models.UniqueConstraint(fields=["engine", "ref"], condition=~Q(engine=None), name="external_ref_is_unique"),
            models.CheckConstraint(condition=Q(engine=None) | Q(user=None), name="external_people_have_no_account"),
        ]
        indexes = [
            models.Index(fields=["email"]),
            GinIndex(PERSON_WORDS, name="person_words", condition=Q(engine=None), fastupdate=False),
            GinIndex(PERSON_WORDS, name="external_person_words", condition=Q(engine__isnull=False), fastupdate=False),
        ]

    def __str__(self) -> str:
        return self.name or self.ref

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.account_seal and (seal := self.seal()):
            self.account_seal = seal
            if kwargs.get("update_fields") is not None:
                kwargs["update_fields"] = {*kwargs["update_fields"], "account_seal"}
        super().save(*args, **kwargs)

    @property
    def external(self) -> bool:
        return self.engine_id is not None

    @property
    def present(self) -> bool:
        """True if the person gets messages: active, and the account, if there is one, is open. Reads `user`."""
        return self.active and (self.user is None or self.user.is_active)

    @property
    def may_act(self) -> bool:
        """True if the person's tokens, devices and links are still valid: every check of a credential calls this. Reads
        `user`.

        False after the password was changed or the account removed, in whatever way: somebody who may have to be kept
        out may hold the credentials.
        """
        return self.present and self.account_seal in ("", self.seal())

    def seal(self) -> str:
        """Return a value that changes when credentials must end; `revocation.UNSETTLED` computes the same in SQL."""
        values = ["t" if self.active else "f"]
        if self.user is not None:
            values += [str(self.user.pk), "t" if self.user.is_active else "f", self.user.password]
        return "" if values == ["t"] else hashlib.sha256(" ".join(values).encode()).hexdigest()

    def as_person(self) -> dict[str, str]:
        """Return the person as answers and outcomes show them."""
        return {"ref": self.ref, "name": self.name or self.ref}


class SignedOut(models.Model):
    """The end of all sessions of a user. Earlier ones stay ended when the account is opened again."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="signed_out"
    )
    at = models.DateTimeField()

    class Meta:
        verbose_name = _("end of sessions")
        verbose_name_plural = _("ends of sessions")
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user} · {localtime(self.at):%Y-%m-%d %H:%M}"


class Account(User):
    """A user as `notifications.signing_in.AccountBackend` loads them: `SignedOut` ends the user's sessions, too."""

    kept_session = ""
    """Digest of the session in which the person is setting a new password: that one goes on."""

    class Meta:
        proxy = True
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        default_permissions = ()

    def get_session_auth_hash(self) -> str:
        """Return the hash that Django compares at every request. A new password changes it, and so does `SignedOut`."""
        return self._ended_with(super().get_session_auth_hash())

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        return map(self._ended_with, super().get_session_auth_fallback_hash())

    def _ended_with(self, own: str) -> str:
        ended = getattr(self, "signed_out", None)
        if ended is None:
            return own
        return salted_hmac(f"wfpush.signed_out {ended.at.isoformat()}", own, algorithm="sha256").hexdigest()


class Team(models.Model):
    slug = models.SlugField(_("slug"), unique=True, max_length=100)
    name = models.CharField(_("name"), max_length=120)
    lead = models.ForeignKey(
        Recipient, verbose_name=_("lead"), null=True, blank=True, on_delete=models.SET_NULL, related_name="leads"
    )
    members = models.ManyToManyField(Recipient, verbose_name=_("members"), blank=True, related_name="teams")

    history = HistoryWithParts(parts=["category_defaults"], m2m_fields=[members])

    class Meta:
        verbose_name = _("team")
        verbose_name_plural = _("teams")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """A filtered list that a person has saved under a name. `query` is the query string of the inbox."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=1000)

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["recipient", "name"], name="one_saved_view_a_name")]

    def __str__(self) -> str:
        return self.name


class RecipientToken(RevocableKey):
    """Signs one person in to the API (`wfr_…`): for apps and customer portals."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="tokens")
    label = models.CharField(_("label"), max_length=80, blank=True)

    class Meta:
        verbose_name = _("recipient token")
        verbose_name_plural = _("recipient tokens")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class SignInLink(models.Model):
    """One sign-in to the inbox or portal. The link opens a page with a button, whose POST signs in."""

    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    next = models.CharField(_("next"), max_length=500, default="/")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    used_at = models.DateTimeField(_("used at"), null=True, blank=True)

    class Meta:
        verbose_name = _("sign-in link")
        verbose_name_plural = _("sign-in links")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.recipient} · {localtime(self.created_at):%Y-%m-%d %H:%M}"


class LinkRequest(Work):
    """An e-mail address that somebody wrote to get a sign-in link. A worker looks up the person, so that the page
    answers strangers as fast as known people; then the row is deleted. It is its own outbox entry."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.CharField(max_length=254)
    next = models.CharField(max_length=500)
    created_at = models.DateTimeField()

    class Meta(Work.Meta):
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="link_request_due")]

    def __str__(self) -> str:
        return f"{localtime(self.created_at):%Y-%m-%d %H:%M}"


class LinkMail(Work):
    """An e-mail with a sign-in link, requested by the person or at the desk. The row is its own outbox entry.

    The link is made when the mail is sent: its token is nowhere but in the mail.
    """

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="link_mails"
    )
    next = models.CharField(_("next"), max_length=500, default="/")
    by = models.CharField(_("asked for by"), max_length=150, blank=True, help_text=_("Empty: the person."))
    created_at = models.DateTimeField(_("asked for at"))
    sent_at = models.DateTimeField(_("sent at"), null=True, blank=True)
    detail = models.CharField(_("why not"), max_length=500, blank=True)

    class Meta(Work.Meta):
        verbose_name = _("link by e-mail")
        verbose_name_plural = _("links by e-mail")
        ordering = ["-created_at"]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="link_mail_due"),
            models.Index(fields=["created_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.recipient} · {localtime(self.created_at):%Y-%m-%d %H:%M}"


class EntitlementReview(Work):
    """A review of reasons that may have ended: a person's reasons to have tasks, and those of the stand-ins.

    Triggers insert the rows for all changes of members and leads of teams, managers, absences, roles in cases, and
    lists for cases. For an absent person the row is due again at the end of the absence.
    """

    person_id = models.BigIntegerField(primary_key=True)
    """The key of the person, who may have been deleted since."""

    class Meta(Work.Meta):
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="entitlement_review_due")]

    def __str__(self) -> str:
        return str(self.person_id)
