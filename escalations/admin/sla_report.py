"""The SLA report on one page: late tasks, the time left for the others, and the share that was on time. The filters of
the list of clocks use the same conditions."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import partial
from typing import Any

from django import forms
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language, gettext, pgettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from escalations import compliance
from escalations.admin.timeline import RESULT_TONES
from escalations.compliance import Choice, OpenClocks, Share
from escalations.kinds.base import StepDescription
from escalations.kinds.wording import of_rules, what
from escalations.models import Escalation, EscalationState, Policy, StepRun
from escalations.policies.rules import rules_of
from notifications import reasons
from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import (
    NOTHING,
    ago,
    change_url,
    link,
    list_url,
    mark,
    percent_of,
    shortened,
    span,
)
from notifications.admin.desk.filters import Conditions
from notifications.admin.desk.overview import ROWS, Panel, Row, may_see
from notifications.admin.ledger import tasks
from notifications.models import Recipient, Task, Team
from notifications.wording.formats import locale_of, number

NAME = "admin:escalations_escalation_sla"
PERMISSIONS = ("escalations.view_escalation",)
SHOWN = 20
"""The number of late tasks shown."""
NO_WORDS = SafeString("")
FOLDED = 10
"""The number of policies or teams shown at once; the others are one click away."""
TIME_LEFT: dict[str, Any] = {
    "1h": _("within 1 h"),
    "4h": _("in 1 to 4 h"),
    "1d": _("in 4 to 24 h"),
    "3d": _("in 1 to 3 days"),
    "later": _("later"),
    "paused": _("paused, on time so far"),
}
"""Labels of the clocks under way that are not late, by their names in compliance.by_time_left."""


MayOpen = Callable[[type[Model]], bool]
"""Whether the reader may open pages of a model's rows."""


class ChoiceForm(forms.Form):
    policy = forms.ModelChoiceField(
        Policy.objects.all(),
        label=_("SLA policy"),
        required=False,
        empty_label=_("all"),
        widget=UnfoldAdminSelectWidget,
    )
    team = forms.ModelChoiceField(
        Team.objects.all(),
        label=_("Team"),
        required=False,
        empty_label=_("all"),
        widget=UnfoldAdminSelectWidget,
    )

    def choice(self) -> Choice:
        """Return the chosen policy and team. Invalid values choose all clocks; the form shows the error."""
        self.is_valid()
        return Choice(self.cleaned_data.get("policy"), self.cleaned_data.get("team"))


# --- filters of the list of clocks ------------------------------------------------------------------------------------
class TimeLeft(Conditions):
    title = _("time left")
    parameter_name = "left"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        conditions = compliance.by_time_left(timezone.now())
        return {name: (words, conditions[name]) for name, words in TIME_LEFT.items()}


class OfTeam(tasks.OfTeam):
    def condition(self, team: Team) -> Q:
        return compliance.of_team(team)


# --- the page ---------------------------------------------------------------------------------------------------------
def sla_page(desk: DeskAdmin, request: HttpRequest) -> HttpResponse:
    """Show the report for `?policy=` and `?team=`. Weeks and times are in the reader's time zone."""
    form, now = ChoiceForm(request.GET), timezone.now()
    choice = form.choice()
    context = {
        **decided(now, timezone.get_current_timezone(), choice),
        **under_way(now, choice, partial(may_see, request)),
    }
    return desk.page(request, "admin/desk/sla.html", gettext("SLA overview"), form=form, choice=choice, **context)


# --- decided clocks ---------------------------------------------------------------------------------------------------
def decided(now: datetime, zone: tzinfo, choice: Choice) -> dict[str, Any]:
    statistics = compliance.compliance(now, zone, choice)
    weeks = as_weeks(statistics.weeks)
    return {
        "total": statistics.total,
        "percent": percent(statistics.total),
        "counted": counted(statistics.total),
        "weeks": weeks,
        "this_week": weeks[-1],
        "last_week": weeks[-2],
        "week_count": compliance.WEEKS,
        "by_policy": named_shares(Policy, statistics.policies, gettext("a policy that is gone")),
        "by_team": named_shares(Team, statistics.teams, gettext("no team")),
    }


def as_weeks(shares: Mapping[date, Share]) -> list[dict[str, Any]]:
    """Return the weeks for the template. `height`: percent of the week with the most clocks."""
    most = max(share.total for share in shares.values()) or 1
    return [
        {
            "short": date_format(monday, pgettext("the first day of a week, short", "j M")),
            "words": date_format(monday, "DATE_FORMAT"),
            "share": share,
            "percent": percent(share),
            "counted": counted(share),
            "height": percent_of(share.total, most),
        }
        for monday, share in shares.items()
    ]


def named_shares(model: type[Model], shares: Mapping[int | None, Share], nobodys: str) -> tuple[list[Any], list[Any]]:
    """Return the shares of policies or teams, the worst first: those that are shown at once, and the others."""
    rows = model._default_manager.in_bulk([pk for pk in shares if pk is not None])
    lines: list[dict[str, Any]] = [
        {
            "name": str(rows[pk]) if pk in rows else nobodys,
            "href": change_url(rows[pk]) if pk in rows else "",
            "share": share,
            "percent": percent(share),
        }
        for pk, share in shares.items()
    ]
    lines.sort(key=lambda line: (line["share"].percent or 0, -line["share"].late, line["name"]))
    return lines[:FOLDED], lines[FOLDED:]


def counted(share: Share) -> str:
    if not share.total:
        return gettext("no tasks")
    return gettext("%(on_time)s on time, %(late)s late") % {
        "on_time": shown(share.on_time, False), "late": shown(share.late, False)
    }  # fmt: skip


def percent(share: Share) -> str:
    return "–" if share.percent is None else gettext("%(percent)d%%") % {"percent": share.percent}


# --- clocks under way -------------------------------------------------------------------------------------------------
def under_way(now: datetime, choice: Choice, may_open: MayOpen) -> dict[str, Any]:
    open_clocks = compliance.under_way(now, choice)
    late, in_time = open_clocks.counts["late"], bars(open_clocks, choice)
    return {
        "late": shown(late, "late" in open_clocks.at_least),
        "late_href": late_address(choice),
        "late_count": late,
        "board": board(compliance.most_overdue(now, choice, SHOWN), now, may_open),
        "more": late > SHOWN,
        "bars": in_time,
        "anything": any(bar["width"] for bar in in_time),
    }


def bars(open_clocks: OpenClocks, choice: Choice) -> list[dict[str, Any]]:
    """Return the numbers of clocks that are not late, by time left. `width`: percent of the longest bar."""
    in_time = {name: count for name, count in open_clocks.counts.items() if name != "late"}
    most = max(in_time.values()) or 1
    return [
        {
            "words": str(TIME_LEFT[name]),
            "count": shown(count, name in open_clocks.at_least),
            "href": address(choice, left=name),
            "width": percent_of(count, most),
            "tone": {"1h": "wait", "paused": "quiet"}.get(name, "ok"),
        }
        for name, count in in_time.items()
    ]


def address(choice: Choice, **query: str) -> str:
    """Return the address of the list of clocks with this choice."""
    chosen: dict[str, Any] = {**query}
    if choice.policy is not None:
        chosen["policy__id__exact"] = choice.policy.pk
    if choice.team is not None:
        chosen["team"] = choice.team.pk
    return list_url(Escalation, "&".join(f"{name}={value}" for name, value in chosen.items()))


def late_address(choice: Choice) -> str:
    """Return the address of the list of the late tasks; of a policy, of their clocks, which are as many."""
    if choice.policy is not None:
        return address(choice, now="late")
    return list_url(Task, f"now=late&team={choice.team.pk}" if choice.team is not None else "now=late")


def shown(count: int, at_least: bool) -> str:
    words = number(Decimal(count), locale_of(get_language() or "en"))
    return f"{words}+" if at_least else words


# --- late tasks: delay, owner, last notification, next step -----------------------------------------------------------
def board(overdue: QuerySet[Task], now: datetime, may_open: MayOpen) -> list[dict[str, Any]]:
    """Return the lines that `admin/desk/sla_board.html` shows. Only rows that the reader may open are links."""
    late = list(overdue.select_related("assignee").prefetch_related("teams", "candidates"))
    clocks = {each.rules_id: each for task in late for each in _clocks(task)}
    words = {rules: of_rules(rules_of(each)) for rules, each in clocks.items()}
    return [_row(each, words, now, may_open) for each in late]


def panel(now: datetime) -> Panel:
    """The panel on the desk's first page."""
    first = compliance.most_overdue(now, Choice(), ROWS).select_related("assignee")
    rows = [
        Row(
            _red_text(span(_overdue(each, now))),
            shortened(each),
            " · ".join(filter(None, [_names_of(each), *map(_policy, _clocks(each))])),
            change_url(each),
        )
        for each in first.prefetch_related("teams", "candidates")
    ]
    return Panel(gettext("Late now, the most overdue first"), reverse(NAME), gettext("Nothing is late."), rows)


def _clocks(task: Task) -> list[Escalation]:
    """Return the task's clock as a list, which is empty if no policy keeps its time."""
    clocks: list[Escalation] = task.open_clocks  # type: ignore[attr-defined]  # prefetched by `most_overdue`
    return clocks


def _row(task: Task, words: dict[int, dict[int, StepDescription]], now: datetime, may_open: MayOpen) -> dict[str, Any]:
    clock, names = next(iter(_clocks(task)), None), _names_of(task)
    runs = list(clock.runs.all()) if clock is not None else []
    owner = shortened(names, 60) if names else mark("bad", gettext("nobody's"))
    done = {(run.step, run.number) for run in runs}
    no_policy = format_html('<span class="desk-quiet">{}</span>', gettext("no SLA policy"))
    return {
        "late_by": _red_text(gettext("late by %(span)s") % {"span": span(_overdue(task, now))}),
        "task": link(task) if may_open(Task) else str(task),
        "owner": link(task.assignee) if task.assignee is not None and may_open(Recipient) else owner,
        "policy": link(clock, _policy(clock)) if clock is not None else no_policy,
        "notified": _notified(runs),
        "ahead": _next_step(clock, words[clock.rules_id], done, now) if clock is not None else (NOTHING, NO_WORDS),
    }


def _overdue(task: Task, now: datetime) -> timedelta:
    """Return the time since the deadline; for a paused clock, up to its pause."""
    paused = (each.paused_at for each in _clocks(task) if each.state == EscalationState.PAUSED)
    return (next(paused, None) or now) - (task.deadline or now)


def _red_text(words: str) -> SafeString:
    return format_html('<span class="desk-tone-bad">{}</span>', words)


def _policy(clock: Escalation) -> str:
    return str(clock.policy or gettext("a policy that is gone"))


def _names_of(task: Task) -> str:
    """Return the assignee; if there is none, teams and candidates."""
    if task.assignee is not None:
        return str(task.assignee)
    return ", ".join([*map(str, task.teams.all()), *map(str, task.candidates.all())])


def _notified(runs: Sequence[StepRun]) -> tuple[SafeString, SafeString, SafeString]:
    """Return who was notified last, when, and an empty text. If the last step notified nobody: its result, time,
    reason."""
    last = max(runs, key=_when, default=None)
    if last is not None and RESULT_TONES[last.result] == "bad":
        return (
            mark("bad", last.get_result_display()),
            ago(last.ran_at),
            shortened(reasons.words(last, "why"), 120) if last.why else NO_WORDS,
        )
    latest = max((run for run in runs if run.told), key=_when, default=None)
    if latest is None:
        return mark("quiet", gettext("nobody yet")), NO_WORDS, NO_WORDS
    names = dict.fromkeys(each["name"] for each in latest.told)
    return shortened(", ".join(names), 60), ago(latest.ran_at), NO_WORDS


def _when(run: StepRun) -> tuple[datetime, int]:
    return run.ran_at, run.pk


def _next_step(
    clock: Escalation, words: dict[int, StepDescription], taken: set[tuple[int, int]], now: datetime
) -> tuple[SafeString, SafeString]:
    """Return the next step as text, and its time."""
    if clock.state == EscalationState.PAUSED:
        return mark("wait", gettext("the answer to a question, before anybody is notified")), NO_WORDS
    if clock.state == EscalationState.STOPPED:
        return mark("quiet", gettext("acknowledged: no more notifications")), NO_WORDS
    step = next((each for each in rules_of(clock).occurrences(clock.deadline) if each.key not in taken), None)
    if step is None:
        return mark("bad", gettext("nothing more: all steps are taken")), NO_WORDS
    at, description = max(step.at, clock.held_until or step.at), words.get(step.step.id)
    text = shortened(what(description), 90) if description else NOTHING
    return text, ago(at) if at > now else shortened(gettext("due now"))
