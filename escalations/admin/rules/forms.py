"""The forms of a rule's five parts, with the same checks as the forms of routes, templates and policies."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import BaseInlineFormSet, BaseModelForm, inlineformset_factory
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from escalations.admin.fields import DurationField, ParsedField, written
from escalations.admin.policies import StepFormBase
from escalations.models import BusinessCalendar, Clock, Policy, PolicyStep, TimeKind
from notifications.admin.desk.feature_rows import ROW_REF, FeatureRowField
from notifications.admin.desk.fields import is_language
from notifications.admin.rules.conditions import BARE, TARGET_FIELDS, ConditionForm, TargetForm
from notifications.admin.rules.known_paths import ANY, TOGETHER, offer
from notifications.errors import RenderError
from notifications.models import (
    Event,
    EventType,
    Recipient,
    Route,
    RouteCondition,
    RouteTarget,
    Template,
    TemplateVersion,
    VersionState,
)
from notifications.starter.routes import WAITING
from notifications.wording import liquid
from notifications.wording.plaintext import unix_lines

ALL, WAIT = ANY, TOGETHER.join(WAITING)
"""Choices that stand for every event, and for the events of tasks that wait for somebody."""
LATELY = 1_000
"""The number of newest events by whose types the choices are sorted."""
NOBODY, AFTER, DUE = "", Clock.DURATION.value, Clock.DUE.value
MOST_ROWS = 50
WRITTEN = ("title", "body", "short_body")
TEXT_FIELDS = ("language", *WRITTEN)
REF = re.compile(r".*\((?P<ref>[^()]+)\)\s*")
SUGGESTED = 10


# --- common base ------------------------------------------------------------------------------------------------------
class Plain:
    """A mixin that gives a form's fields the look of the desk's own pages."""

    fields: dict[str, forms.Field]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            widget = field.widget
            if isinstance(widget, forms.CheckboxInput | forms.CheckboxSelectMultiple | forms.HiddenInput):
                continue
            look = "desk-select" if isinstance(widget, forms.Select) else "desk-input"
            widget.attrs["class"] = f"{widget.attrs.get('class', '')} {look}".strip()
            widget.attrs.setdefault("autocomplete", "off")


class PersonField(ParsedField):
    """A field for a person, written as “Bob Bauer (bob)” or the `ref` alone. The page suggests people as one types."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("widget", forms.TextInput(attrs={"list": "people", "data-people": ""}))
        super().__init__(required=False, max_length=400, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, int):
            value = Recipient.objects.filter(pk=value).first()
        return person_label(value) if isinstance(value, Recipient) else value

    def to_python(self, value: Any) -> Any:
        text = str(value or "").strip()
        if not text:
            return None
        match = REF.fullmatch(text)
        people = Recipient.objects.filter(ref=match["ref"] if match else text).order_by("engine", "pk")
        by_label = (each for each in people if person_label(each) == text)
        person = next(by_label, None) or (None if match else people.first())
        if person is None:
            raise ValidationError(
                gettext("There is nobody called “%(text)s”. Choose somebody from the list.") % {"text": text}
            )
        return person

    def stored(self, initial: Any) -> Any:
        return Recipient(pk=initial) if isinstance(initial, int) else initial


def person_label(person: Recipient) -> str:
    engine = f" · {person.engine}" if person.engine_id else ""
    return f"{person.name}{engine} ({person.ref})"


def people_like(words: str) -> list[str]:
    """Return active people whose name contains the text or whose `ref` begins with it, at most SUGGESTED."""
    words = words.strip()
    if len(words) < 2 or "\0" in words:
        return []
    like = Q(name__icontains=words) | Q(ref__istartswith=words)
    people = Recipient.objects.filter(like, active=True).select_related("engine").order_by("name", "pk")
    return [person_label(person) for person in people[:SUGGESTED]]


# --- events -----------------------------------------------------------------------------------------------------------
class RuleForm(Plain, forms.ModelForm):
    name = forms.CharField(
        label=_("Name"), required=False, max_length=120, help_text=_("Empty: the name is taken from the sentence.")
    )
    types = forms.MultipleChoiceField(
        label=_("Events"),
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Choose the events that it applies to.")},
    )
    goes_on = forms.BooleanField(label=_("Rules after this one also apply to the event"), required=False)

    class Meta:
        model = Route
        fields = ["name", "enabled", "engine", "category", "template"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        route: Route = kwargs["instance"]
        start = types_of(route) if route.pk else [WAIT]
        kwargs["initial"] = {"types": start, "goes_on": not route.stop, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        types: Any = self.fields["types"]
        types.choices = type_choices(start)
        template: Any = self.fields["template"]
        published = Template.objects.filter(versions__state=VersionState.PUBLISHED)
        template.queryset = (published | Template.objects.filter(pk=route.template_id)).distinct()
        template.empty_label = template.blank = None
        engine: Any = self.fields["engine"]
        engine.empty_label = gettext("any engine")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"].strip()
        if name and Route.objects.filter(name=name).exclude(pk=self.instance.pk).exists():
            raise ValidationError(gettext("A rule with this name exists. Choose another name."))
        return name

    def clean_types(self) -> list[str]:
        """Return the names of event types; an empty list for every event."""
        chosen: list[str] = self.cleaned_data["types"]
        if ALL in chosen:
            return []
        return list(dict.fromkeys(name for each in chosen for name in (WAITING if each == WAIT else [each])))


def types_of(route: Route) -> list[str]:
    """Return the choices that stand for the types of a route."""
    names = list(route.event_types.values_list("name", flat=True))
    if not names:
        return [ALL]
    if set(WAITING) <= set(names):
        return [WAIT, *(name for name in names if name not in WAITING)]
    return names


def type_choices(chosen: Iterable[str]) -> list[tuple[str, str]]:
    """Return choices of event types: the recent ones first, by frequency, then the others that are described here."""
    newest = Event.objects.order_by("-id").values_list("type", flat=True)[:LATELY]
    counts = Counter(newest)
    described = EventType.objects.order_by("name").values_list("name", flat=True)
    names = dict.fromkeys([*(name for name, _count in counts.most_common()), *described])
    single = [name for name in names if name not in WAITING or name in chosen]
    waiting = sum(counts[name] for name in WAITING)
    return [
        (WAIT, _with_count(gettext("Tasks waiting for somebody"), waiting)),
        *((name, _with_count(name, counts[name])) for name in single),
        (ALL, gettext("Every event")),
    ]


def _with_count(name: str, count: int) -> str:
    return gettext("%(name)s · %(count)d recently") % {"name": name, "count": count} if count else name


# --- texts ------------------------------------------------------------------------------------------------------------
class WordsForm(Plain, forms.Form):
    own = forms.BooleanField(label=_("Use another text for this rule"), required=False)


class TextForm(Plain, forms.Form):
    language = forms.CharField(label=_("Language"), max_length=20)
    title = forms.CharField(label=_("Title"), max_length=500, widget=forms.TextInput(attrs={"class": "desk-code"}))
    body = forms.CharField(
        label=_("Text"),
        required=False,
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5, "class": "desk-code"}),
    )
    short_body = forms.CharField(
        label=_("Short text, for lock screens"),
        required=False,
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2, "class": "desk-code"}),
    )

    def clean_language(self) -> str:
        language: str = self.cleaned_data["language"].strip()
        if not is_language(language):
            raise ValidationError(gettext("Enter a language such as en, de or pt-BR."))
        return language

    def clean(self) -> dict[str, Any]:
        """Refuse text that no renderer could parse. Line ends become those of Unix."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for name in WRITTEN:
            cleaned[name] = unix_lines(cleaned.get(name, ""))
            try:
                liquid.parse(cleaned[name])
            except RenderError as fault:
                self.add_error(name, str(fault))
        return cleaned


class TextFormSet(forms.BaseFormSet):
    def clean(self) -> None:
        languages = [form.cleaned_data["language"].lower() for form in self.forms if is_written(self, form)]
        if len(set(languages)) < len(languages):
            raise ValidationError(gettext("There are two texts in the same language."))


def is_written(formset: Any, form: Any) -> bool:
    """Return whether the text is to be saved."""
    return bool(form.is_valid() and form.cleaned_data.get("language") and not formset._should_delete_form(form))


Texts: Any = forms.formset_factory(TextForm, formset=TextFormSet, extra=0, max_num=20, absolute_max=25, can_delete=True)


def texts_of(template: Template | None) -> list[dict[str, str]]:
    """Return the general texts of the template's published version, the fallback language first."""
    version = published(template)
    if template is None or version is None:
        return []
    texts = [text for text in version.texts.all() if not text.channel]
    texts.sort(key=lambda text: (text.language != template.fallback_language, text.language))
    return [{name: getattr(text, name) for name in TEXT_FIELDS} for text in texts]


def published(template: Template | None) -> TemplateVersion | None:
    if template is None or template.pk is None:
        return None
    return template.versions.filter(state=VersionState.PUBLISHED).prefetch_related("texts").first()


# --- if nobody answers ------------------------------------------------------------------------------------------------
class LateForm(Plain, forms.ModelForm):
    counted = forms.ChoiceField(
        label=_("Reminders and escalations, counted"),
        required=False,
        choices=[
            (NOBODY, _("nothing happens")),
            (AFTER, _("after the task was assigned")),
            (DUE, _("before or after the engine's due date")),
        ],
    )
    minutes = DurationField(
        label=_("Due after"),
        required=False,
        widget=forms.TextInput(attrs={"size": 10}),
        help_text=_("Empty: at the first escalation."),
    )
    follow = forms.BooleanField(label=_("Apply the current policy to open tasks"), required=False)

    class Meta:
        model = Policy
        fields = ["minutes", "time", "calendar"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        policy: Policy = kwargs["instance"]
        is_on = policy.pk and (policy.enabled or not (policy.route and policy.route.enabled))  # or off with its rule
        kwargs["initial"] = {"counted": policy.clock if is_on else NOBODY, **kwargs.get("initial", {})}
        super().__init__(*args, **kwargs)
        calendar: Any = self.fields["calendar"]
        calendar.empty_label = gettext("none")
        if policy.pk is None:
            first = BusinessCalendar.objects.order_by("pk").first()
            self.initial |= {"calendar": first, "time": TimeKind.BUSINESS if first else TimeKind.WALL}

    def _post_clean(self) -> None:
        """Check nothing here: `RuleForms` checks the policy together with its steps."""


class OffsetField(DurationField):
    """A duration that is shown as “2h before” if it is less than 0."""

    def prepare_value(self, value: Any) -> Any:
        return (
            f"{written(-value)} {_('before')}" if isinstance(value, int) and value < 0 else super().prepare_value(value)
        )


class StepForm(Plain, StepFormBase):
    offset = OffsetField(label=_("When"), signed=True, widget=forms.TextInput(attrs={"size": 8}))
    repeat_every = DurationField(label=_("again every"), required=False, widget=forms.TextInput(attrs={"size": 6}))
    person = PersonField(label=_("Person"))
    ref = FeatureRowField(forms.Select())

    class Meta:
        model = PolicyStep
        shown = ["offset", "kind", "target", "level", "team", "person", *ROW_REF]
        fields = [*shown, "priority", "repeat_every", "repeats"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["repeats"].label, self.fields["repeats"].required = gettext("times"), False

    def clean_repeats(self) -> int:
        return self.cleaned_data["repeats"] or 0


class StepFormSet(BaseInlineFormSet):
    """A policy's steps. Forms count their times from the assignment or the due date, the database from the due date."""

    from_start = 0
    """Minutes from the assignment to the due date, where times count from the assignment; else 0."""

    def _construct_form(self, i: int, **kwargs: Any) -> BaseModelForm:
        form: BaseModelForm = super()._construct_form(i, **kwargs)  # type: ignore[misc]  # of Django, unknown to its stubs
        if form.instance.pk and self.from_start:
            form.initial["offset"] = form.instance.offset + self.from_start
        return form


# --- targets ----------------------------------------------------------------------------------------------------------
OFFERED = {"types": "[name=types]", "engine": "[name=engine]"}


class RuleTargetForm(Plain, TargetForm):
    person = PersonField(label=_("Person"))
    ref = FeatureRowField(forms.Select())

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer(self.fields["path"], **OFFERED)
        self.fields["kind"].label = gettext("Recipient")
        self.fields["kind"].error_messages["required"] = gettext("Add a recipient.")


class TargetFormSet(BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        if not any(forms_to_save(self)):
            raise ValidationError(gettext("Add a recipient."))


class RuleConditionForm(Plain, ConditionForm):
    offered = OFFERED

    def clean(self) -> dict[str, Any]:
        """Drop the value of an operator that takes none: the page hides its field."""
        if self.cleaned_data.get("operator") in BARE:
            self.cleaned_data["value"] = ""
        return super().clean()


_rows: Any = partial(inlineformset_factory, max_num=MOST_ROWS, absolute_max=MOST_ROWS + 5)


Conditions = _rows(Route, RouteCondition, RuleConditionForm, fields=["path", "operator", "value"], extra=0)
Targets = _rows(Route, RouteTarget, RuleTargetForm, TargetFormSet, fields=TARGET_FIELDS, extra=0, min_num=1)
Steps = _rows(Policy, PolicyStep, StepForm, StepFormSet, fields=StepForm.Meta.fields, extra=0)


def forms_to_save(formset: Any) -> Iterator[Any]:
    """Yield the forms of rows that are neither deleted nor empty, in their order."""
    for form in formset.forms:
        if not formset._should_delete_form(form) and (form.instance.pk or form.has_changed()):
            yield form
