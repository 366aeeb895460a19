"""Workflow engines: API keys, signing secrets, sign-in, mappings between their names and ours, and polling."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.timezone import localtime
from django.utils.translation import gettext_lazy as _

from notifications.models.history import HistoryWithParts
from notifications.models.keys import RevocableKey
from notifications.reasons import EnglishText
from wfpush.crypto import EncryptedTextField
from wfpush.queue.outbox import Work


class Scope(models.TextChoices):
    """A right of an API key (docs/api/general.md, "Who may call")."""

    EVENTS = "events", _("Events: send events, read its own events, tasks and answers")
    PEOPLE = "people", _("People: create and update its own external people")
    DIRECTORY = "directory", _("Directory: create and update everybody, teams and managers")
    TOKENS = "tokens", _("Tokens: recipient tokens and sign-in links for its external people")


def default_scopes() -> list[str]:
    return [Scope.EVENTS.value]


class Engine(models.Model):
    slug = models.SlugField(_("slug"), unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=30, default="webhook")
    callback_url = models.URLField(
        _("callback URL"),
        blank=True,
        max_length=500,
        help_text=_("Where answers are sent. Empty: answers are kept and can be read by API."),
    )
    active = models.BooleanField(
        _("active"), default=True, help_text=_("While this is off, its keys are refused and nothing is sent to it.")
    )
    most_waiting = models.PositiveIntegerField(
        _("events that may wait"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_(
            "While this many of its events wait to be processed, further ones get 429, and the engine "
            "sends them again later. Empty: no limit."
        ),
    )
    reads_before_answers = models.BooleanField(
        _("read the task before a final answer"),
        default=True,
        db_default=True,
        help_text=_(
            "If the task has changed in the engine since it was answered, the answer is not sent, and "
            "the person is asked again."
        ),
    )
    not_compared_reason = EnglishText()
    not_compared_reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    callback_disabled_at = models.DateTimeField(_("callbacks stopped at"), null=True, blank=True, editable=False)
    callback_disabled_reason = EnglishText()
    callback_disabled_reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    history = HistoryWithParts(
        parts=["event_mappings", "answer_mappings"],
        excluded_fields=["callback_disabled_reason_fact", "not_compared_reason_fact"],
    )

    class Meta:
        verbose_name = _("engine")
        verbose_name_plural = _("engines")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def takes_answers(self) -> bool:
        return bool(self.active and self.callback_url and self.callback_disabled_at is None)


class AuthKind(models.TextChoices):
    NONE = "none", _("none")
    BASIC = "basic", _("user and password (Basic)")
    BEARER = "bearer", _("a fixed token (Bearer)")
    API_KEY = "api_key", _("a key in a header")
    OAUTH2 = "oauth2", _("OAuth2 client credentials")


class TokenBody(models.TextChoices):
    FORM = "form", _("a form (RFC 6749)")
    JSON = "json", _("JSON (OpenText)")


class EngineAccess(models.Model):
    """Our sign-in at an engine's REST interface. Webhooks need none, since they are signed."""

    engine = models.OneToOneField(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="access", primary_key=True
    )
    auth = models.CharField(_("sign in by"), max_length=10, choices=AuthKind.choices, default=AuthKind.NONE)
    name = models.CharField(_("user, or client id"), max_length=200, blank=True)
    secret = EncryptedTextField(_("password, token, key or client secret"), blank=True)
    header = models.CharField(_("header of the key"), max_length=100, default="X-API-Key", blank=True)
    token_url = models.URLField(_("address for tokens"), max_length=500, blank=True)
    token_body = models.CharField(
        _("request tokens by"), max_length=4, choices=TokenBody.choices, default=TokenBody.FORM
    )
    scope = models.CharField(_("scope"), max_length=300, blank=True)
    audience = models.CharField(_("audience"), max_length=300, blank=True)
    certificate = models.TextField(_("client certificate (PEM)"), blank=True)
    key = EncryptedTextField(_("its private key (PEM)"), blank=True)
    paths: Any = models.JSONField(_("paths that differ"), default=dict, blank=True)

    class Meta:
        verbose_name = _("sign-in at the engine")
        verbose_name_plural = _("sign-ins at engines")

    def __str__(self) -> str:
        return str(self.get_auth_display())


class ApiKey(RevocableKey):
    """A key is shown once; its SHA-256 is stored (the key has 256 random bits, so a slow hash would add nothing)."""

    engine = models.ForeignKey(Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(_("name"), max_length=80, default="default")
    scopes = ArrayField(
        models.CharField(max_length=20, choices=Scope.choices), verbose_name=_("scopes"), default=default_scopes
    )
    expires_at = models.DateTimeField(_("expires at"), null=True, blank=True)

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"


class RotatedSecret(models.Model):
    """A secret that signs calls. While two are active, both sign: that allows rotation."""

    secret = EncryptedTextField(_("secret"))
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(
        _("expires at"), null=True, blank=True, help_text=_("Afterwards it neither signs nor verifies.")
    )

    class Meta:
        abstract = True
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"whsec_… ({localtime(self.created_at):%Y-%m-%d})" if self.created_at else "whsec_…"


class SigningSecret(RotatedSecret):
    """A Standard Webhooks secret of an engine, used both ways."""

    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="signing_secrets"
    )

    class Meta(RotatedSecret.Meta):
        verbose_name = _("signing secret")
        verbose_name_plural = _("signing secrets")


class EventMapping(models.Model):
    """The expression (JMESPath on an engine's own JSON) for one member of the CloudEvent that is made of it."""

    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="event_mappings"
    )
    member = models.CharField(
        _("member"),
        max_length=100,
        validators=[RegexValidator(r"^(id|source|type|subject|time|data(\.[A-Za-z_][A-Za-z0-9_]*)+)$")],
        help_text=_("id, type, time … or a path under data, such as data.task.name"),
    )
    expression = models.CharField(
        _("expression"), max_length=500, help_text=_("JMESPath over the engine's JSON; 'text' in quotes is fixed")
    )

    class Meta:
        verbose_name = _("event mapping")
        verbose_name_plural = _("event mappings")
        ordering = ["member"]
        constraints = [models.UniqueConstraint(fields=["engine", "member"], name="one_expression_a_member")]

    def __str__(self) -> str:
        return self.member


class AnswerMapping(models.Model):
    """The name of an action in the engine, and variables that people cannot set."""

    engine = models.ForeignKey(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="answer_mappings"
    )
    action = models.CharField(_("action"), max_length=60)
    task_kind = models.CharField(
        _("only tasks of the kind"), max_length=60, blank=True, help_text=_("Empty: all without their own.")
    )
    outcome = models.CharField(_("outcome"), max_length=100, blank=True)
    variables: Any = models.JSONField(_("variables"), default=dict, blank=True)

    class Meta:
        verbose_name = _("answer mapping")
        verbose_name_plural = _("answer mappings")
        ordering = ["action", "task_kind"]
        constraints = [models.UniqueConstraint(fields=["engine", "action", "task_kind"], name="one_mapping_an_action")]

    def __str__(self) -> str:
        return f"{self.action} → {self.outcome}"


class Poll(Work):
    """The polling of one engine. The row is its own outbox entry; `cursor` is the position of the last poll."""

    engine = models.OneToOneField(
        Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="poll", primary_key=True
    )
    enabled = models.BooleanField(_("poll for tasks"), default=True)
    every = models.PositiveIntegerField(
        _("for new ones every … seconds"), default=15, validators=[MinValueValidator(5), MaxValueValidator(86_400)]
    )
    sweep_every = models.PositiveIntegerField(
        _("for all of them every … minutes"),
        default=30,
        validators=[MinValueValidator(1), MaxValueValidator(10_080)],
        help_text=_("Finds tasks that changed or ended meanwhile."),
    )
    cursor: Any = models.JSONField(default=dict, editable=False)
    asked_at = models.DateTimeField(_("last poll"), null=True, blank=True, editable=False)
    swept_at = models.DateTimeField(_("last full poll"), null=True, blank=True, editable=False)
    error = EnglishText()
    error_fact: Any = models.JSONField(null=True, blank=True, editable=False)

    class Meta(Work.Meta):
        verbose_name = _("polling")
        verbose_name_plural = _("polling")
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="poll_due")]

    def __str__(self) -> str:
        return str(self.engine)

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Make an enabled poll due at once if it is not due yet."""
        if self.enabled and self.due_at is None:
            self.make_due(timezone.now())
        super().save(*args, **kwargs)


class PolledTask(models.Model):
    """A task as the engine listed it last, by its digest; `sweep`: the last sweep that listed it."""

    id: Any = models.BigAutoField(primary_key=True)
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE, related_name="+", db_index=False)
    task_id = models.CharField(max_length=200)
    digest = models.CharField(max_length=32)
    sweep = models.PositiveIntegerField(default=0)

    class Meta:
        verbose_name = _("task as it was listed")
        verbose_name_plural = _("tasks as they were listed")
        constraints = [models.UniqueConstraint(fields=["engine", "task_id"], name="each_polled_once")]

    def __str__(self) -> str:
        return self.task_id
