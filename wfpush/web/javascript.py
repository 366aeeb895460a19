"""A bundler for the ES modules in static/wfpush/, which tree-sitter parses.

Every module becomes a function that runs when it is first imported and returns its exports. Comments are left out: they
are a fifth of the source. Syntax that the bundler does not support is an error.
"""

import posixpath
from collections.abc import Iterable, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NoReturn

import tree_sitter_javascript
from tree_sitter import Language, Node, Parser, Query, QueryCursor

JAVASCRIPT = Language(tree_sitter_javascript.language())
SYNTAX = Query(
    JAVASCRIPT,
    "(import_statement) @import (export_statement) @export (call_expression function: (import)) @later "
    '(comment) @comment "await" @await [(ERROR) (MISSING) (meta_property)] @unsupported '
    "(statement_block [(import_statement) (export_statement)] @unsupported)",
)
FUNCTIONS = {"arrow_function", "function_declaration", "function_expression", "method_definition"}

LOADER = """const loaded = {};
const loadModule = (name) => loaded[name] ??= modules[name]();
const loadModuleLater = async (name) => {
  if (!(name in modules)) await loadOthers();
  return loadModule(name);
};
const modules = """
"""JavaScript that `bundle` completes. A script that lacks modules defines `loadOthers`."""


class UnsupportedSyntax(ValueError):
    """Raised for unsupported syntax, with the module's name, the line number and the line."""


class Module:
    """A parsed module. `imports` are the modules that it needs at once, `later` those that it loads with `import()`."""

    def __init__(self, folders: Sequence[Path], name: str) -> None:
        self.folders, self.name = folders, name
        self.source = _files(folders, name)[0].read_bytes()
        self.imports: dict[str, tuple[Node, set[str]]] = {}  # module → statement, names
        self.later: list[str] = []
        self.exports: list[str] = []
        self._edits: list[tuple[int, int, str]] = []  # start and end in bytes, replacement
        self.is_async = False
        readers = {
            "import": self._read_import,
            "export": self._read_export,
            "later": self._read_later,
            "comment": self._read_comment,
            "await": self._read_await,
            "unsupported": self.refuse,
        }
        for _, captures in QueryCursor(SYNTAX).matches(Parser(JAVASCRIPT).parse(self.source).root_node):
            for kind, (node,) in captures.items():
                readers[kind](node)

    def refuse(self, node: Node) -> NoReturn:
        row = node.start_point.row
        line = self.source.decode().split("\n")[row].strip()
        raise UnsupportedSyntax(f"{self.name}, line {row + 1}: {line!r} is not supported")

    def function(self) -> str:
        """Return JavaScript that returns the exports."""
        body, start = b"", 0
        for edit_start, end, replacement in sorted(self._edits):
            body += self.source[start:edit_start] + replacement.encode()
            start = end
        body += self.source[start:]
        return f"{'async ' * self.is_async}() => {{\n{body.decode()}\nreturn {{ {', '.join(self.exports)} }};\n}}"

    def _replace(self, node: Node, replacement: str, end: int | None = None) -> None:
        self._edits.append((node.start_byte, node.end_byte if end is None else end, replacement))

    def _read_import(self, statement: Node) -> None:
        """Read `import { one, two as alias } from "./other.js"` or `import * as other from "./other.js"`."""
        match statement.named_children:
            case [Node(type="import_clause", named_children=[Node(type="named_imports") as clause]), path]:
                names = {_text(node.child_by_field_name("name") or node) for node in clause.named_children}
                aliases = (": ".join(map(_text, specifier.named_children)) for specifier in clause.named_children)
                pattern = f"{{ {', '.join(aliases)} }}"
            case [Node(type="import_clause", named_children=[Node(type="namespace_import") as clause]), path]:
                names, pattern = set(), _text(clause.named_children[0])
            case _:
                self.refuse(statement)
        name = self._module_name(path)
        _, earlier = self.imports.get(name, (statement, set()))
        self.imports[name] = (statement, names | earlier)
        self._replace(statement, f'const {pattern} = loadModule("{name}");')

    def _read_later(self, call: Node) -> None:
        """Read `import("./other.js")`, or `import(settings.name)` of a module that a feature adds."""
        match call.named_children:
            case [_, Node(named_children=[Node(type="member_expression") as name])]:
                self._replace(call, f"loadModuleLater({_text(name)})")
            case [_, Node(named_children=[path])]:
                self.later.append(self._module_name(path))
                self._replace(call, f'loadModuleLater("{self.later[-1]}")')
            case _:
                self.refuse(call)

    def _module_name(self, path: Node) -> str:
        name = posixpath.normpath(posixpath.join(posixpath.dirname(self.name), _text(path)[1:-1]))
        if path.type != "string" or _text(path)[1:2] != "." or not _files(self.folders, name):
            self.refuse(path)
        return name

    def _read_export(self, statement: Node) -> None:
        """Read `export function name`, `export const name = …, other = …` or `export const { name, other } = …`."""
        match statement.children:
            case [_, Node(type="function_declaration") as declaration]:
                patterns = declaration.children_by_field_name("name")
            case [_, Node(type="lexical_declaration", children=[Node(type="const"), *declarators]) as declaration]:
                patterns = [pattern for node in declarators for pattern in node.children_by_field_name("name")]
            case _:
                self.refuse(statement)
        for pattern in patterns:
            for name in pattern.named_children or [pattern]:
                if name.type not in ("identifier", "shorthand_property_identifier_pattern"):
                    self.refuse(name)
                self.exports.append(_text(name))
        self._replace(statement, "", declaration.start_byte)

    def _read_comment(self, comment: Node) -> None:
        self._replace(comment, "\n" if "\n" in _text(comment) else " ")

    def _read_await(self, node: Node | None) -> None:
        while node and node.type not in FUNCTIONS:
            node = node.parent
        self.is_async = self.is_async or node is None


def _files(folders: Sequence[Path], name: str) -> list[Path]:
    return [path for folder in folders if (path := folder / name).is_file()]


def _text(node: Node) -> str:
    return (node.text or b"").decode()


def read_modules(folders: Sequence[Path], entries: Iterable[str]) -> dict[str, Module]:
    """Return `entries` and all modules that they import, by path in one of `folders`.

    Raises UnsupportedSyntax, also for an import of a name that is not exported, and for modules that import each other.
    """
    modules: dict[str, Module] = {}
    names = list(entries)
    while names:
        if (name := names.pop()) not in modules:
            modules[name] = Module(folders, name)
            names += [*modules[name].imports, *modules[name].later]
    for module in modules.values():
        for name, (statement, imports) in module.imports.items():
            if modules[name].is_async or imports - {*modules[name].exports}:
                module.refuse(statement)
    try:
        TopologicalSorter({name: module.imports for name, module in modules.items()}).prepare()
    except CycleError as error:
        raise UnsupportedSyntax(f"Modules import each other: {', '.join(error.args[1])}") from error
    return dict(sorted(modules.items()))


def imported_modules(modules: dict[str, Module], entries: Iterable[str]) -> set[str]:
    """Return the names of `entries` and of all that they need at once."""
    return {name for entry in entries for name in (entry, *imported_modules(modules, modules[entry].imports))}


def bundle(modules: dict[str, Module]) -> str:
    """Return a JavaScript object with the function of each module."""
    return "{\n" + "".join(f'"{name}": {module.function()},\n' for name, module in modules.items()) + "}"
