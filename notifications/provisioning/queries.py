"""Lists of resources: filters, and pages of a bounded size (RFC 7644, 3.4.2).

scim2-models parses a filter and compares it with resources. Here a filter is only narrowed to the rows that its `eq`
on an indexed column can mean, so that looking up one of many users stays fast.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest
from scim2_models import (
    InvalidFilterException,
    InvalidValueException,
    ListResponse,
    SearchRequest,
    TooManyException,
)
from scim2_models.path import CompareOperator, Comparison, FilterNode, LogicalExpr, LogicalOperator

from notifications.provisioning.resources import as_uuid, key_of
from notifications.provisioning.schemas import MAX_PAGE, message_of

MAX_COMPARED = 20_000
"""The most resources that a filter without an indexed `eq` is compared with."""
BATCH = 1_000
MAX_FILTER = 2_000

PARAMETERS = {
    "filter": "filter",
    "startindex": "startIndex",
    "count": "count",
    "attributes": "attributes",
    "excludedattributes": "excludedAttributes",
}

COLUMNS: Mapping[str, Callable[[str], Q]] = {
    "id": lambda value: Q(pk=as_uuid(value)),
    "externalid": lambda value: Q(external_id=value),
    "username": lambda value: Q(user_key=key_of(value)),
    "displayname": lambda value: Q(display_key=key_of(value)),
}


@dataclass(frozen=True)
class Kind:
    """A kind of resources: its model, its rows of a directory, and how rows are shown. `indexed`: attributes that
    COLUMNS finds by an index."""

    model: Any
    rows: Callable[[Any], QuerySet[Any]]
    resources: Callable[[Sequence[Any]], list[Any]]
    indexed: frozenset[str]


def search_of(request: HttpRequest, model: Any) -> Any:
    """Return the query of a request. Raises InvalidValueException and pydantic's ValidationError."""
    values: dict[str, str] = {}
    for name, texts in request.GET.lists():
        if name.lower() in PARAMETERS:
            if len(texts) > 1:
                raise InvalidValueException(detail=f"Send {name} once.")
            values[PARAMETERS[name.lower()]] = texts[0]
    if len(values.get("filter", "")) > MAX_FILTER:
        raise InvalidFilterException(detail=f"A filter can have {MAX_FILTER:,} characters.")
    return message_of(SearchRequest, model).model_validate(values)


def answer(kind: Kind, directory: Any, search: Any) -> Any:
    """Return the page of resources that the query asks for. Raises TooManyException."""
    rows, first = kind.rows(directory), (search.start_index or 1) - 1
    count = MAX_PAGE if search.count is None else min(search.count, MAX_PAGE)
    if search.filter is None:
        total, page = rows.count(), kind.resources(list(rows[first : first + count]))
    else:
        matches = _matching(kind, rows.filter(_narrowed(search.filter.ast, kind.indexed)), search.filter)
        total, page = len(matches), matches[first : first + count]
    return message_of(ListResponse, kind.model)(
        total_results=total, start_index=first + 1, items_per_page=len(page), resources=page
    )


def _matching(kind: Kind, rows: QuerySet[Any], criterion: Any) -> list[Any]:
    matches: list[Any] = []
    for start in range(0, MAX_COMPARED, BATCH):
        batch = list(rows[start : start + BATCH])
        if start == 0 and len(batch) == BATCH and rows.count() > MAX_COMPARED:
            raise TooManyException(
                detail="There are too many to compare. Look for one userName, externalId or id by eq."
            )
        matches += [resource for resource in kind.resources(batch) if criterion.match(resource)]
        if len(batch) < BATCH:
            break
    return matches


def _narrowed(node: FilterNode, indexed: frozenset[str]) -> Q:
    """Return a condition that all matches fulfil."""
    if isinstance(node, LogicalExpr) and node.op == LogicalOperator.and_:
        condition = Q()
        for term in node.terms:
            condition &= _narrowed(term, indexed)
        return condition
    if not isinstance(node, Comparison) or node.op != CompareOperator.eq or not isinstance(node.value, str):
        return Q()
    name = node.attr_path.attr.lower()
    return COLUMNS[name](node.value) if name in indexed and node.attr_path.sub_attr is None else Q()
