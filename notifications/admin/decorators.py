"""unfold's decorators for columns and actions, with types; columns that many lists have."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Model
from django.db.models.expressions import Func
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action as unfold_action
from unfold.decorators import display as unfold_display

from notifications import reasons
from notifications.admin.words import ago, link, list_url

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]


def display(*, description: object, ordering: str | Func | None = None, boolean: bool | None = None) -> Decorator[Any]:
    """A computed column. `ordering`: the field or expression to sort by when its head is clicked."""
    decorator: Decorator[Any] = unfold_display(description=description, ordering=ordering, boolean=boolean)
    return decorator


def worded(name: str, description: object) -> Any:
    """A column with the reason that a row stores as `name`, in the reader's language. Sorted by the reason's code."""

    @display(description=description, ordering=f"{name}{reasons.FACT}__code")
    def shown(desk: object, row: Any) -> str:
        return reasons.words(row, name)

    return shown


def linked(name: str, description: object, ordering: str | None = None) -> Any:
    """A column with a link to the related row `name`."""

    @display(description=description, ordering=ordering)
    def shown(desk: object, row: Any) -> SafeString:
        return link(getattr(row, name))

    return shown


def time_ago(name: str, description: object, ordering: str | None = None) -> Any:
    """A column with the time that has passed since the field `name`, by which it is sorted unless told otherwise."""

    @display(description=description, ordering=ordering or name)
    def shown(desk: object, row: Any) -> SafeString:
        return ago(getattr(row, name))

    return shown


def counted(name: str, description: object, model: type[Model], lookup: str) -> Any:
    """A column with the number `name` of the rows of `model` whose `lookup` is this row, with a link to their list."""

    @display(description=description, ordering=name)
    def shown(desk: object, row: Any) -> SafeString:
        address = list_url(model, f"{lookup}={row.pk}")
        return format_html('<a class="desk-link" href="{}">{}</a>', address, getattr(row, name))

    return shown


def action(
    *, description: object, permissions: Sequence[str], url_path: str | None = None, icon: str | None = None
) -> Decorator[Any]:
    """An action on chosen rows, or with `url_path` a page of one row. Without one of `permissions` it answers 403."""
    decorator: Decorator[Any] = unfold_action(
        description=description, permissions=permissions, url_path=url_path, icon=icon
    )
    return decorator
