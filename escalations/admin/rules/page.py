"""The page of a new rule or of an existing route, below the list of routes."""

import json
from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from escalations.admin import dead_ends
from escalations.admin.policy_change import following
from escalations.admin.rules.answer import Answer, build_answer
from escalations.admin.rules.bundle import RuleForms, policy_of
from escalations.admin.rules.chip_words import as_json
from escalations.admin.rules.forms import people_like, texts_of
from escalations.admin.rules.saving import CannotSave, ChangedMeanwhile, must_be_as_seen, save, stamp_of
from escalations.admin.rules.sentence import Sentence
from escalations.clocks import policy_reload
from escalations.models import Policy
from notifications.admin.desk.decorators import action
from notifications.admin.desk.display import change_url
from notifications.admin.rules import second_person
from notifications.admin.rules.routing import RouteAdmin, doubts_about
from notifications.admin.rules.second_person import RuleState
from notifications.fixed_rows import why_fixed
from notifications.models import Route, Template
from notifications.types import Json

NAME = "admin:notifications_route_new_rule"
ROUTE_PARTS, POLICY_PARTS = ("routecondition", "routetarget"), ("policycondition", "policystep")
SAVING = (
    *(f"notifications.{verb}_{part}" for part in ROUTE_PARTS for verb in ("add", "change", "delete")),
    *(f"escalations.{verb}_{part}" for part in POLICY_PARTS for verb in ("add", "change", "delete")),
    "escalations.add_policy",
    "escalations.change_policy",
    "notifications.view_recipient",
    "notifications.view_template",
)
"""Permissions for the rows that a rule writes besides its route, and for the choices of the page."""
PERMISSIONS = ("notifications.add_route", *SAVING)
EDITING = ("notifications.change_route", *SAVING)
WORDING = (
    "notifications.add_template",
    "notifications.change_template",
    *(f"notifications.{verb}_templateversion" for verb in ("add", "change")),
    *(f"notifications.{verb}_templatetext" for verb in ("add", "change", "delete")),
)
"""Permissions that publishing texts on the template's own page takes."""
PARTS = ("problems", "when", "who", "order", "words", "late", "try")
ANSWER, PUBLISH, MORE = "_answer", "_publish", "_more"


class RuleRouteAdmin(RouteAdmin):
    """The admin pages of routes, with a page that shows and saves a route, its texts and its policy together."""

    actions_list = ["new_rule", *RouteAdmin.actions_list]
    actions_detail = ["rule", *RouteAdmin.actions_detail]

    def has_new_rule_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perms(PERMISSIONS)

    def has_rule_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perms(EDITING)

    @action(description=_("New rule"), url_path="new-rule", permissions=["new_rule"], icon="add")
    def new_rule(self, request: HttpRequest) -> HttpResponse:
        if not self.has_new_rule_permission(request):
            raise PermissionDenied
        return self._rule_page(request, Route())

    @action(description=_("Edit as a sentence"), url_path="rule", permissions=["rule"], icon="alt_route")
    def rule(self, request: HttpRequest, object_id: str) -> HttpResponse:
        route: Route = self.get_row(request, object_id)
        if not self.has_rule_permission(request):
            raise PermissionDenied
        if why_fixed(route):
            return HttpResponseRedirect(change_url(route))
        return self._rule_page(request, route)

    # --- the list ---------------------------------------------------------------------------------------------------
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Offer the page of a new rule alone, not the form of all settings, to users who may use it."""
        shown = {"has_add_permission": False} if self.has_new_rule_permission(request) else {}
        response: HttpResponse = super().changelist_view(request, {**(extra_context or {}), **shown})
        return response

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        changelist: type[ChangeList] = super().get_changelist(request, **kwargs)
        return _linking(changelist) if self.has_rule_permission(request) else changelist

    # --- the page ---------------------------------------------------------------------------------------------------
    def _rule_page(self, request: HttpRequest, route: Route) -> HttpResponse:
        if "people" in request.GET:
            return JsonResponse({"people": people_like(request.GET["people"])})
        if "texts_of" in request.GET:
            template_id = request.GET["texts_of"]
            template = Template.objects.filter(pk=template_id).first() if template_id.isdecimal() else None
            return JsonResponse({"texts": texts_of(template)})
        if request.method != "POST":
            return self._show(request, RuleForms(route), Answer())
        if ANSWER in request.POST:
            return self._answer_as_json(request, RuleForms(route, request.POST))
        if MORE in request.POST:
            rule = RuleForms(route, _with_another_row(request.POST))
            return self._show(request, rule, Answer(), request.POST.get("seen"))
        rule, seen = RuleForms(route, request.POST), request.POST.get("seen")
        if PUBLISH in request.POST:
            try:
                if (done := self._publish(request, rule)) is not None:
                    return done
            except CannotSave as refused:
                self.message_user(request, str(refused), messages.ERROR)
                seen = None if isinstance(refused, ChangedMeanwhile) else seen  # they read of the other change
        # The forms that were tried or refused hold rows that were rolled back.
        rule = RuleForms(Route.objects.filter(pk=route.pk).first() or Route(), request.POST)
        return self._show(request, rule, self._build_answer(request, rule), seen)

    def _build_answer(self, request: HttpRequest, rule: RuleForms) -> Answer:
        if rule.writes_words and not request.user.has_perms(WORDING):
            raise PermissionDenied
        may_read = request.user.has_perm("notifications.view_event")
        event = request.POST.get("event", "")
        return build_answer(rule, request.user, timezone.now(), event=event, may_read=may_read)

    def _answer_as_json(self, request: HttpRequest, rule: RuleForms) -> HttpResponse:
        """Return {"parts": part to HTML, "faults", "events", "event", "open_tasks"} for the page as it is filled in,
        with "insert_menu" if the rule has its own words. Writes nothing."""
        answer = self._build_answer(request, rule)
        parts = {
            part: render_to_string("admin/desk/rule_answer.html", {"found": answer, "part": part}, request)
            for part in PARTS
        }
        choices: Json = {"events": answer.events, "event": answer.event, "open_tasks": answer.open_tasks}
        if answer.variables is not None:
            menu = {"groups": [answer.variables], "plain": True}
            html = render_to_string("admin/desk/insert_menu.html", menu, request)
            choices["insert_menu"] = {"key": answer.event, "html": html}
        return JsonResponse({"parts": parts, "faults": list(rule.faults()), **choices})

    def _publish(self, request: HttpRequest, rule: RuleForms) -> HttpResponse | None:
        """Save everything, or nothing. Return None if a form is invalid; the forms have the errors. Raises
        CannotSave."""
        if not rule.is_valid():
            return None
        if rule.writes_words and not request.user.has_perms(WORDING):
            raise PermissionDenied
        now = timezone.now()
        with transaction.atomic():
            must_be_as_seen(rule, request.POST.get("seen", ""))
            stored = (
                Route.objects.filter(pk=rule.route.pk).first(),
                Policy.objects.filter(route=rule.route.pk or 0).first(),
            )
            before = [second_person.rule_state(request.user, each) for each in stored]
            route = save(rule, request.user, now)
            held = self._hold(request, route, before)
            policy = Policy.objects.filter(route=route, enabled=True).first()
            if rule.counts and policy is not None and rule.late.cleaned_data["follow"]:
                self.message_user(request, following(policy_reload.mark(policy, now)))
            self.log(request, route, "Published as a rule" if rule.is_new else "Changed as a rule")
        for sentence in (*doubts_about(route), *(dead_ends.warnings(policy) if policy is not None else ())):
            self.message_user(request, sentence, messages.WARNING)
        if not held:
            self.message_user(request, gettext("The rule “%(rule)s” is published.") % {"rule": route}, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:notifications_route_rule", args=[route.pk]))

    def _hold(self, request: HttpRequest, route: Route, before: Sequence[RuleState | None]) -> bool:
        """Whether the rule waits for a second person: its route and its policy do so together."""
        policy = Policy.objects.filter(route=route, enabled=True).first()
        rules: list[Any] = [route, policy] if policy is not None else [route]
        pairs = [(rule, seen) for rule, seen in zip(rules, before, strict=False) if rule.enabled]
        if not any(second_person.must_wait(request.user, rule, seen) for rule, seen in pairs):
            return False
        for rule in rules:
            rule.enabled = False
            rule.save()
        self.log(request, route, "Waits for a second person")
        second_person.say_that_it_waits(self, request, route)
        return True

    def _show(self, request: HttpRequest, rule: RuleForms, answer: Answer, seen: str | None = None) -> HttpResponse:
        """Return the page. `seen`: the stamp at which the page showed the rule before; None: its present stamp."""
        may_word = request.user.has_perms(WORDING)
        sentence = Sentence(rule, may_word)
        context = {
            "rule": rule,
            "found": answer,
            "route": None if rule.is_new else rule.route,
            "policy": None if rule.is_new else policy_of(rule.route),
            "seen": stamp_of(rule) if seen is None else seen,
            "sentence": sentence,
            "words": json.dumps(as_json(sentence.patterns)),
            "parts": PARTS[:-1],
            "may_word": may_word,
            "faults": list(rule.faults()) if rule.rule.is_bound else [],
        }
        title = gettext("New rule") if rule.is_new else str(rule.route)
        return self.page(request, "admin/desk/rule.html", title, **context)


def _linking(changelist: Any) -> Any:
    """Return the list with links to the sentences of its rules."""

    class RuleList(changelist):
        def url_for_result(self, result: Route) -> str:
            return reverse("admin:notifications_route_rule", args=[result.pk])

    return RuleList


def _with_another_row(posted: QueryDict) -> QueryDict:
    """Return the posted form with one more row of a kind, for pages without JavaScript."""
    data = posted.copy()
    total = f"{posted[MORE]}-TOTAL_FORMS"
    rows = str(data.get(total, ""))
    if rows.isdecimal():
        data[total] = str(int(rows) + 1)
    return data


admin.site.unregister(Route)
admin.site.register(Route, RuleRouteAdmin)
