"""The parts of an operation's description besides its view's docstring, and their way into OpenAPI."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from notifications.api.operations import problems

Document = dict[str, Any]
"""An OpenAPI description, or a part of one."""


@dataclass(frozen=True)
class Operation:
    """An operation's summary and examples. `request` and `response` are those of all bodies, except of bodies in
    `requests`, by content type, and in `responses`, by status. `meanings` explains statuses and the operation's codes,
    if they differ from the usual ones (docs.py)."""

    summary: str
    request: Any = None
    response: Any = None
    requests: Mapping[str, Any] = field(default_factory=dict)
    responses: Mapping[int, Any] = field(default_factory=dict)
    meanings: Mapping[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tag:
    """A purpose of the API, with its operations by their ids."""

    name: str
    description: str
    operations: Mapping[str, Operation]


def described(document: Document, tags: Sequence[Tag]) -> Document:
    """Return the description with these tags after its own. Their operations get summaries, meanings and examples, and
    follow this order."""
    by_name = {name: (tag, operation) for tag in tags for name, operation in tag.operations.items()}
    for entry in (entry for path in document["paths"].values() for entry in path.values()):
        if entry["operationId"] in by_name:
            tag, operation = by_name[entry["operationId"]]
            entry["tags"], entry["summary"] = [tag.name], operation.summary
            for status, meaning in operation.meanings.items():
                entry["responses"][str(status)]["description"] = meaning
            _add_examples(entry, operation)
            problems.add_examples(entry["responses"])
    order = {name: place for place, name in enumerate(by_name)}

    def place(path: tuple[str, Document]) -> int:
        """Return the position of a path: paths of other tags stay in front."""
        return min(order.get(operation["operationId"], -1) for operation in path[1].values())

    document["paths"] = dict(sorted(document["paths"].items(), key=place))
    document.setdefault("tags", []).extend({"name": tag.name, "description": tag.description} for tag in tags)
    return document


def _add_examples(entry: Document, operation: Operation) -> None:
    for kind, body in entry.get("requestBody", {}).get("content", {}).items():
        _add(body, operation.requests.get(kind, operation.request))
    for status, answer in entry["responses"].items():
        if int(status) < 300:
            for body in answer.get("content", {}).values():
                _add(body, operation.responses.get(int(status), operation.response))


def _add(body: Document, example: Any) -> None:
    if example is not None:
        body["example"] = example
