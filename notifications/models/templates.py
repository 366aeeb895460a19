"""Templates in Liquid, with versions, languages, per-channel texts and key facts."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.models.validators import PATH

MOST_FACTS = 6
"""Maximum number of key facts of one version."""


class Template(models.Model):
    """The texts of a message. New messages use the published version; running ones keep theirs."""

    slug = models.SlugField(_("slug"), unique=True, max_length=80)
    name = models.CharField(_("name"), max_length=120)
    fallback_language = models.CharField(_("fallback language"), max_length=20, default="en")

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("template")
        verbose_name_plural = _("templates")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class TemplateVersion(models.Model):
    template = models.ForeignKey(
        Template, verbose_name=_("template"), on_delete=models.CASCADE, related_name="versions"
    )
    number = models.PositiveIntegerField(_("number"))
    state = models.CharField(_("state"), max_length=10, choices=VersionState.choices, default=VersionState.DRAFT)
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("A note on this version."))
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(_("published at"), null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("published by"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        verbose_name = _("template version")
        verbose_name_plural = _("template versions")
        ordering = ["template", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="one_version_a_number"),
            models.UniqueConstraint(fields=["template"], condition=Q(state="published"), name="one_published_version"),
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"


class WrittenText(models.Model):
    """The text in one language, for all channels or for one. Plain text with Liquid."""

    language = models.CharField(_("language"), max_length=20, default="en")
    channel = models.CharField(
        _("channel"), max_length=20, blank=True, help_text=_("Empty: every channel without its own text.")
    )
    title = models.CharField(_("title"), max_length=500)
    body = models.TextField(_("body"), blank=True, max_length=10_000)
    short_body = models.CharField(
        _("short body"), max_length=500, blank=True, help_text=_("For lock screens; empty: the start of the body.")
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.language} {self.channel}".strip()


class TemplateText(WrittenText):
    version = models.ForeignKey(
        TemplateVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="texts"
    )

    class Meta:
        verbose_name = _("template text")
        verbose_name_plural = _("template texts")
        ordering = ["language", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["version", "language", "channel"], name="one_text_a_language_and_channel")
        ]


class CustomerText(WrittenText):
    """Texts for external people. A version that has such texts shows them no others."""

    version = models.ForeignKey(
        TemplateVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="customer_texts"
    )

    class Meta:
        verbose_name = _("text for customers")
        verbose_name_plural = _("texts for customers")
        ordering = ["language", "channel"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "language", "channel"], name="one_customer_text_a_language_and_channel"
            )
        ]

    def __str__(self) -> str:
        return _("%(text)s, for customers") % {"text": super().__str__()}


class CommentRuleChoice(models.TextChoices):
    NONE = "none", _("no comment")
    OPTIONAL = "optional", _("comment possible")
    REQUIRED = "required", _("comment required")


class TemplateAction(models.Model):
    """The label of an action in each language, and whether it needs a comment."""

    version = models.ForeignKey(
        TemplateVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="actions"
    )
    action = models.CharField(_("action"), max_length=60)
    comment = models.CharField(
        _("comment"), max_length=10, choices=CommentRuleChoice.choices, default=CommentRuleChoice.OPTIONAL
    )
    labels: Any = models.JSONField(
        _("labels"), default=dict, help_text=_('Language to label, such as {"en": "Approve", "de": "Genehmigen"}.')
    )

    class Meta:
        verbose_name = _("template action")
        verbose_name_plural = _("template actions")
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["version", "action"], name="one_label_an_action")]

    def __str__(self) -> str:
        return self.action


class FactKind(models.TextChoices):
    """The type of a key fact. A value of another type in the event is shown as text."""

    TEXT = "text", _("text")
    NUMBER = "number", _("number")
    MONEY = "money", _("amount of money")
    DATE = "date", _("date")
    DATETIME = "datetime", _("date and time")
    PERSON = "person", _("person")


class TemplateFact(models.Model):
    """A labelled value by which people decide. Without a value it is left out."""

    version = models.ForeignKey(
        TemplateVersion, verbose_name=_("version"), on_delete=models.CASCADE, related_name="facts"
    )
    position = models.PositiveSmallIntegerField(
        _("position"), default=0, help_text=_("The first is shown large, if it is money or a number.")
    )
    path = models.CharField(_("path"), max_length=150, validators=[PATH])
    kind = models.CharField(_("kind"), max_length=10, choices=FactKind.choices, default=FactKind.TEXT)
    labels: Any = models.JSONField(
        _("labels"), default=dict, help_text=_('Language to label, such as {"en": "Amount", "de": "Betrag"}.')
    )
    currency = models.CharField(
        _("currency"),
        max_length=150,
        blank=True,
        validators=[PATH],
        help_text=_("For money: EUR, or a path. Empty: “currency” beside the amount."),
    )

    class Meta:
        verbose_name = _("key fact")
        verbose_name_plural = _("key facts")
        ordering = ["position", "pk"]
        constraints = [models.UniqueConstraint(fields=["version", "path"], name="one_fact_a_path")]

    def __str__(self) -> str:
        return self.path
