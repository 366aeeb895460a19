"""A mistake in a file is named with file, line and reason, and all mistakes at once."""

from pathlib import Path

import pytest

from notifications.config_files import documents
from notifications.config_files.nodes import Mistake
from notifications.config_files.tests.folders import put

RULE = """\
rules:
  Approvals:
    event_types: [task.assigned]
    category: approvals
    template: task
"""
OTHERS = "categories:\n  approvals: {name: Approvals}\ntemplates:\n  task: {name: Task}\n"
EVENTS = "event_types:\n  task.assigned: {}\n"

CASES = {
    "no kind": ("rulez:\n  A: {}\n", 2, "There is no kind “rulez”. Did you mean “rules”?"),
    "member not known": (f"{RULE}    prioritty: 3\n", 6, "“prioritty” is not known here. Did you mean “priority”?"),
    "member missing": ("rules:\n  A:\n    template: task\n", 3, "“category” is missing. Add it."),
    "unknown reference": (RULE.replace(": task\n", ": tasks\n"), 5, "no template “tasks”. Did you mean “task”?"),
    "unknown in a list": (RULE.replace("assigned", "asigned"), 3, "there is no event type “task.asigned”."),
    "text for a number": (f"{RULE}    priority: first\n", 6, "priority: Enter a whole number."),
    "number with a point": (f"{RULE}    priority: 1.5\n", 6, "priority: Enter a whole number."),
    "text for a boolean": (f"{RULE}    enabled: no\n", 6, "enabled: Enter true or false."),
    "value for a list": (RULE.replace("[task.assigned]", "task.assigned"), 3, "Enter a list, such as [a, b]."),
    "list for a value": (RULE.replace(": task\n", ": [task]\n"), 5, "Enter the name of the template."),
    "null for a name": (RULE.replace(": task\n", ": null\n"), 5, "Enter the name of the template."),
    "twice in a list": (RULE.replace("[task.assigned]", "[task.assigned, task.assigned]"), 3, "is there twice"),
    "choice": (
        f"{RULE}    conditions:\n      - path: task.kind\n        operator: equals\n",
        8,
        "operator: “equals” is none of: eq, ne",
    ),
    "validator": (f"{RULE}    conditions:\n      - {{path: task kind}}\n", 7, "path: Enter a path such as task.kind."),
    "member of a part": (f"{RULE}    targets:\n      - {{kind: assignee, teem: x}}\n", 7, "Did you mean “team”?"),
    "part that is no list": (f"{RULE}    targets: {{kind: assignee}}\n", 6, "“targets” must be a list."),
    "item that is no mapping": (f"{RULE}    targets:\n      - assignee\n", 7, "Enter members, one a line"),
    "too long": ("categories:\n  a:\n    name: " + "x" * 81 + "\n", 3, "name: Ensure this value has at most 80"),
    "slug": ("categories:\n  two words: {name: A}\n", 2, "slug: Enter a valid “slug”"),
    "blanks around a name": (RULE.replace("  Approvals:", "  'Approvals ':"), 3, "Remove the blanks around the name"),
    "duplicate key": (f"{RULE}    template: task\n", 6, "“template” is there twice: the first is in line 5."),
    "duplicate name": (f"{RULE}  Approvals: {{}}\n", 6, "“Approvals” is there twice: the first is in line 3."),
    "colour": ("brands:\n  a: {name: A, accent: red}\n", 2, "accent: Enter a colour such as #0b57d0."),
    "time zone": ("calendars:\n  a: {timezone: Mars}\n", 2, "timezone: Unknown time zone."),
    "date": ("calendars:\n  a:\n    days:\n      - {date: 2026-13-01}\n", 4, "date: "),
    "days": ("retention_rules:\n  - {items_days: 3}\n", 2, "items_days: Ensure this value is greater than or equal"),
    "secret in a file": (
        "engines:\n  a:\n    name: A\n    access:\n      secret: hunter2\n",
        5,
        "secret: Secrets are not in files. Name an environment variable, such as {secret: INVOICES}.",
    ),
    "no verb": ("roles:\n  A:\n    permissions:\n      notifications.route: [read]\n", 4, "“read” is none of: add,"),
    "no model": ("roles:\n  A:\n    permissions:\n      notifications.rout: [view]\n", 4, "“notifications.route”?"),
    "kind that is a list": ("retention_rules:\n  all: {}\n", 2, "“retention_rules” must be a list."),
    "kind without names": ("rules: [a]\n", 1, "“rules” must have names with members."),
    "no mapping": ("- rules\n", 1, "A file has kinds, such as “rules:”, with names below."),
    "not YAML": ("rules:\n  A: [\n", 3, "This is not valid YAML"),
    "tab": ("rules:\n\tA: 1\n", 2, "This is not valid YAML"),
    "two documents": (f"{EVENTS}---\n{EVENTS}", 3, "There is a second document."),
    "anchor": ("rules: &a\n  A: {}\n", 1, "Anchors and aliases are not used here."),
    "alias": ("event_types:\n  A: *a\n", 2, "Anchors and aliases are not used here."),
    "tag": ("event_types:\n  A: !!python/object:os.system {}\n", 2, "Tags such as"),
    "binary": ("event_types:\n  A: {description: !!binary aGk=}\n", 2, "Tags such as"),
    "key that is a list": ("rules:\n  [a]: {}\n", 2, "A key must be a text."),
    "key that is empty": ("rules:\n  ? \n  : {}\n", 2, "A key must be a text."),
    "NUL": ('event_types:\n  A: {description: "\\0"}\n', 2, "It has a character that cannot be stored."),
    "control character": ("event_types:\n  A: {description: \x01}\n", 2, "a character that YAML does not allow"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_has_its_file_its_line_and_a_reason(tmp_path: Path, case: str) -> None:
    text, line, reason = CASES[case]
    there = {name: other for name, other in (("others", OTHERS), ("events", EVENTS)) if not text.startswith(other[:5])}
    mistakes = _mistakes(tmp_path, mistaken=text, **there)
    (mistake,) = [each for each in mistakes if reason in each.reason] or [pytest.fail(f"{mistakes}")]

    assert (mistake.place.file, mistake.place.line) == ("mistaken.yaml", line)


def test_without_its_mistake_a_rule_has_none(tmp_path: Path) -> None:
    assert _mistakes(tmp_path, rule=RULE, others=OTHERS, events=EVENTS) == []


def test_all_mistakes_of_all_files_are_named_at_once(tmp_path: Path) -> None:
    texts = {f"file_{index}": text for index, (text, _line, _reason) in enumerate(CASES.values())}
    mistakes = _mistakes(tmp_path, **texts)

    assert {each.place.file for each in mistakes} == {f"{name}.yaml" for name in texts}


def test_the_same_name_in_two_files_is_a_mistake_in_the_second(tmp_path: Path) -> None:
    mistakes = _mistakes(tmp_path, a=EVENTS, b=f"# More.\n{EVENTS}")

    assert [str(each) for each in mistakes] == [
        "b.yaml:3: “task.assigned” is there twice: the first is at a.yaml:2. Remove one of them."
    ]


def test_names_of_kinds_that_are_not_in_files_are_left_to_the_plan(tmp_path: Path) -> None:
    assert _mistakes(tmp_path, rule=RULE) == []


def test_names_at_the_desk_are_no_mistakes_where_files_are_a_part(tmp_path: Path) -> None:
    read = put(tmp_path, rule=RULE, events="event_types:\n  others: {}\n")

    assert [each.place.line for each in documents.unknown_names(read.things)] == [3]
    assert documents.unknown_names(read.things, is_partial=True) == []


@pytest.mark.parametrize("name", ["no", "on", "2026-01-01", "4711", "1.5", "null", "true", "0x1F", "1e3", "12:30:00"])
def test_names_are_texts_whatever_they_look_like(tmp_path: Path, name: str) -> None:
    read = put(tmp_path, events=f"event_types:\n  {name}:\n    description: {name if name != 'null' else 'x'}\n")

    assert read.mistakes == []
    (thing,) = read.things.values()
    assert thing.name == name


def _mistakes(folder: Path, **texts: str) -> list[Mistake]:
    read = put(folder, **texts)
    return read.mistakes + documents.unknown_names(read.things)
