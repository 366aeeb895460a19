"""SLA policies: their tasks, their calendar, and their steps."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from escalations.models.calendars import BusinessCalendar
from notifications.feature_targets import RefField, feature_targets
from notifications.models import Category, Condition, Engine, Priority, Recipient, Route, Team, Template
from notifications.models.history import HistoryWithParts

MOST_MINUTES = 366 * 24 * 60
MOST_REPEATS = 100
MOST_LEVELS = 10


class TimeKind(models.TextChoices):
    WALL = "wall", _("by the clock")
    BUSINESS = "business", _("working time")


class Clock(models.TextChoices):
    DUE = "due", _("the due date of the engine")
    DURATION = "duration", _("a time after the assignment")


class CalendarOf(models.TextChoices):
    POLICY = "policy", _("of the policy")
    TEAM = "team", _("of the task's team, else of the policy")
    ASSIGNEE = "assignee", _("of the assignee, else of their team, else of the policy")


class OnAcknowledge(models.TextChoices):
    GOES_ON = "goes_on", _("the clock goes on")
    STOPS = "stops", _("no more notifications")
    HOLDS = "holds", _("no notifications for a while")


class Policy(models.Model):
    """A policy. A task gets the first enabled one, by position, whose engine and conditions fit."""

    name = models.CharField(_("name"), max_length=120, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    position = models.IntegerField(
        _("position"), default=100, help_text=_("Smaller numbers come first; the first match applies.")
    )
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="policies",
        help_text=_("Empty: every engine."),
    )
    clock = models.CharField(_("due is"), max_length=10, choices=Clock.choices, default=Clock.DUE)
    minutes = models.PositiveIntegerField(
        _("minutes"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)]
    )
    time = models.CharField(
        _("counted in"),
        max_length=10,
        choices=TimeKind.choices,
        default=TimeKind.BUSINESS,
        help_text=_("Also how long a pause was."),
    )
    calendar = models.ForeignKey(
        BusinessCalendar,
        verbose_name=_("calendar"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="policies",
        help_text=_("Required for working time."),
    )
    calendar_of = models.CharField(
        _("whose working time"), max_length=10, choices=CalendarOf.choices, default=CalendarOf.POLICY
    )
    pauses = models.BooleanField(
        _("a question stops the clock"), default=True, help_text=_("Until the information is supplied.")
    )
    on_acknowledge = models.CharField(
        _("when somebody acknowledges"), max_length=10, choices=OnAcknowledge.choices, default=OnAcknowledge.GOES_ON
    )
    hold_minutes = models.PositiveIntegerField(
        _("minutes without notifications"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)],
    )
    fallback = models.ForeignKey(
        Recipient,
        verbose_name=_("fallback owner"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text=_("Notified when a step reaches nobody."),
    )
    route = models.OneToOneField(
        Route,
        verbose_name=_("rule"),
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="policy",
    )
    """The route of the rule that this policy is part of. The page of rules saves both together."""

    history = HistoryWithParts(parts=["conditions", "steps"])

    class Meta:
        verbose_name = _("SLA policy")
        verbose_name_plural = _("SLA policies")
        ordering = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class PolicyCondition(Condition):
    """A condition of a policy. All of them must hold for the task."""

    policy = models.ForeignKey(Policy, verbose_name=_("policy"), on_delete=models.CASCADE, related_name="conditions")


STEP_KINDS: dict[str, Any] = {}
"""The kinds of steps. escalations/kinds/__init__.py fills the dict, because models cannot import that package."""


def step_kinds() -> list[tuple[str, Any]]:
    """Return name and label of each kind. Never rename it: a migration refers to it, so new kinds need none."""
    return [(name, kind.label) for name, kind in STEP_KINDS.items()]


class StepTarget(models.TextChoices):
    ASSIGNEE = "assignee", _("the assignee")
    CANDIDATES = "candidates", _("the candidates")
    TASK_TEAMS = "task_teams", _("the members of the task's teams")
    TEAM = "team", _("the members of a team")
    TEAM_LEAD = "team_lead", _("the lead of the task's, the assignee's or the named team")
    MANAGER = "manager", _("the assignee's manager")
    PERSON = "person", _("a named person")


def step_targets() -> list[tuple[str, Any]]:
    """Return value and label of each target, those of features too. Never rename it: a migration refers to it."""
    return [*StepTarget.choices, *((kind.value, kind.label) for kind in feature_targets().values())]


class PolicyStep(models.Model):
    """A step of a policy: its minutes before (less than 0) or after the due date, its action and its repetition."""

    policy = models.ForeignKey(Policy, verbose_name=_("policy"), on_delete=models.CASCADE, related_name="steps")
    kind = models.CharField(_("what"), max_length=20, choices=step_kinds, default="notify")
    offset = models.IntegerField(
        _("minutes after due"),
        default=0,
        validators=[MinValueValidator(-MOST_MINUTES), MaxValueValidator(MOST_MINUTES)],
        help_text=_("Less than 0: before."),
    )
    time = models.CharField(_("counted in"), max_length=10, choices=TimeKind.choices, default=TimeKind.BUSINESS)
    repeat_every = models.PositiveIntegerField(
        _("again every … minutes"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_MINUTES)],
    )
    repeats = models.PositiveIntegerField(_("times again"), default=0, validators=[MaxValueValidator(MOST_REPEATS)])
    target = models.CharField(_("recipient"), max_length=20, choices=step_targets, blank=True)
    level = models.PositiveIntegerField(
        _("level"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(MOST_LEVELS)],
        help_text=_("1: the manager, 2: the manager's manager …"),
    )
    team = models.ForeignKey(Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE)
    person = models.ForeignKey(
        Recipient, verbose_name=_("person"), null=True, blank=True, on_delete=models.CASCADE, related_name="+"
    )
    ref = RefField(kind_field="target")
    template = models.ForeignKey(
        Template, verbose_name=_("template"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    category = models.ForeignKey(
        Category, verbose_name=_("category"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    channels = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("channels"),
        default=list,
        blank=True,
        help_text=_("Empty: those of the category."),
    )
    critical = models.BooleanField(_("critical"), default=False, help_text=_("Ignores quiet hours."))
    priority = models.CharField(_("priority"), max_length=10, choices=Priority.choices, blank=True)

    class Meta:
        verbose_name = _("step")
        verbose_name_plural = _("steps")
        ordering = ["offset", "pk"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.offset:+}"
