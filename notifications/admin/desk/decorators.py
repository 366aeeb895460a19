"""Typed versions of unfold's decorators for columns and actions, and columns that many lists have."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, cast

from django.db.models import DateTimeField, Model
from django.db.models.expressions import Func
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action as unfold_action
from unfold.decorators import display as unfold_display
from unfold.enums import ActionVariant

from notifications import reasons
from notifications.admin.desk.display import Tone, change_url, link, list_url, mark, moment, pretty, took
from notifications.channel_facts import channel_name
from notifications.items.glance import number_of
from notifications.types import Json
from notifications.wording.key_facts import key_amount

Function = TypeVar("Function", bound=Callable[..., Any])
Decorator = Callable[[Function], Function]
Ordering = str | Func | None


def display(*, description: object, ordering: Ordering = None, boolean: bool | None = None) -> Decorator[Any]:
    """Return a decorator of a computed column. `ordering`: the field or expression by which the column sorts."""
    decorator: Decorator[Any] = unfold_display(description=description, ordering=ordering, boolean=boolean)
    return decorator


def action(
    *,
    description: object,
    permissions: Sequence[str],
    url_path: str | None = None,
    icon: str | None = None,
    variant: ActionVariant = ActionVariant.DEFAULT,
) -> Decorator[Any]:
    """Return a decorator: an action on chosen rows, or with `url_path` a page of one row. 403 without a permission."""
    decorator: Decorator[Any] = unfold_action(
        description=description, permissions=permissions, url_path=url_path, icon=icon, variant=variant
    )
    return decorator


# --- columns ----------------------------------------------------------------------------------------------------------
def column(text_of: Callable[[Any], object], description: object, ordering: Ordering = None) -> Any:
    """Return a column with the result of `text_of` for each row."""

    @display(description=description, ordering=ordering)
    def shown(desk: object, row: Any) -> object:
        return text_of(row)

    return shown


def reason_column(name: str, description: object) -> Any:
    """Return a column with the reason that a row stores as `name`, in the reader's language, sorted by its code."""
    return column(lambda row: reasons.words(row, name), description, f"{name}{reasons.FACT}__code")


def title_column(description: object, ordering: Ordering = None) -> Any:
    """Return a column with the row's title, whose number stays visible where the list cuts it."""

    def numbered(row: Any) -> object:
        title = str(row)
        number = number_of(title)
        words = title.removesuffix(number).rstrip()
        return format_html('<span class="desk-words">{}</span> {}', words, number) if number else title

    return column(numbered, description, ordering)


def link_column(name: str, description: object, ordering: Ordering = None) -> Any:
    """Return a column with a link to the related row `name`."""
    return column(lambda row: link(getattr(row, name)), description, ordering)


def time_column(name: str, description: object, ordering: Ordering = None) -> Any:
    """Return a column with the time of the field `name`. It sorts by `ordering`, else by `name`."""
    return column(lambda row: moment(getattr(row, name)), description, ordering or name)


@cache
def time_of_field(field: DateTimeField) -> Callable[[Any], SafeString]:
    """Return a callable column with the time of a field, for lists and tables that name the field itself."""

    @display(description=field.verbose_name, ordering=field.name)
    def shown(row: Any) -> SafeString:
        return moment(getattr(row, field.name))

    shown.__name__ = field.name
    return cast(Callable[[Any], SafeString], shown)


@display(description="")
def row_link(row: Model) -> SafeString:
    """Return the link to the row's own page, for tables on other pages."""
    text = gettext("Open")
    return format_html('<a class="desk-link" href="{}" aria-label="{}: {}">{}</a>', change_url(row), text, row, text)


def columns_of(model: type[Model], names: Sequence[Any]) -> list[Any]:
    """Return the columns of a list, where those that are fields with a time show it as all others do."""
    times = {field.name: field for field in model._meta.fields if isinstance(field, DateTimeField)}
    return [time_of_field(times[name]) if isinstance(name, str) and name in times else name for name in names]


def count_column(name: str, description: object, model: type[Model], lookup: str) -> Any:
    """Return a column with the number `name`: the rows of `model` whose `lookup` is this row, linked to their list."""

    def link_to_list(row: Any) -> SafeString:
        address = list_url(model, f"{lookup}={row.pk}")
        return format_html('<a class="desk-link" href="{}">{}</a>', address, getattr(row, name))

    return column(link_to_list, description, name)


def amount_column(details_of: Callable[[Any], Json]) -> Any:
    """Return a column with the key amount of a notification's details, or of a task's data."""
    return column(lambda row: key_amount(details_of(row)), _("amount"))


def json_column(name: str, description: object) -> Any:
    return column(lambda row: pretty(getattr(row, name)), description)


def state_column(tones: Mapping[str, Tone]) -> Any:
    return column(lambda row: mark(tones[row.state], row.get_state_display()), _("state"), "state")


def channel_column() -> Any:
    return column(lambda row: channel_name(row.channel), _("by"), "channel")


def delegate_column() -> Any:
    def delegate_of(row: Any) -> SafeString:
        return link(row.delegate) if row.delegate else mark("quiet", gettext("nobody"))

    return column(delegate_of, _("delegate"), "delegate__name")


def duration_column(start: str, end: str, *, unknown: object = "") -> Any:
    """Return a column with the time between the fields `start` and `end`, or `unknown` while one of them is empty."""
    return column(lambda row: took(getattr(row, start), getattr(row, end)) or unknown, _("took"))


class WorkColumns:
    """Columns of a row's work: number of tries, next try, and the end of a worker's claim."""

    tries = column(lambda row: str(row.attempts), _("tries"), "attempts")
    work_due = column(attrgetter("due_at"), _("next try"), "due_at")
    claimed_until = column(attrgetter("lease_until"), _("claimed until"), "lease_until")
