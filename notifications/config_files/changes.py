"""The changes from one configuration to another, thing by thing, as data and in the desk's words."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.utils.text import capfirst

from notifications.admin.desk.history_states import LONG, LONGEST, Difference, around_changes, words_between
from notifications.config_files.columns import Column, title_of
from notifications.config_files.documents import Things
from notifications.config_files.kinds import Body, Members, Part, Thing, canonical
from notifications.wording.plaintext import cut


class Owner(NamedTuple):
    """The file that owns a thing, and the members that it leaves out: these are changed elsewhere."""

    file: str
    left_out: tuple[str, ...] = ()


Owned = dict[tuple[str, str], Owner]
"""The owner of each thing that files own, by kind and name."""


@dataclass
class Change:
    """A thing that is new (`before` is None), changed, or removed (`after` is None). `secrets`: members whose secret
    differs from the environment's."""

    thing: Thing
    before: Body | None
    after: Body | None
    secrets: list[str] = field(default_factory=list)

    @property
    def verb(self) -> str:
        return "add" if self.before is None else "remove" if self.after is None else "change"

    @property
    def title(self) -> str:
        return f"{capfirst(self.thing.table.label)} “{self.thing.title}”"

    @property
    def sentence(self) -> str:
        texts = {
            "add": ("%(thing)s is new:"),
            "change": ("%(thing)s changes:"),
            "remove": ("%(thing)s is removed."),
        }
        return texts[self.verb] % {"thing": self.title}

    @property
    def differences(self) -> list[Difference]:
        """Return the differences, field by field. What is removed is not repeated."""
        if self.after is None:
            return []
        lines = list(_differences(self.thing, self.before or {}, self.after))
        return lines + [Difference(name, "•••" if self.before else "", "another secret") for name in self.secrets]

    def as_json(self) -> dict[str, Any]:
        before, after = self.before or {}, self.after or {}
        names = [name for name in self.thing.table.order if before.get(name) != after.get(name)]
        members = {name: {"before": before.get(name), "after": after.get(name)} for name in names}
        return {
            "kind": self.thing.table.kind,
            "name": self.thing.name,
            "change": self.verb,
            "members": members,
            "secrets": self.secrets,
            "sentences": [self.sentence, *lines_of(self.differences)],
        }


def compare(current: Things, required: Things, owned: Iterable[tuple[str, str]]) -> list[Change]:
    """Return the changes to the required things. Others are removed only if they are owned."""
    changes = []
    for key, thing in required.items():
        before = current[key].body if key in current else None
        after = thing.body | {name: before[name] for name in thing.absent if before and name in before}
        if before != after:
            changes.append(Change(thing, before, after))
    gone = [key for key in owned if key in current and key not in required]
    return changes + [Change(current[key], current[key].body, None) for key in gone]


# --- words ------------------------------------------------------------------------------------------------------------
def _differences(thing: Thing, before: Body, after: Body) -> Iterator[Difference]:
    yield from _of_columns(thing.table, before, after)
    for name, part in thing.table.parts.items():
        if before.get(name) != after.get(name):
            yield from _of_part(part, part.bodies_of(before.get(name)), part.bodies_of(after.get(name)))


def _of_columns(members: Members, before: Body, after: Body) -> Iterator[Difference]:
    for name, column in members.columns.items():
        old, new = before.get(name, column.default), after.get(name, column.default)
        if old != new:
            texts = _words(column, old), _words(column, new)
            label = str(capfirst(column.label))
            if max(map(len, texts)) > LONG:
                yield Difference(label, pieces=around_changes(words_between(*texts)))
            else:
                yield Difference(label, (texts[0] or "–") if before else "", texts[1] or "–")


def _of_part(part: Part, before: list[Body], after: list[Body]) -> Iterator[Difference]:
    gone, come = [each for each in before if each not in after], [each for each in after if each not in before]
    label = str(capfirst(part.label))
    for old, new in pairs(part, gone, come):
        if old is None or new is None:
            title = ("%(part)s added") if old is None else ("%(part)s removed")
            yield Difference(title % {"part": label}, below=list(_members(part, new or old or {})))
        else:
            name = f"{label} “{_row_title(part, old)}”"
            yield Difference((f"{name} changed"), below=list(_of_columns(part, old, new)))


def pairs(part: Part, gone: Sequence[Body], come: Sequence[Body]) -> Iterator[tuple[Body | None, Body | None]]:
    """Yield pairs of a former row and the one in its place: the first values of both are equal, or they are the only
    ones."""
    names, left = list(part.columns), list(come)
    for old in gone:
        same = [[old.get(name) == new.get(name) for name in names[:2]] for new in left]
        best = next(
            (index for wanted in ([True, True], [True, False]) for index, each in enumerate(same) if each == wanted),
            None,
        )
        if best is None and len(gone) == len(come) == 1:
            best = 0
        yield old, left.pop(best) if best is not None else None
    for new in left:
        yield None, new


def _row_title(part: Part, body: Body) -> str:
    values = [_words(part.columns[name], body[name]) for name in list(part.columns)[:2] if name in body]
    return " ".join(filter(None, values)) or str(part.label)


def _members(part: Part, body: Body) -> Iterator[Difference]:
    for name, column in part.columns.items():
        if words := _words(column, body.get(name)):
            yield Difference(str(capfirst(column.label)), new=words)


def _words(column: Column, value: Any) -> str:
    if value in (None, "", [], {}):
        return ""
    if isinstance(value, bool):
        return ("yes") if value else ("no")
    choices = dict(column.field.flatchoices or ()) if hasattr(column.field, "flatchoices") else {}
    if isinstance(value, str) and value in choices:
        return str(choices[value])
    if isinstance(value, list) and all(isinstance(each, str | int) for each in value):
        return ", ".join(map(str, value))
    if isinstance(value, dict) and set(value) <= {"ref", "engine"}:
        return title_of(value)
    return cut(canonical(value) if isinstance(value, list | dict) else str(value), LONGEST)


def lines_of(differences: Iterable[Difference], indent: str = "  ") -> Iterator[str]:
    """Yield the differences as lines of text; removed words are in [-…-], added ones in {+…+}."""
    marks: Mapping[str, str] = {"same": "%s", "removed": "[-%s-]", "added": "{+%s+}"}
    for each in differences:
        if each.pieces:
            yield f"{indent}{each.name}: {''.join(marks[piece.change] % piece.text for piece in each.pieces)}"
        elif each.below:
            yield f"{indent}{each.name}:"
            yield from lines_of(each.below, f"{indent}  ")
        elif each.old:
            yield f"{indent}{each.name}: {each.old} → {each.new}"
        else:
            yield f"{indent}{each.name}: {each.new}"
