"""Answers of people, tokens, the callbacks to engines, and four-eyes rules, which refuse answers."""

import json
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q, Value
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.channel_facts import Text, answer_choices
from notifications.models.delivery import Delivery, Notification
from notifications.models.engines import Engine
from notifications.models.events import Task
from notifications.models.history import HistoryWithParts
from notifications.models.people import Recipient
from notifications.models.routing import Condition
from notifications.reasons import EnglishText
from wfpush.identifiers import uuid7
from wfpush.queue.outbox import Work


class Via(models.TextChoices):
    """Ways of answering that belong to no channel."""

    INBOX = "inbox", _("inbox")
    PORTAL = "portal", _("portal")
    API = "api", _("API")

    @classmethod
    def of_pages(cls, person: Recipient) -> "Via":
        """Return the way of answering on the person's pages: the portal for external people, else the inbox."""
        return cls.PORTAL if person.external else cls.INBOX


def via_choices() -> list[tuple[str, Text]]:
    """Return all ways of answering: those of `Via`, and the channels whose messages can be answered."""
    inbox, portal, api = Via.choices
    return [inbox, portal, *answer_choices(), api]


class Assurance(models.TextChoices):
    """How sure it is who answered: by what the session of the answer began, or a passkey that signed the answer."""

    PASSWORD = "password", _("password")
    SSO = "sso", _("identity provider")
    PASSKEY = "passkey", _("passkey")


class Response(models.Model):
    """One answer. `counts` becomes False when the engine refuses it, or its person takes it back; the same content is
    then a new answer."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="responses")
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="responses")
    recipient = models.ForeignKey(Recipient, on_delete=models.PROTECT, related_name="responses")
    action = models.CharField(_("action"), max_length=60)
    effect = models.CharField(_("effect"), max_length=20)
    comment = models.TextField(_("comment"), blank=True)
    variables: Any = models.JSONField(default=dict, blank=True)
    values: Any = models.JSONField(
        default=list, db_default=Value([], models.JSONField()), blank=True,
        help_text=_("Values entered in the task's form."),
    )  # fmt: skip
    """Entries of notifications/forms/recorded_values.py."""
    revision = models.CharField(_("revision"), max_length=43, blank=True, default="", db_default="", editable=False)
    """The revision of the content that the person was shown (`TaskContent`). Empty for answers before revisions."""
    via = models.CharField(_("via"), max_length=20, choices=via_choices)
    assurance = models.CharField(
        _("assurance"), max_length=10, choices=Assurance.choices, blank=True, default="", db_default="", editable=False
    )
    """Empty: links, tokens, lock screens, and sessions that began before this was recorded."""
    delivery = models.ForeignKey(
        Delivery, null=True, blank=True, on_delete=models.SET_NULL, related_name="responses", editable=False,
        help_text=_("The message whose token was used."),
    )  # fmt: skip
    asked = models.ForeignKey(
        Recipient, verbose_name=_("asked"), null=True, blank=True, on_delete=models.SET_NULL, related_name="+",
        db_index=False, help_text=_("Who is to answer the question."),
    )  # fmt: skip
    at = models.DateTimeField(_("at"))
    counts = models.BooleanField(_("counts"), default=True)

    class Meta:
        verbose_name = _("answer")
        verbose_name_plural = _("answers")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["task"], condition=Q(effect="final", counts=True), name="one_final_answer_a_task"
            )
        ]

    def __str__(self) -> str:
        return gettext("%(action)s by %(name)s") % {"action": self.action, "name": self.recipient}


class IdempotencyKey(models.Model):
    """A key that is kept for 7 days, unique per person and notification."""

    notification = models.ForeignKey(
        Notification, verbose_name=_("notification"), on_delete=models.CASCADE, related_name="+"
    )
    recipient = models.ForeignKey(Recipient, verbose_name=_("recipient"), on_delete=models.CASCADE, related_name="+")
    key = models.CharField(_("key"), max_length=200)
    fingerprint = models.CharField(max_length=64)
    response = models.ForeignKey(Response, verbose_name=_("response"), on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)

    class Meta:
        verbose_name = _("idempotency key")
        verbose_name_plural = _("idempotency keys")
        constraints = [
            models.UniqueConstraint(fields=["notification", "recipient", "key"], name="idempotency_key_is_unique")
        ]

    def __str__(self) -> str:
        return self.key


class ActionToken(models.Model):
    """Allows one person to answer one task from one delivery (an e-mail or a device), with the actions that it
    offered."""

    digest = models.CharField(max_length=64, unique=True, editable=False)
    recipient = models.ForeignKey(Recipient, on_delete=models.CASCADE, related_name="action_tokens")
    notification = models.ForeignKey(Notification, on_delete=models.CASCADE, related_name="action_tokens")
    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="action_tokens")
    actions = ArrayField(models.CharField(max_length=60), verbose_name=_("actions"), default=list)
    revision = models.CharField(_("revision"), max_length=43, blank=True, default="", db_default="", editable=False)
    """The revision of the content that the message shows. A token answers no other."""
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    voided_at = models.DateTimeField(_("voided at"), null=True, blank=True)
    void_reason = EnglishText()
    void_reason_fact: Any = models.JSONField(null=True, blank=True, editable=False)

    class Meta:
        verbose_name = _("answer link")
        verbose_name_plural = _("answer links")
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.notification}"


class CallbackState(models.TextChoices):
    WAITING = "waiting", _("waiting for the engine")
    DELIVERED = "delivered", _("the engine has it")
    HANDLED = "handled", _("the engine had handled it already")
    REFUSED = "refused", _("refused by the engine")
    SUPERSEDED = "superseded", _("overtaken by a later answer")
    FAILED = "failed", _("given up")
    TAKEN_BACK = "taken_back", _("taken back")
    RETURNED = "returned", _("not sent: what it decides about has changed")


class Callback(Work):
    """One call to the engine, mostly with an answer. `body` never changes; `id` is the webhook-id, equal to the
    response's id. `response` is empty for an SLA step's call that a task runs late, and for a reply or comment: then
    `id` is the message's."""

    id: Any = models.UUIDField(primary_key=True, editable=False)
    response = models.OneToOneField(Response, null=True, blank=True, on_delete=models.CASCADE, related_name="callback")
    engine = models.ForeignKey(Engine, verbose_name=_("engine"), on_delete=models.CASCADE, related_name="callbacks")
    task = models.ForeignKey(Task, on_delete=models.CASCADE, related_name="callbacks")
    position = models.PositiveIntegerField(_("position"), help_text=_("Order among the task's answers."))
    body = models.TextField()
    state = models.CharField(_("state"), max_length=10, choices=CallbackState.choices, default=CallbackState.WAITING)
    last_status = models.PositiveIntegerField(_("last status"), null=True, blank=True)
    detail = EnglishText()
    detail_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    alert = EnglishText()
    alert_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    first_attempt_at = models.DateTimeField(_("first attempt at"), null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), auto_now_add=True)
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)

    class Meta(Work.Meta):
        verbose_name = _("callback")
        verbose_name_plural = _("callbacks")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["task", "position"], name="one_callback_a_position"),
            models.CheckConstraint(
                condition=Q(due_at__isnull=False, ended_at__isnull=True)
                | Q(due_at__isnull=True, ended_at__isnull=False),
                name="callback_is_due_until_ended",
            ),
        ]
        indexes = [
            models.Index(fields=["engine", "due_at"], condition=Q(due_at__isnull=False), name="callback_queue"),
            models.Index(fields=["state", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.says} → {self.engine}"

    @property
    def in_doubt(self) -> bool:
        """True if the callback may have reached the engine."""
        return self.attempt_log.filter(UNKNOWN).exists()

    @property
    def says(self) -> str:
        """A description of the call for operators."""
        if self.response:
            return str(self.response)
        data = json.loads(self.body)["data"]
        if "message" in data:
            return gettext("%(name)s wrote about %(task)s") % {"name": data["message"]["by"]["name"], "task": self.task}
        to = data.get("to")
        text = gettext("%(task)s is to be given to %(name)s") if to else gettext("%(task)s runs late")
        return text % {"task": self.task, "name": to["name"] if to else ""}


class CallbackAttempt(models.Model):
    """An attempt, written before the call. The result is unknown in a row without an end, or with `unsure`."""

    callback = models.ForeignKey(
        Callback, verbose_name=_("callback"), on_delete=models.CASCADE, related_name="attempt_log"
    )
    number = models.PositiveIntegerField(_("number"))
    started_at = models.DateTimeField(_("started at"))
    ended_at = models.DateTimeField(_("ended at"), null=True, blank=True)
    status = models.PositiveIntegerField(_("status"), null=True, blank=True)
    detail = EnglishText()
    detail_fact: Any = models.JSONField(null=True, blank=True, editable=False)
    unsure = models.BooleanField(_("may have arrived"), default=False)

    class Meta:
        verbose_name = _("callback attempt")
        verbose_name_plural = _("callback attempts")
        ordering = ["callback", "number"]

    def __str__(self) -> str:
        return f"{self.callback} #{self.number}"


UNKNOWN = Q(ended_at=None) | Q(unsure=True)
"""Attempts with an unknown result."""


def may_have_arrived() -> Exists:
    """Return the condition that a callback may have reached its engine."""
    return Exists(CallbackAttempt.objects.filter(UNKNOWN, callback=OuterRef("pk")))


class FourEyesRule(models.Model):
    """An enabled rule applies to the final answers of each task that its engine and conditions fit."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="four_eyes_rules",
        help_text=_("Empty: every engine."),
    )
    not_initiator = models.BooleanField(
        _("not the person who started it"), default=True, help_text=_("The task's initiator, as its events name them.")
    )
    not_previous = models.BooleanField(
        _("not the person who decided the previous step"),
        default=False,
        help_text=_("The person who gave the final answer to the previous task of the case."),
    )

    history = HistoryWithParts(parts=["conditions"])

    class Meta:
        verbose_name = _("four-eyes rule")
        verbose_name_plural = _("four-eyes rules")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class FourEyesCondition(Condition):
    """A condition of a rule. All of them must hold for the task."""

    rule = models.ForeignKey(
        FourEyesRule, verbose_name=_("four-eyes rule"), on_delete=models.CASCADE, related_name="conditions"
    )


class RefusedAnswer(models.Model):
    """An answer that a four-eyes rule refused: it was not recorded, and no engine was called."""

    id: Any = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.ForeignKey(Task, verbose_name=_("task"), on_delete=models.CASCADE, related_name="refused_answers")
    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="refused_answers"
    )
    action = models.CharField(_("action"), max_length=60)
    comment = models.TextField(_("comment"), blank=True)
    via = models.CharField(_("via"), max_length=20, choices=via_choices)
    rule = models.CharField(_("rule"), max_length=120)
    why = EnglishText()
    why_fact: Any = models.JSONField(null=True, editable=False)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("refused answer")
        verbose_name_plural = _("refused answers")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.recipient}: {self.action}"
