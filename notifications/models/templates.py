"""Templates in Liquid, with versions, languages and per-channel texts."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords


class Template(models.Model):
    """What a message says. The published version is used for new messages; running ones keep theirs."""

    slug = models.SlugField(unique=True, max_length=80)
    name = models.CharField(max_length=120)
    fallback_language = models.CharField(max_length=20, default="en")

    history = HistoricalRecords()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class VersionState(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    RETIRED = "retired", _("retired")


class TemplateVersion(models.Model):
    template = models.ForeignKey(Template, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=10, choices=VersionState.choices, default=VersionState.DRAFT)
    note = models.CharField(max_length=200, blank=True, help_text=_("What changed."))
    created_at = models.DateTimeField(auto_now_add=True)
    published_at = models.DateTimeField(null=True, blank=True, editable=False)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        ordering = ["template", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["template", "number"], name="one_version_a_number"),
            models.UniqueConstraint(fields=["template"], condition=Q(state="published"), name="one_published_version"),
        ]

    def __str__(self) -> str:
        return f"{self.template} v{self.number}"


class TemplateText(models.Model):
    """The words in one language, for all channels or for one. Plain text; Liquid fills in the variables."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.CASCADE, related_name="texts")
    language = models.CharField(max_length=20, default="en")
    channel = models.CharField(max_length=20, blank=True, help_text=_("Empty: every channel without words of its own."))
    title = models.CharField(max_length=500)
    body = models.TextField(blank=True, max_length=10_000)
    short_body = models.CharField(
        max_length=500, blank=True, help_text=_("For lock screens; empty: the start of the body.")
    )

    class Meta:
        ordering = ["language", "channel"]
        constraints = [
            models.UniqueConstraint(fields=["version", "language", "channel"], name="one_text_a_language_and_channel")
        ]

    def __str__(self) -> str:
        return f"{self.language} {self.channel}".strip()


class CommentRuleChoice(models.TextChoices):
    NONE = "none", _("no comment")
    OPTIONAL = "optional", _("comment possible")
    REQUIRED = "required", _("comment required")


class TemplateAction(models.Model):
    """The label of an action in each language, and whether it needs a comment."""

    version = models.ForeignKey(TemplateVersion, on_delete=models.CASCADE, related_name="actions")
    action = models.CharField(max_length=60)
    comment = models.CharField(max_length=10, choices=CommentRuleChoice.choices, default=CommentRuleChoice.OPTIONAL)
    labels: Any = models.JSONField(
        default=dict, help_text=_('Language to label, such as {"en": "Approve", "de": "Genehmigen"}.')
    )

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["version", "action"], name="one_label_an_action")]

    def __str__(self) -> str:
        return self.action
