"""Rules that would send approvals to their own editor wait, disabled, until somebody else enables them.

Otherwise, users who may change rules but not people could send any approval to themselves. A rule that was enabled and
named its editor before goes on. Users who may change people are exempt: they could decide as anybody.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.apps import apps
from django.contrib import messages
from django.contrib.auth.models import User
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.additions import RuleModel
from notifications.admin.desk.base import HistoryAdmin
from notifications.admin.desk.decorators import action
from notifications.cases.locking import TYPES_THAT_ASK
from notifications.feature_targets import feature_targets
from notifications.fixed_rows import why_fixed
from notifications.models import CaseList, Recipient, Route, TargetKind
from notifications.types import behaviour_of
from wfpush import features

NAMED_BY_ENGINE = (TargetKind.ASSIGNEE, TargetKind.CANDIDATES, TargetKind.TASK_TEAMS, TargetKind.RECIPIENTS)
"""Targets to whom the engine itself gives the task or the message. Anybody can become a target of the other kinds, such
as who started a case, its customer, its followers, and people named in its data."""


@dataclass(frozen=True)
class RuleTargets:
    """A rule's targets (pairs of a kind and the row with `team`, `person` and `ref`), and the events it applies to."""

    targets: Iterable[tuple[str, Any]]
    subject: Hashable


@dataclass(frozen=True)
class RuleState:
    """The state of a rule before or after an edit."""

    enabled: bool
    names_editor: bool
    subject: Hashable


def rule_state(user: Any, rule: Any) -> RuleState | None:
    """Return the rule's state. None for new rules, and for users who may edit people or have no person."""
    person = _person_of(user)
    if person is None or rule is None or rule.pk is None:
        return None
    reading = _readers()[type(rule)](rule)
    names_editor = any(_targets_person(kind, row, person) for kind, row in reading.targets)
    return RuleState(rule.enabled, names_editor, reading.subject)


def must_wait(user: Any, rule: Any, before: RuleState | None) -> bool:
    """Return whether the rule, as it is saved and enabled, needs another person's consent."""
    now = rule_state(user, rule)
    if now is None or not now.names_editor:
        return False
    return before is None or not (before.enabled and before.names_editor and before.subject == now.subject)


def hold(desk: Any, request: HttpRequest, rule: Any, before: RuleState | None) -> bool:
    """Disable a rule that was just saved, if it must wait. Return whether it must."""
    if not rule.enabled or not must_wait(request.user, rule, before):
        return False
    rule.enabled = False
    rule.save()
    desk.log(request, rule, "Waits for a second person")
    say_that_it_waits(desk, request, rule)
    return True


def say_that_it_waits(desk: Any, request: HttpRequest, rule: Any) -> None:
    text = gettext("“%(rule)s” would send approvals to you, so it stays disabled until somebody else enables it.")
    desk.message_user(request, text % {"rule": rule}, messages.WARNING)


def _person_of(user: User) -> Recipient | None:
    if user.is_superuser or user.has_perm("notifications.change_recipient"):
        return None
    return Recipient.objects.filter(user=user).first()


def _targets_person(kind: str, row: Any, person: Recipient) -> bool:
    if kind == TargetKind.PERSON:
        return bool(row.person_id == person.pk)
    if kind == TargetKind.TEAM:
        return row.team is not None and row.team.members.filter(pk=person.pk).exists()
    if kind == TargetKind.TEAM_LEAD:
        return bool(row.team.lead_id == person.pk) if row.team is not None else person.leads.exists()
    if kind == TargetKind.MANAGER:
        return Recipient.objects.filter(manager=person).exists()
    if kind in feature_targets():
        return feature_targets()[kind].may_be(row.ref, person.pk)
    if kind == TargetKind.CASE_LIST:
        return CaseList.objects.filter(Q(people=person) | Q(teams__members=person)).exists()
    return kind not in NAMED_BY_ENGINE


def newly_listed(user: Any, row: CaseList | None, people: Iterable[Recipient], teams: Iterable[Any]) -> bool:
    """Return whether a list for cases would newly name its editor: it cannot wait disabled, so it is refused."""
    person = _person_of(user)
    if person is None:
        return False
    now = set(row.teams.values_list("pk", flat=True)) if row is not None and row.pk else set()
    is_listed = row is not None and row.pk is not None and row.people.filter(pk=person.pk).exists()
    teams = [team for team in teams if team.pk not in now]
    return (person in people and not is_listed) or any(team.members.filter(pk=person.pk).exists() for team in teams)


def not_yourself() -> str:
    return gettext("Only somebody else may add you, or your team, to a list for cases.")


def _read_route(route: Route) -> RuleTargets:
    types = sorted(route.event_types.values_list("name", flat=True))
    conditions = sorted(route.conditions.values_list("path", "operator", "value"))
    asks = not types or any(behaviour_of(name) in TYPES_THAT_ASK for name in types)
    targets = route.targets.select_related("team") if asks else ()
    return RuleTargets([(row.kind, row) for row in targets], (route.engine_id, tuple(types), tuple(conditions)))


@cache
def _readers() -> Mapping[type[Model], Callable[[Any], RuleTargets]]:
    """Return functions that read a rule, by its model."""
    added = {apps.get_model(each.model): import_string(each.read) for each in features.added(RuleModel)}
    return {Route: _read_route, **added}


# --- lists of rules ---------------------------------------------------------------------------------------------------
class RuleAdmin(HistoryAdmin):
    """A list of rules that can be enabled and disabled."""

    actions = ["enable", "disable"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        stored = self.model._default_manager.filter(pk=obj.pk).first()
        request.rule_before = rule_state(request.user, stored)  # type: ignore[attr-defined]  # for `save_related`
        super().save_model(request, obj, form, change)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        rule = self.model._default_manager.get(pk=form.instance.pk)  # reload it: its parts were just saved
        if hold(self, request, rule, request.rule_before):  # type: ignore[attr-defined]
            form.instance.enabled = False

    @action(description=_("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._switch(request, queryset, True)

    @action(description=_("Disable"), permissions=["change"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._switch(request, queryset, False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Any], enabled: bool) -> None:
        rules = self.model._default_manager.filter(pk__in=queryset.values("pk")).exclude(enabled=enabled)
        changed = []
        for rule in rules:
            if enabled and must_wait(request.user, rule, None):
                say_that_it_waits(self, request, rule)
                continue
            if sentence := why_fixed(rule):
                self.message_user(request, f"“{rule}”: {sentence}", messages.WARNING)
                continue
            rule.enabled = enabled
            rule.save()  # one by one, so that each has a history
            self.log(request, rule, "Enabled" if enabled else "Disabled")
            changed.append(rule)
        text = gettext("%(done)d enabled.") if enabled else gettext("%(done)d disabled.")
        self.message_user(request, text % {"done": len(changed)})
