"""Saves a rule: route, conditions, targets, words and policy. All or nothing, in the transaction of the caller."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.utils.text import slugify
from django.utils.translation import gettext as _

from escalations.admin.rules.bundle import RuleForms, of_tasks
from escalations.admin.rules.forms import published
from escalations.models import Policy, PolicyCondition, PolicyStep
from notifications.admin.rules.conditions import condition_sentence
from notifications.fixed_rows import why_fixed
from notifications.models import EventType, Route, Template, TemplateText
from notifications.models.history import as_one, newest_record
from notifications.wording import template_versions
from notifications.wording.template_versions import CannotPublish

MAX_NAME = 120
BETWEEN = "."
"""The separator of a stamp's parts."""
FIRST, STEP = 100, 10
"""The place of the first rule, and the distance of a new rule to the one after it."""


class CannotSave(Exception):
    """Raised for a rule that cannot be saved. The message says what to correct."""


def save(rule: RuleForms, by: Any, now: datetime) -> Route:
    """Save valid forms. Raises CannotSave."""
    if sentence := why_fixed(rule.policy):
        raise CannotSave(sentence)
    route: Route = rule.rule.save(commit=False)
    last_record = newest_record(route)
    old_name = Route.objects.filter(pk=route.pk).values_list("name", flat=True).first() or ""
    if route.pk is None:
        route.priority = first_place(Route.objects, "priority")
    route.stop = not rule.rule.cleaned_data["goes_on"]
    route.name = route.name or unused_name(Route, name_of(rule), but=route.pk)
    if rule.writes_words:
        route.template = _own_template(rule, route, by, now)
    route.save()
    route.event_types.set([EventType.objects.get_or_create(name=name)[0] for name in rule.rule.cleaned_data["types"]])
    for formset in (rule.conditions, rule.targets):
        formset.instance = route
        formset.save()
    as_one(route, last_record)
    if rule.plain:
        last_record = newest_record(rule.policy)
        _save_policy(rule, route, old_name)
        if rule.policy.pk is not None:
            as_one(rule.policy, last_record)
    return route


# --- concurrent changes -----------------------------------------------------------------------------------------------
class ChangedMeanwhile(CannotSave):
    """Raised if somebody else has changed the rule since the page showed it, and would lose that change unseen."""


def stamp_of(rule: RuleForms) -> str:
    """Return the ids of the newest changes of route, policy and texts as one string; empty for a new rule."""
    if rule.is_new:
        return ""
    version = published(Template.objects.filter(routes=rule.route).first())
    return BETWEEN.join(map(str, (newest_record(rule.route), newest_record(rule.policy), version.pk if version else 0)))


def must_be_as_seen(rule: RuleForms, stamp: str) -> None:
    """Lock the route. Raises ChangedMeanwhile if the rule no longer has this stamp. Words count only if the rule writes
    them: templates may be shared."""
    if rule.is_new or not stamp:
        return
    Route.objects.select_for_update().filter(pk=rule.route.pk).first()
    parts = slice(None if rule.writes_words else 2)
    if stamp_of(rule).split(BETWEEN)[parts] != stamp.split(BETWEEN)[parts]:
        text = _(
            "Somebody else changed this rule after you opened it, so nothing was published. Your text "
            "is still here: publish again to replace their change."
        )
        raise ChangedMeanwhile(text)


# --- names ------------------------------------------------------------------------------------------------------------
def name_of(rule: RuleForms) -> str:
    """Return a name such as “amount is more than 10000 → Finance”."""
    types = rule.rule.cleaned_data["types"]
    sentences = ((condition_sentence(each), each.path.rpartition(".")[0]) for each in rule.conditions_to_save())
    conditions = [sentence.removeprefix(f"{folder}.") for sentence, folder in sentences]
    targets = [str(each.named or each.get_kind_display()) for each in rule.targets_to_save()]
    what = ", ".join(conditions) or (types[0] if types else _("every event"))
    return f"{what} → {', '.join(targets)}"


def first_place(rows: Any, name: str) -> int:
    """Return a place before all enabled rows: a specific rule goes before general ones."""
    lowest = rows.filter(enabled=True).order_by(name).values_list(name, flat=True).first()
    return FIRST if lowest is None else min(FIRST, lowest - STEP)


def unused_name(model: Any, name: str, but: Any = None) -> str:
    like = model.objects.filter(name__startswith=name[: MAX_NAME - 6]).exclude(pk=but)
    taken = set(like.values_list("name", flat=True))
    candidate, number = name[:MAX_NAME], 1
    while candidate in taken:
        number += 1
        candidate = f"{name[: MAX_NAME - 6]} {number}"
    return candidate


# --- texts ------------------------------------------------------------------------------------------------------------
def _own_template(rule: RuleForms, route: Route, by: Any, now: datetime) -> Template:
    """Return the template of this rule alone, with the typed texts published."""
    source: Template = rule.rule.cleaned_data["template"]
    texts = rule.texts_to_save()
    if not texts:
        raise CannotSave(_("Enter the text in at least one language."))
    routes = list(source.routes.values_list("pk", flat=True))
    mine = routes == [route.pk] and not PolicyStep.objects.filter(template=source).exists()
    template = source if mine else _new_template(route.name, source)
    now_read = published(source)
    if mine and now_read is not None and _has_texts(now_read, texts):
        return template
    if sentence := why_fixed(template):
        raise CannotSave(sentence)
    draft = template_versions.new_draft(template, now_read, _("By the rule “%(rule)s”") % {"rule": route.name})
    if not mine:  # the source's texts for single channels are its own
        draft.texts.all().delete()
    draft.texts.filter(channel="").delete()
    TemplateText.objects.bulk_create(TemplateText(version=draft, **text) for text in texts)
    try:
        template_versions.publish(draft, by, now)
    except CannotPublish as refused:
        raise CannotSave(refused.detail) from refused
    return template


def _new_template(name: str, source: Template) -> Template:
    slug, number = slugify(name)[:70] or "rule", 1
    candidate = slug
    while Template.objects.filter(slug=candidate).exists():
        number += 1
        candidate = f"{slug}-{number}"
    return Template.objects.create(slug=candidate, name=name, fallback_language=source.fallback_language)


def _has_texts(version: Any, texts: Iterable[dict[str, Any]]) -> bool:
    def normalize(text: dict[str, Any]) -> list[str]:
        """Return the title, body and short body with line ends as forms send them."""
        return ["\n".join(text[name].strip().splitlines()) for name in ("title", "body", "short_body")]

    now = {text["language"]: normalize(text) for text in version.texts.filter(channel="").values()}
    return now == {text["language"]: normalize(text) for text in texts}


# --- if nobody answers ------------------------------------------------------------------------------------------------
def _save_policy(rule: RuleForms, route: Route, old_name: str) -> None:
    policy = rule.policy
    if not rule.counts:
        if policy.pk is not None and policy.enabled:
            policy.enabled = False  # running clocks keep their rules; the policy can be switched on again
            policy.save()
        return
    if policy.pk is None:
        policy.position, policy.name = first_place(Policy.objects, "position"), unused_name(Policy, route.name)
    elif policy.name == old_name:
        policy.name = unused_name(Policy, route.name, but=policy.pk)
    policy.route = route
    policy.save()
    if rule.policy_follows:
        _save_conditions(policy, of_tasks(rule.conditions_to_save()))
    rule.steps.instance = policy
    steps = rule.steps_to_save()
    rule.steps.save(commit=False)
    for gone in rule.steps.deleted_objects:
        gone.delete()
    for step in steps:
        step.policy = policy
        step.save()


def _save_conditions(policy: Policy, required: list[tuple[str, str, str]]) -> None:
    if list(policy.conditions.values_list("path", "operator", "value")) != required:
        policy.conditions.all().delete()
        PolicyCondition.objects.bulk_create(
            PolicyCondition(policy=policy, path=path, operator=operator, value=value)
            for path, operator, value in required
        )
