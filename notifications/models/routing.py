"""Categories, event types, routes (which event reaches whom, with which template), and lists of people for cases."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Value
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from notifications.channel_facts import channels_from_start
from notifications.feature_targets import RefField, feature_targets, named_row, not_installed
from notifications.models.engines import Engine
from notifications.models.history import HistoryWithParts
from notifications.models.people import Brand, Recipient, Team
from notifications.models.templates import Template
from notifications.models.validators import PATH, may_be_declared

VARIABLES = "variables."
"""Prefix of the paths of variables that an answer may set."""


MOST_ROLE = 60
"""Maximum number of characters of a role's name."""


def default_channels() -> list[str]:
    return channels_from_start()


class Frequency(models.TextChoices):
    """The frequency of messages for which nobody waits: they ask for no answer, and are neither urgent nor high."""

    AT_ONCE = "at_once", _("at once")
    DIGEST = "digest", _("in a digest, at set times")
    REPEATS = "repeats", _("the first at once, repeats in a digest")


class Category(models.Model):
    """The subject area of a message, for people: approvals, field work … Its channels are tried in order."""

    slug = models.SlugField(_("slug"), unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=80)
    names: Any = models.JSONField(
        _("names in other languages"),
        default=dict,
        db_default=Value({}, models.JSONField()),
        blank=True,
    )
    """Language to name."""
    name_de = models.CharField(max_length=80, default="", db_default="", blank=True, editable=False)
    """`names["de"]`, for processes of version 0.2.0 that run during an upgrade; nothing here reads it."""
    channels = ArrayField(models.CharField(max_length=20), verbose_name=_("channels"), default=default_channels)
    mandatory = ArrayField(
        models.CharField(max_length=20),
        verbose_name=_("required channels"),
        default=list,
        db_default=Value([], ArrayField(models.CharField(max_length=20))),
        blank=True,
        help_text=_("Channels that nobody can turn off for themselves."),
    )
    mandatory_reason = models.CharField(
        _("why"), max_length=200, default="", db_default="", blank=True, help_text=_("Shown to people.")
    )
    frequency = models.CharField(
        _("how often"),
        max_length=10,
        choices=Frequency.choices,
        default=Frequency.AT_ONCE,
        db_default=Frequency.AT_ONCE,
        help_text=_("For messages that need no answer. People can change it."),
    )
    position = models.PositiveIntegerField(_("position"), default=0)

    history = HistoricalRecords()

    class Meta:
        verbose_name = _("category")
        verbose_name_plural = _("categories")
        ordering = ["position", "slug"]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.name_de = self.names.get("de", "")
        super().save(*args, **kwargs)

    def name_in(self, language: str) -> str:
        """Return the name in the language, or in the language's base (de-AT: de); else the default name."""
        tag = language.replace("_", "-").lower()
        return self.names.get(tag) or self.names.get(tag.partition("-")[0]) or self.name


class EventType(models.Model):
    """A kind of event, with the variables its templates may use and a sample to preview them on."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    description = models.CharField(_("description"), max_length=300, blank=True)
    sample: Any = models.JSONField(_("sample"), default=dict, blank=True, help_text=_("The data of one such event."))

    history = HistoryWithParts(parts=["variables"])

    class Meta:
        verbose_name = _("event type")
        verbose_name_plural = _("event types")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EventVariable(models.Model):
    event_type = models.ForeignKey(
        EventType, verbose_name=_("event type"), on_delete=models.CASCADE, related_name="variables"
    )
    path = models.CharField(_("path"), max_length=150, validators=[PATH])
    label = models.CharField(_("label"), max_length=120, blank=True)
    sensitive = models.BooleanField(_("sensitive"), default=False, help_text=_("Never shown on a lock screen."))
    settable = models.BooleanField(
        _("people may set it"),
        default=False,
        db_default=False,
        help_text=_("With their answer; only values below “variables”."),
    )

    class Meta:
        verbose_name = _("event variable")
        verbose_name_plural = _("event variables")
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["event_type", "path"], name="one_variable_a_path")]

    def __str__(self) -> str:
        return self.path

    def clean(self) -> None:
        """Check the names of variables that people may set: the engine gets them."""
        name = self.path.removeprefix(VARIABLES)
        if self.settable and (name == self.path or not may_be_declared(name)):
            text = _("People can set “variables.name”, one name after “variables”, and none that begins with wfpush_.")
            raise ValidationError({"settable": text})


class Route(models.Model):
    """A route: events of its types that meet all conditions are sent to its targets, with its template.

    Routes are tried by priority, smallest first; all that match apply, until one of them stops the search.
    """

    name = models.CharField(_("name"), max_length=120, unique=True)
    enabled = models.BooleanField(_("enabled"), default=True)
    priority = models.IntegerField(_("position"), default=100, help_text=_("Smaller numbers are tried first."))
    stop = models.BooleanField(
        _("stop here"), default=False, help_text=_("When this rule matches, later ones are not tried.")
    )
    event_types = models.ManyToManyField(
        EventType, verbose_name=_("event types"), blank=True, related_name="routes", help_text=_("None: every type.")
    )
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        help_text=_("Empty: every engine."),
    )
    category = models.ForeignKey(Category, verbose_name=_("category"), on_delete=models.PROTECT, related_name="routes")
    template = models.ForeignKey(Template, verbose_name=_("template"), on_delete=models.PROTECT, related_name="routes")
    brand = models.ForeignKey(
        Brand,
        verbose_name=_("brand"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        help_text=_("Empty: the person's own."),
    )
    answer_from_email = models.BooleanField(
        _("answer from the e-mail"),
        default=False,
        help_text=_("Final answers work from the e-mail's link without signing in."),
    )
    answer_from_push = models.BooleanField(
        _("answer from the lock screen"),
        default=True,
        help_text=_("While this is off, buttons of browser and app notifications open the item instead of answering."),
    )

    history = HistoryWithParts(parts=["conditions", "targets"], m2m_fields=[event_types])

    class Meta:
        verbose_name = _("rule")
        verbose_name_plural = _("rules")
        ordering = ["priority", "name"]

    def __str__(self) -> str:
        return self.name


class Operator(models.TextChoices):
    EQUALS = "eq", _("is")
    NOT_EQUALS = "ne", _("is not")
    ONE_OF = "in", _("is one of")
    CONTAINS = "contains", _("contains")
    STARTS_WITH = "starts", _("starts with")
    GREATER = "gt", _("is more than")
    GREATER_OR_EQUAL = "ge", _("is at least")
    LESS = "lt", _("is less than")
    LESS_OR_EQUAL = "le", _("is at most")
    EXISTS = "exists", _("is present")
    MISSING = "missing", _("is missing")


class Condition(models.Model):
    """A condition. `path` is looked up in the event's data and in `event` (type, source …)."""

    path = models.CharField(_("path"), max_length=150, validators=[PATH])
    operator = models.CharField(_("operator"), max_length=10, choices=Operator.choices, default=Operator.EQUALS)
    value = models.CharField(
        _("value"), max_length=300, blank=True, help_text=_("For “is one of”: separated by commas.")
    )

    class Meta:
        abstract = True
        verbose_name = _("condition")
        verbose_name_plural = _("conditions")
        ordering = ["pk"]

    def __str__(self) -> str:
        operator = Operator(self.operator).label  # get_operator_display hashes all choices, for each event
        return f"{self.path} {operator} {self.value}".strip()


class RouteCondition(Condition):
    """A condition of a route. All of them must hold."""

    route = models.ForeignKey(Route, verbose_name=_("rule"), on_delete=models.CASCADE, related_name="conditions")


class TargetKind(models.TextChoices):
    ASSIGNEE = "assignee", _("the task's assignee")
    CANDIDATES = "candidates", _("the task's candidates")
    TASK_TEAMS = "task_teams", _("the members of the event's teams")
    TEAM = "team", _("the members of a team")
    TEAM_LEAD = "team_lead", _("the lead of the event's team, or of the named team")
    MANAGER = "manager", _("the assignee's manager")
    INITIATOR = "initiator", _("who started it")
    FOLLOWERS = "followers", _("the case's followers")
    ROLE = "role", _("who has a role in the case")
    CASE_LIST = "case_list", _("the list for cases of this type")
    RECIPIENTS = "recipients", _("the event's recipients")
    PERSON = "person", _("a named person")
    CUSTOMER = "customer", _("the customer")
    PATH = "path", _("the person found at a path in the event")


def target_kinds() -> list[tuple[str, Any]]:
    """Return value and label of each kind, those of features too. Never rename it: a migration refers to it, so
    features need none."""
    return [*TargetKind.choices, *((kind.value, kind.label) for kind in feature_targets().values())]


class RouteTarget(models.Model):
    route = models.ForeignKey(Route, verbose_name=_("rule"), on_delete=models.CASCADE, related_name="targets")
    kind = models.CharField(_("kind"), max_length=20, choices=target_kinds)
    team = models.ForeignKey(Team, verbose_name=_("team"), null=True, blank=True, on_delete=models.CASCADE)
    person = models.ForeignKey(Recipient, verbose_name=_("person"), null=True, blank=True, on_delete=models.CASCADE)
    ref = RefField(kind_field="kind")
    path = models.CharField(_("path"), max_length=150, blank=True, validators=[PATH])
    role = models.CharField(
        _("role"),
        max_length=MOST_ROLE,
        blank=True,
        default="",
        db_default="",
        help_text=_("As events name it in “case.roles”, such as requester."),
    )

    class Meta:
        verbose_name = _("target")
        verbose_name_plural = _("targets")
        ordering = ["pk"]

    def __str__(self) -> str:
        if self.kind == TargetKind.TEAM and self.team:
            return gettext("the members of %(team)s") % {"team": self.team}
        kind = self.get_kind_display() if self.is_installed else not_installed()
        return f"{kind} {self.named or self.path or self.role}".strip()

    @property
    def is_installed(self) -> bool:
        return self.kind in TargetKind.values or self.kind in feature_targets()

    @property
    def named(self) -> models.Model | None:
        """The row that the target names, if its kind names one."""
        return self.team or self.person or named_row(self.kind, self.ref)


class CaseList(models.Model):
    """The people who are notified of cases of one type. A list for every engine counts beside those for one."""

    case_type = models.CharField(
        _("kind of case"), max_length=100, help_text=_("As events name it in “case.type”, such as repair.")
    )
    engine = models.ForeignKey(
        Engine,
        verbose_name=_("engine"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text=_("Empty: every engine."),
    )
    people = models.ManyToManyField(Recipient, verbose_name=_("people"), blank=True, related_name="case_lists")
    teams = models.ManyToManyField(Team, verbose_name=_("teams"), blank=True, related_name="case_lists")

    history = HistoricalRecords(m2m_fields=[people, teams])

    class Meta:
        verbose_name = _("list for cases")
        verbose_name_plural = _("lists for cases")
        ordering = ["case_type", "engine"]
        constraints = [
            models.UniqueConstraint(fields=["engine", "case_type"], name="one_list_a_case_type", nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return f"{self.case_type} · {self.engine}" if self.engine else self.case_type
