"""Folders of files for tests."""

from pathlib import Path
from typing import Any

from notifications.config_files import applying, documents
from notifications.config_files.applying import Operator, Plan
from notifications.config_files.documents import Documents
from notifications.config_files.models import ConfigApply
from notifications.config_files.nodes import Node, Place

OPS = Operator("ops@example")


def put(folder: Path, **texts: str) -> Documents:
    """Write `name` as name.yaml and read the folder."""
    for name, text in texts.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    return documents.read(folder)


def from_json(value: Any, pointer: str = "") -> Node:
    """Return the nodes of a value. Their places are JSON pointers, instead of files with lines."""
    if isinstance(value, dict):
        return Node({name: from_json(each, f"{pointer}/{name}") for name, each in value.items()}, Place(pointer))
    if isinstance(value, list):
        return Node([from_json(each, f"{pointer}/{index}") for index, each in enumerate(value)], Place(pointer))
    return Node(value, Place(pointer), str(value))


def structure(**kinds: Any) -> Documents:
    return documents.read_nodes([from_json(kinds)])


def plan(**kinds: Any) -> Plan:
    return applying.plan(structure(**kinds), OPS)


def apply(**kinds: Any) -> tuple[Plan, ConfigApply | None]:
    return applying.apply(structure(**kinds), OPS, "tests")


def export() -> dict[str, Any]:
    return documents.structure_of(applying.current())
