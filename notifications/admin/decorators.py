"""unfold's decorators for columns and actions, with types."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models.expressions import Func
from unfold.decorators import action as unfold_action
from unfold.decorators import display as unfold_display

from notifications import reasons

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


def action(
    *, description: object, permissions: Sequence[str], url_path: str | None = None, icon: str | None = None
) -> Decorator[Any]:
    """An action on chosen rows, or with `url_path` a page of one row. Without one of `permissions` it answers 403."""
    decorator: Decorator[Any] = unfold_action(
        description=description, permissions=permissions, url_path=url_path, icon=icon
    )
    return decorator
