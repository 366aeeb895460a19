"""Folders of files: what a folder says, with all of its mistakes, and the files of an export."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from unicodedata import normalize

import yaml

from notifications.config_files.columns import SECRET, near, title_of
from notifications.config_files.kinds import Table, Thing, references, tables
from notifications.config_files.nodes import MAX_BYTES, FoundMistakes, Mistake, Node, Place, read_folder, read_texts

WIDTH = 110
"""Most characters of a line, but of texts."""

OTHER_BREAKS = "\r\x85\u2028\u2029"
"""Characters that YAML reads as ends of lines, but for “\\n”."""

Things = dict[tuple[str, str], Thing]
"""Things by kind and name."""


class FolderError(Exception):
    """Raised for a folder that cannot be written. The message says what to do."""


@dataclass
class Documents:
    """What files say, and their mistakes."""

    things: Things = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=FoundMistakes)


# --- reading ----------------------------------------------------------------------------------------------------------
def read(folder: Path) -> Documents:
    return _read_files(*read_folder(folder), Place(str(folder)))


def read_sent(files: Mapping[str, str]) -> Documents:
    """Return what files say that came by HTTP: texts by their paths."""
    return _read_files(*read_texts(files), Place())


def _read_files(roots: list[Node], mistakes: list[Mistake], place: Place) -> Documents:
    if not roots and not mistakes:
        text = "There is no file with configuration here. Write one with “config export”."
        mistakes.append(Mistake(place, text))
    return read_nodes(roots, mistakes)


def read_nodes(roots: Iterable[Node], mistakes: list[Mistake] | None = None) -> Documents:
    """Return the things of files. All mistakes are found that need no database, but unknown names."""
    documents = Documents(mistakes=FoundMistakes(mistakes or ()))
    for root in roots:
        if not isinstance(root.value, dict):
            documents.mistakes.append(Mistake(root.place, ("A file has kinds, such as “rules:”, with names below.")))
            continue
        for kind, node in root.value.items():
            _read_kind(kind, node, documents)
    return documents


def _read_kind(kind: str, node: Node, documents: Documents) -> None:
    table = tables().get(kind)
    if table is None:
        text = f"There is no kind “{kind}”."
        documents.mistakes.append(Mistake(node.place, text + near(kind, tables())))
        return
    if node.value is None:
        return
    for thing in table.read_things(node, documents.mistakes):
        if (first := documents.things.setdefault(thing.id, thing)) is not thing:
            text = "“%(name)s” is there twice: the first is at %(place)s. Remove one of them."
            documents.mistakes.append(Mistake(thing.place, text % {"name": thing.title, "place": first.place}))


def unknown_names(things: Things, *, is_partial: bool = False) -> list[Mistake]:
    """Return a mistake for each name that these files should have and do not: its kind is in files. `is_partial`: other
    things of the same kinds are at the desk only."""
    by_model = {table.model: table for table in tables().values()}
    present = {thing.table.kind for thing in things.values()}
    mistakes = []
    for thing in things.values():
        for path, model, name in references(thing.table, thing.body):
            table = by_model.get(model)
            if table is None or is_partial or table.kind not in present or (table.kind, name) in things:
                continue
            mistakes.append(Mistake(thing.place_of(*path), unknown_name(table, path[-1], name, things)))
    return mistakes


def unknown_name(table: Table, member: Any, name: Any, things: Things) -> str:
    text = "%(member)s: there is no %(model)s “%(name)s”."
    names = [key for kind, key in things if kind == table.kind]
    words = {"member": member, "model": table.label, "name": title_of(name)}
    return text % words + near(title_of(name), names)


# --- writing ----------------------------------------------------------------------------------------------------------
class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as blocks, and short lists and mappings in one line."""

    def represent_str(self, text: str) -> Any:
        node = super().represent_str(text)
        if any(mark in text for mark in OTHER_BREAKS):
            node.style = '"'
        elif "\n" in text:
            node.style = "|"
        return node

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:
        """Indent lists below their member."""
        return super().increase_indent(flow, False)

    def represent_short(self, node: Any) -> Any:
        values = [part for each in node.value for part in (each if isinstance(each, tuple) else (each,))]
        length = sum(len(each.value) + 4 if isinstance(each, yaml.ScalarNode) else WIDTH for each in values)
        node.flow_style = length < WIDTH - 20 and not any("\n" in str(each.value) for each in values)
        return node

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _Members(dict[str, Any]):
    """A mapping that is written with one member a line."""


_Dumper.add_representer(str, _Dumper.represent_str)
_Dumper.add_representer(list, lambda dumper, each: dumper.represent_short(yaml.SafeDumper.represent_list(dumper, each)))
_Dumper.add_representer(
    dict, lambda dumper, each: dumper.represent_short(yaml.SafeDumper.represent_dict(dumper, each.items()))
)


def _represent_members(dumper: Any, members: _Members) -> Any:
    node = yaml.SafeDumper.represent_dict(dumper, members.items())
    node.flow_style = False
    return node


_Dumper.add_representer(_Members, _represent_members)


def text_of(kind: str, things: Iterable[Thing]) -> str:
    """Return the text of a file with things of one kind."""
    things = sorted(things, key=lambda thing: thing.id)
    content: Any = (
        [_Members(document_of(each)) for each in things]
        if tables()[kind].is_list
        else _Members((each.name, _Members(document_of(each))) for each in things)
    )
    text: str = yaml.dump(_Members({kind: content}), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
    return text


def document_of(thing: Thing) -> dict[str, Any]:
    """Return the members of a thing as a file has them, in order."""
    members = {**(thing.name if thing.table.is_list else {}), **thing.body}
    for (part, member), name in thing.secrets.items():
        members[part] = {**members[part], member: {SECRET: name}}
    return {name: members[name] for name in thing.table.order if name in members}


def structure_of(things: Things) -> dict[str, Any]:
    """Return all things as one JSON document, as files have them."""
    structure: dict[str, Any] = {}
    for thing in sorted(things.values(), key=lambda thing: thing.id):
        if thing.table.is_list:
            structure.setdefault(thing.table.kind, []).append(document_of(thing))
        else:
            structure.setdefault(thing.table.kind, {})[thing.name] = document_of(thing)
    return structure


def files_of(things: Things) -> dict[str, str]:
    """Return the text of each file by its path: one for each thing, or one for all of a kind."""
    files = {}
    for kind, table in tables().items():
        of_kind = [thing for thing in things.values() if thing.table is table]
        if table.own_files:
            for name, thing in zip(_file_names(of_kind), of_kind, strict=True):
                files[f"{kind}/{name}.yaml"] = text_of(kind, [thing])
        elif of_kind:
            files[f"{kind}.yaml"] = text_of(kind, of_kind)
    return files


def _file_names(things: list[Thing]) -> list[str]:
    """Return a name for each thing's file, of letters, digits, “-”, “_” and “.” alone. A digest tells apart those whose
    names would be the same."""
    ascii_names = (normalize("NFKD", title_of(each.name)).encode("ascii", "ignore").decode() for each in things)
    names = [re.sub(r"[^a-z0-9_.]+", "-", name.lower())[:80].strip(".-") for name in ascii_names]
    counts = Counter(names)
    return [
        name if name and counts[name] == 1 else f"{name or 'thing'}-{sha256(thing.id[1].encode()).hexdigest()[:6]}"
        for name, thing in zip(names, things, strict=True)
    ]


def write(folder: Path, files: Mapping[str, str], *, replace: bool = False) -> None:
    """Write the files of an export. Raises FolderError if other files of configuration are there, unless they are to be
    removed: things that are no longer there would come back with them."""
    folder.mkdir(parents=True, exist_ok=True)
    others = sorted(_configuration_files(folder) - files.keys())
    if others and not replace:
        text = "%(folder)s has files that this export does not write: %(files)s. Remove them, or add --replace."
        raise FolderError(text % {"folder": folder, "files": ", ".join(others[:5])})
    for name in (*others, *files):
        if any(path.is_symlink() for path in (folder / name, (folder / name).parent)):
            raise FolderError(f"{folder / name} is a symbolic link. Remove it first.")
    too_large = next((name for name, text in files.items() if len(text.encode()) > MAX_BYTES), None)
    if too_large is not None:
        raise FolderError(f"{too_large} would be larger than 1 MB.")
    for name in others:
        (folder / name).unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        if not path.exists() or path.read_bytes() != text.encode():
            path.write_bytes(text.encode())


def _configuration_files(folder: Path) -> set[str]:
    """Return the files of the folder that a plan would read."""
    paths = (path for path in folder.rglob("*") if path.suffix in (".yaml", ".yml"))
    names = (path.relative_to(folder).as_posix() for path in paths)
    return {name for name in names if not any(part.startswith(".") for part in name.split("/"))}
