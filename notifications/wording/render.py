"""Renders one message from a template version and the data of an event."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, get_args

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.channel_facts import shown_on_lock_screens
from notifications.errors import RenderError
from notifications.models import TemplateAction, TemplateVersion, WrittenText
from notifications.reasons import Reason
from notifications.types import USUAL_COMMENTS, USUAL_EFFECTS, Action, CommentRule, Effect, Json, ValuesRule
from notifications.wording import formats, liquid
from notifications.wording.directions import set_apart
from notifications.wording.languages import ANY, label_in, languages, tag, tags
from notifications.wording.liquid_filters import Place
from notifications.wording.plaintext import clean, clean_line, cut
from notifications.wording.sensitive import without_paths
from notifications.wording.template_check import reaches

MAX_TITLE, MAX_SHORT_BODY, MAX_BODY = 500, 300, 10_000
"""Characters after rendering."""

MAX_LABEL, MAX_ACTIONS = 60, 12
"""Characters on a button; buttons of one message."""

USUAL_LABELS = {
    "acknowledge": _("Acknowledge"),
    "approve": _("Approve"),
    "reject": _("Reject"),
    "request_info": _("Ask for information"),
    "reply": _("Reply"),
}
"""The labels of usual answers, where neither engine nor template has one."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """The texts of one message. `warnings` are for the trace."""

    title: str
    body: str
    short_body: str
    language: str
    warnings: tuple[Reason, ...]


def render(
    version: TemplateVersion,
    language: str,
    channel: str,
    context: Json,
    *,
    timezone: str,
    hidden: Sequence[str] = (),
    customer: bool = False,
) -> Rendering:
    """Render in the best language for `language`, with times in `timezone`.

    `context` is plain JSON: the event's data, its case, brand and event. The paths `hidden` are left out of it for
    texts that lock screens show.
    `customer`: whether external people read it.

    Raises RenderError when the template has no text, has a mistake, or exceeds a limit.
    """
    text = text_for(version, language, channel, customer=customer)
    place = Place(formats.locale_for(text.language, language), formats.zone_of(timezone))
    warnings: dict[Reason, None] = {}  # each once, in order

    shown = without_paths(context, hidden)

    def fill_in(source: str, variables: Json) -> str:
        filled = liquid.render(source, variables, place)
        odd = (reasons.ODD_VALUE(words=words) for words in filled.odd)
        warnings.update(dict.fromkeys([*(_absent(name, hidden) for name in filled.missing), *odd]))
        return filled.text

    title = clean_title(fill_in(text.title, shown if text.channel in shown_on_lock_screens() else context))
    body = cut(clean(fill_in(text.body, context)), MAX_BODY)
    short_body = _short(text, fill_in, body, shown, same=shown == context)
    if not title:
        title = clean_title(version.template.name) or "—"
        warnings[reasons.EMPTY_TITLE()] = None
    title, body, short_body = map(set_apart, (title, body, short_body))
    return Rendering(title, body, short_body, text.language, tuple(warnings))


def _short(text: WrittenText, fill_in: Callable[[str, Json], str], body: str, shown: Json, *, same: bool) -> str:
    """Return the text's own short body, or the start of its body. `same`: lock screens may show the whole body."""
    if text.short_body.strip():
        return cut(clean(fill_in(text.short_body, shown)), MAX_SHORT_BODY)
    start = body if same else cut(clean(fill_in(text.body, shown)), MAX_BODY)
    return cut(clean_line(start[: 2 * MAX_SHORT_BODY]), MAX_SHORT_BODY)


def _absent(name: str, hidden: Sequence[str]) -> Reason:
    if any(reaches(name, path) for path in hidden):
        return reasons.SENSITIVE_VALUE(name=name)
    return reasons.MISSING_VALUE(name=name)


def clean_title(text: str) -> str:
    """Return one line of at most 500 characters, with nothing invisible."""
    return cut(clean_line(text), MAX_TITLE)


# --- choice of the text ---------------------------------------------------------------------------------------------
def texts_of(version: TemplateVersion, *, customer: bool) -> list[WrittenText]:
    """Return the texts for customers, if there are any and a customer reads; else those for everybody."""
    own: list[WrittenText] = list(version.customer_texts.all()) if customer else []
    return own or list(version.texts.all())


def text_for(version: TemplateVersion, language: str, channel: str, *, customer: bool = False) -> WrittenText:
    """Return the text in the language itself, its base (de-AT: de), the fallback, then any language; each for the
    channel first, then for all channels.

    Raises RenderError when there is none.
    """
    texts = {(tag(text.language), text.channel): text for text in texts_of(version, customer=customer)}
    for candidate in (
        *languages(language, version.template.fallback_language),
        *sorted({each for each, _channel in texts}),
    ):
        match = texts.get((candidate, channel)) or texts.get((candidate, ""))
        if match is not None:
            return match
    raise RenderError(f"There is no text for {channel} in any language.")


# --- actions --------------------------------------------------------------------------------------------------------
def actions_of(version: TemplateVersion | None, language: str, event_actions: Iterable[Any]) -> list[Action]:
    """Return the actions of a message, as its event names them, with labels and comment rules of the template.

    An action is a name or {"action", "title", "effect", "comment"}; anything else is left out, and so are repeated
    names.
    """
    rules = {rule.action: rule for rule in version.actions.all()} if version is not None else {}
    fallback = version.template.fallback_language if version is not None else "en"
    actions: dict[str, Action] = {}
    for event_action in event_actions:
        spec = event_action if isinstance(event_action, dict) else {"action": event_action}
        name = spec.get("action")
        if isinstance(name, str) and 0 < len(name) <= MAX_LABEL and name.isprintable() and name not in actions:
            actions[name] = _action(name, spec, rules.get(name), language, fallback)
    return list(actions.values())[:MAX_ACTIONS]


def _action(name: str, spec: Json, rule: TemplateAction | None, language: str, fallback: str) -> Action:
    effect: Effect = spec["effect"] if spec.get("effect") in get_args(Effect) else USUAL_EFFECTS.get(name, "final")
    comment = _comment(effect, spec.get("comment"), rule.comment if rule is not None else USUAL_COMMENTS.get(name))
    values: ValuesRule = spec["values"] if spec.get("values") in get_args(ValuesRule) else "none"
    own = _label(spec.get("title"))
    if own:
        return Action(name, own, effect, comment, values=values)
    labels = _labels(name, rule, fallback)
    return Action(name, label_in(labels, language), effect, comment, labels if len(labels) > 1 else {}, values)


def _labels(name: str, rule: TemplateAction | None, fallback: str) -> dict[str, str]:
    """Return the template's labels, else the usual ones, else the action's name made readable."""
    written = rule.labels if rule is not None and isinstance(rule.labels, dict) else {}
    labels = {tag(language): _label(label) for language, label in written.items()}
    labels = {language: label for language, label in labels.items() if language and label} or usual_labels(name)
    words = _label(name.replace("_", " ").replace("-", " "))
    readable = words[:1].upper() + words[1:] or cut(name, MAX_LABEL)
    return {**labels, ANY: next((labels[each] for each in tags(fallback) if each in labels), readable)}


@lru_cache(maxsize=256)
def usual_labels(name: str) -> dict[str, str]:
    """Return the labels of a usual answer, in the languages of the pages; none for other names."""
    if name not in USUAL_LABELS:
        return {}
    labels = {}
    for language, _name in settings.LANGUAGES:
        with translation.override(language):
            labels[language] = str(USUAL_LABELS[name])
    return labels


def _label(text: Any) -> str:
    return cut(clean_line(text), MAX_LABEL) if isinstance(text, str) else ""


def _comment(effect: Effect, requested: Any, usual: str | None) -> CommentRule:
    """Return the rule for comments: a question needs one; else the rule of the event, or the `usual` one of the
    template or the action's name."""
    if effect == "request_info":
        return "required"
    choices: tuple[CommentRule, ...] = get_args(CommentRule)
    for rule in (requested, usual):
        for choice in choices:
            if choice == rule:
                return choice
    return "none" if effect == "acknowledge" else "optional"
