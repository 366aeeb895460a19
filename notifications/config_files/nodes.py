"""Reads YAML into nodes that know their place, within limits, and names each mistake with file and line.

Of YAML only what configuration needs is read: mappings, lists, texts, numbers, true, false and null. Words such as
`no`, `on` and dates are texts. Aliases, tags and duplicate keys are mistakes, so that a small file cannot become large.
"""

import os
import re
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 1_000_000
"""Maximum size of one file."""
MAX_TOTAL_BYTES = 32_000_000
MAX_FILES = 10_000
MAX_DEPTH = 32
MAX_NAME = 200
"""Characters of the name of a file that comes by HTTP."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
WORDS: Mapping[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}
INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,4000})")
NUMBER = re.compile(r"-?[0-9]+\.[0-9]*([eE][-+][0-9]+)?")


@dataclass(frozen=True)
class Place:
    """A line of a file."""

    file: str = ""
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True)
class Mistake:
    """A mistake and what to do about it."""

    place: Place
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if str(self.place) else self.reason

    def as_json(self) -> dict[str, Any]:
        return {"file": self.place.file, "line": self.place.line, "reason": self.reason}


MAX_MISTAKES = 1_000


class FoundMistakes(list[Mistake]):
    """The mistakes of files. At MAX_MISTAKES it raises Mistakes: more are not looked for."""

    def append(self, mistake: Mistake) -> None:
        super().append(mistake)
        if len(self) >= MAX_MISTAKES:
            raise Mistakes(self)


class Mistakes(Exception):
    """Raised with the mistakes that were found."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("\n".join(map(str, mistakes)))
        self.mistakes = sorted(mistakes, key=lambda each: (each.place.file, each.place.line))

    @property
    def summary(self) -> str:
        count = len(self.mistakes)
        return f"{count} mistake{'s' * (count != 1)}. Nothing was changed."


@dataclass(frozen=True)
class Node:
    """A value with its place. `text`: a scalar as it is written, so that a name such as 4711 needs no quotes."""

    value: "str | int | float | bool | list[Node] | dict[str, Node] | None"
    place: Place
    text: str = ""

    @property
    def plain(self) -> Any:
        if isinstance(self.value, list):
            return [each.plain for each in self.value]
        if isinstance(self.value, dict):
            return {name: each.plain for name, each in self.value.items()}
        return self.value


# --- folders ----------------------------------------------------------------------------------------------------------
def read_folder(folder: Path) -> tuple[list[Node], list[Mistake]]:
    """Return the roots of all files with the ending .yaml or .yml, in the order of their paths, and the mistakes.

    Hidden files and folders, such as .git, are left out. Symbolic links must lead to files in this folder, as those of
    a mounted ConfigMap do.
    """
    if not folder.is_dir():
        return [], [Mistake(Place(str(folder)), ("There is no such folder. Enter the folder with the files."))]
    return _read_all((name, partial(_read, name, path, folder)) for name, path in _files(folder, ""))


def read_texts(files: Mapping[str, str]) -> tuple[list[Node], list[Mistake]]:
    """Return the roots of files that came by HTTP, as `read_folder` does. Their names become no paths."""
    return _read_all((name, partial(_encoded, name, text)) for name, text in sorted(files.items()))


def _read_all(files: Iterable[tuple[str, Callable[[], bytes]]]) -> tuple[list[Node], list[Mistake]]:
    roots, mistakes, total = list[Node](), list[Mistake](), 0
    for count, (name, read) in enumerate(files):
        try:
            if count >= MAX_FILES:
                raise _Refused(Place(name), f"There are more than {MAX_FILES} files.")
            data = read()
            total += len(data)
            if total > MAX_TOTAL_BYTES:
                raise _Refused(Place(name), "The files are larger than 32 MB in all.")
            roots += read_yaml(name, data)
        except _Refused as refused:
            mistakes.append(refused.mistake)
            if count >= MAX_FILES or total > MAX_TOTAL_BYTES:
                break
    return roots, mistakes


class _Refused(Exception):
    def __init__(self, place: Place, reason: str) -> None:
        super().__init__(reason)
        self.mistake = Mistake(place, reason)


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        name = f"{prefix}{entry.name}"
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(folder / entry.name, f"{name}/")
        elif entry.name.lower().endswith((".yaml", ".yml")) or entry.is_symlink():
            yield name, folder / entry.name


def _read(name: str, path: Path, folder: Path) -> bytes:
    if path.is_symlink():
        path = path.resolve()
        if not path.is_relative_to(folder.resolve()):
            raise _Refused(Place(name), "It is a symbolic link that leads out of the folder. Put the file itself here.")
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        descriptor = os.open(path, flags)
    except OSError as fault:
        text = "It cannot be read: %(fault)s."
        raise _Refused(Place(name), text % {"fault": fault.strerror}) from fault
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise _Refused(Place(name), ("It is no regular file."))
        data = file.read(MAX_BYTES + 1)
    return _bounded(name, data)


def _encoded(name: str, text: str) -> bytes:
    if not _is_file_name(name):
        text = "Name it as an export does: by a path such as rules/invoices.yaml, without hidden or parent folders."
        raise _Refused(Place(name), text)
    return _bounded(name, text.encode())


def _is_file_name(name: str) -> bool:
    is_text = len(name) <= MAX_NAME and name.isprintable() and "\\" not in name
    has_folders = all(part and not part.startswith(".") for part in name.split("/"))
    return is_text and has_folders and name.lower().endswith((".yaml", ".yml"))


def _bounded(name: str, data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise _Refused(Place(name), ("It is larger than 1 MB. Split it into several files."))
    return data


# --- YAML -------------------------------------------------------------------------------------------------------------
def read_yaml(name: str, data: bytes) -> list[Node]:
    """Return the root of a file, or nothing for an empty one. Raises _Refused."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = data[: fault.start].count(b"\n") + 1
        raise _Refused(Place(name, line), ("It is not in UTF-8. Save it in this encoding.")) from fault
    try:
        return _Builder(name).build(yaml.parse(text, Loader=LOADER))
    except yaml.MarkedYAMLError as fault:
        mark = fault.problem_mark or fault.context_mark
        reason = f"This is not valid YAML: {fault.problem or fault.context}."
        raise _Refused(Place(name, mark.line + 1 if mark else 1), reason) from fault
    except yaml.reader.ReaderError as fault:
        line = text[: fault.position].count("\n") + 1
        raise _Refused(Place(name, line), ("It has a character that YAML does not allow. Remove it.")) from fault


class _Builder:
    """Builds nodes from the parser's events, without recursion."""

    def __init__(self, name: str) -> None:
        self.name = name

    def build(self, events: Iterator[Any]) -> list[Node]:
        roots: list[Node] = []
        stack: list[tuple[Node, list[Node]]] = []
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and roots:
                raise self._refused(event, ("There is a second document. Remove the line “---”, or use another file."))
            if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
                raise self._refused(event, ("Anchors and aliases are not used here. Write the value out."))
            if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                node, keys = stack.pop()
                if keys:
                    raise self._refused(event, ("This key has no value."))
                self._put(node, stack, roots)
            elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._check_tag(event, event.implicit)
                if len(stack) >= MAX_DEPTH:
                    raise self._refused(event, f"It is nested too deeply: at most {MAX_DEPTH} levels.")
                empty: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                stack.append((Node(empty, self._place(event)), []))
            elif isinstance(event, yaml.ScalarEvent):
                self._check_tag(event, event.implicit[0] or event.implicit[1])
                self._put(self._scalar(event), stack, roots)
        return [root for root in roots if root.value is not None]

    def _scalar(self, event: Any) -> Node:
        text = event.value
        if any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text):
            raise self._refused(event, ("It has a character that cannot be stored. Remove it."))
        return Node(text if not event.implicit[0] else scalar(text), self._place(event), text)

    def _put(self, node: Node, stack: list[tuple[Node, list[Node]]], roots: list[Node]) -> None:
        if not stack:
            roots.append(node)
            return
        parent, keys = stack[-1]
        if isinstance(parent.value, list):
            parent.value.append(node)
        elif isinstance(parent.value, dict):
            if keys:
                parent.value[keys.pop().text] = node
            else:
                keys.append(self._key(node, parent.value))

    def _key(self, node: Node, members: dict[str, Node]) -> Node:
        if isinstance(node.value, list | dict) or (node.value is None and not node.text):
            raise _Refused(node.place, ("A key must be a text."))
        if (first := members.get(node.text)) is not None:
            text = "“%(key)s” is there twice: the first is in line %(line)d. Remove one of them."
            raise _Refused(node.place, text % {"key": node.text, "line": first.place.line})
        return node

    def _check_tag(self, event: Any, is_implicit: bool) -> None:
        if event.tag is not None and not is_implicit:
            raise self._refused(event, (f"Tags such as {event.tag} are not used here. Remove it."))

    def _place(self, event: Any) -> Place:
        return Place(self.name, event.start_mark.line + 1)

    def _refused(self, event: Any, reason: str) -> _Refused:
        return _Refused(self._place(event), reason)


def scalar(text: str) -> str | int | float | bool | None:
    """Return the value of a plain scalar. Only the forms that JSON has as well are no texts."""
    if text in WORDS:
        return WORDS[text]
    if INTEGER.fullmatch(text):
        return int(text)
    number = float(text) if NUMBER.fullmatch(text) else float("inf")
    if abs(number) == float("inf"):
        return text
    return int(Decimal(repr(number))) if abs(number) > 2**53 else number  # as PostgreSQL returns it
