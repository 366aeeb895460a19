"""A rule as a sentence of chips. Each chip shows its present value, and opens the form fields that set it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.forms import BoundField
from django.utils.translation import gettext as _

from escalations.admin.policies import used_by
from escalations.admin.rules.bundle import RuleForms
from escalations.admin.rules.chip_words import PLACEHOLDER, REMIND, Pattern, patterns, value_of, words_of
from escalations.kinds import KINDS


# --- the sentence -----------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Chip:
    """`name`: its patterns. `fields`: what opens. `label` names that, `prompt` is shown without a value."""

    name: str
    label: str
    words: str
    fields: Sequence[BoundField]
    prompt: str = ""
    remove: BoundField | None = None
    """The box that removes the row."""
    help: str = ""

    @property
    def id(self) -> str:
        return f"chip-{self.fields[0].html_name}"

    @property
    def is_wrong(self) -> bool:
        return any(each.errors for each in self.fields)


@dataclass(frozen=True)
class Row:
    """A row of a formset: its hidden fields, and a line of texts and chips."""

    hidden: Sequence[BoundField]
    line: Sequence["Part"]


@dataclass(frozen=True)
class Rows:
    """The rows of a formset. `blank`: a new one; `joint`: the text between two of them."""

    formset: Any
    rows: Sequence[Row]
    blank: Row
    joint: str
    add: Sequence[tuple[str, str]]
    """Kind and label of each button that adds one."""


@dataclass(frozen=True)
class Part:
    """A part of a line: text, a chip or rows."""

    text: str = ""
    chip: Chip | None = None
    rows: Rows | None = None


@dataclass
class Sentence:
    """The lines of the page."""

    rule: RuleForms
    may_word: bool
    patterns: dict[str, list[Pattern]] = field(default_factory=patterns)

    def opening(self) -> list[Part]:
        """“When a task arrives from Invoices and amount is more than 1,000, notify Finance.”"""
        return _line(
            _("When {types} arrives from {engine}{conditions}, notify {targets}."),
            types=self._chip("types", _("Events")),
            engine=self._chip("engine", _("Engine"), prompt=_("any engine")),
            conditions=self._rows(self.rule.conditions, self._condition, _("and"), [("", _("Add a condition"))]),
            targets=self._rows(self.rule.targets, self._target, _("and"), [("", _("Add a recipient"))]),
        )

    def steps(self) -> Rows:
        """“2 h before it is due: remind Finance.”"""
        add = [("remind", _("Add a reminder")), ("escalate", _("Add an escalation"))]
        return self._rows(self.rule.steps, self._step, "", add)

    def time(self) -> list[Part]:
        late = self.rule.late
        return _line(
            _("It is due {due}. Times count {time}."),
            due=self._chip("due", _("Due date"), late, ("counted", "minutes")),
            time=self._chip("time", _("Working time"), late, ("time", "calendar")),
        )

    def message(self) -> list[Part]:
        fields = {"template": self.rule.rule["template"], "own": self.rule.words["own"]}
        template = Chip(
            "template",
            _("Message"),
            words_of(self.patterns["template"], fields),
            [fields["template"], *([fields["own"]] if self.may_word else [])],
        )
        return _line(
            _("They read {template} in the category {category}. {others}."),
            template=template,
            category=self._chip("category", _("Category")),
            others=self._chip("goes_on", _("Other rules")),
        )

    # --- chips --------------------------------------------------------------------------------------------------------
    def _chip(
        self, name: str, label: str, form: Any = None, names: Sequence[str] = (), prompt: str = "", **more: Any
    ) -> Chip:
        form = self.rule.rule if form is None else form
        fields = {each: form[each] for each in form.fields}
        prompt = prompt or _("choose…")
        opened = [fields[each] for each in names or [name] if each in fields]
        return Chip(name, label, words_of(self.patterns[name], fields), opened, prompt, **more)

    def _condition(self, form: Any) -> list[Part]:
        remove = form["DELETE"] if "DELETE" in form.fields else None
        names = ("path", "operator", "value")
        return [Part(chip=self._chip("condition", _("Condition"), form, names, _("a condition"), remove=remove))]

    def _target(self, form: Any) -> list[Part]:
        remove = form["DELETE"] if "DELETE" in form.fields else None
        names = ("kind", "team", "person", "ref", "path", "role")
        return [Part(chip=self._chip("target", _("Recipient"), form, names, _("choose who"), remove=remove))]

    def _step(self, form: Any) -> list[Part]:
        fields = {each: form[each] for each in form.fields} | {"counted": self.rule.late["counted"]}
        when = [fields[each] for each in ("offset", "repeat_every", "repeats")]
        kind, target = value_of(fields["kind"]), value_of(fields["target"])
        used = used_by(kind, target)
        values = {name: "" for name in ("target", "level", "priority") if name not in used}
        if kind in KINDS and KINDS[kind].is_message and self._is_notified(form):
            values["kind"] = REMIND
        names = ("kind", "target", "level", "team", "person", "ref", "priority")
        return _line(
            _("{when}: {what}."),
            when=Chip(
                "when",
                _("When"),
                words_of(self.patterns["when"], fields),
                when,
                _("choose when"),
                help=_("Such as 2h before, 30m after or 1d."),
            ),
            what=Chip(
                "what",
                _("What happens"),
                words_of(self.patterns["what"], fields, values),
                [fields[each] for each in names if each in fields],
                _("choose what"),
                form["DELETE"] if "DELETE" in form.fields else None,
            ),
        )

    def _is_notified(self, step: Any) -> bool:
        """Return whether the step's people are among those whom the rule notifies."""

        def key(form: Any, kind: str) -> list[Any]:
            bound = [form[name] for name in (kind, "team", "person", "ref") if name in form.fields]
            return [each.field.prepare_value(each.value()) or "" for each in bound]

        return any(key(step, "target") == key(target, "kind") for target in self.rule.targets.forms)

    def _rows(self, formset: Any, line: Any, joint: str, add: Sequence[tuple[str, str]]) -> Rows:
        def row(form: Any) -> Row:
            return Row(form.hidden_fields(), line(form))

        return Rows(formset, [row(form) for form in formset.forms], row(formset.empty_form), joint, add)


def _line(pattern: str, **parts: Chip | Rows) -> list[Part]:
    """Return the texts and chips of a line in the order of the reader's language."""
    line = []
    for at, text in enumerate(PLACEHOLDER.split(pattern)):
        if at % 2:
            part = parts[text]
            line.append(Part(chip=part) if isinstance(part, Chip) else Part(rows=part))
        elif text:
            line.append(Part(text))
    return line
