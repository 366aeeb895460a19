"""The history of configuration objects: what each change was, in words; any two times compared; restoring."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import LogEntry
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from notifications.admin.history_states import Difference, State, differences, state_of, state_then
from notifications.admin.invalid_ids import HistoryPages, is_id
from notifications.admin.restoring import CannotRestore, names_of, restore, say_why_not
from notifications.admin.words import change_url, page_url
from notifications.models.history import as_one, newest_record, part_names

MOST = 1_000
"""Records of one row that its pages go back."""


@dataclass(frozen=True)
class Entry:
    """One change: `differences` are from the entry before; None if nothing is known from before."""

    record: Any
    differences: Sequence[Difference] | None

    @property
    def kind(self) -> str:
        return {"+": _("created"), "-": _("deleted")}.get(self.record.history_type, _("changed"))


class ConfigurationHistory(HistoryPages):
    """Mixin for lists of configuration."""

    kept_when_restored: Sequence[str] = ()
    """Fields that the system keeps: restoring leaves them as they are."""

    history_list_per_page = 25

    # --- what is recorded -------------------------------------------------------------------------------------------
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        request.history_since = newest_record(obj)  # type: ignore[attr-defined]
        super().save_model(request, obj, form, change)

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """Called when row and parts are saved, in their transaction."""
        self._record(request, obj)
        entry: LogEntry = super().log_addition(request, obj, message)
        return entry

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> LogEntry:
        """The same."""
        self._record(request, obj)
        entry: LogEntry = super().log_change(request, obj, message)
        return entry

    def _record(self, request: HttpRequest, obj: Any) -> None:
        """Pages of a row log other rows, too, which they saved by themselves."""
        if isinstance(obj, self.model):
            as_one(obj, getattr(request, "history_since", newest_record(obj)))

    # --- pages ------------------------------------------------------------------------------------------------------
    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """All changes, the newest first. `?a=` and `?b=` are two records to compare."""
        row = self._row(request, object_id)
        history = self._records(row)
        page = Paginator(list(history[:MOST]), self.history_list_per_page).get_page(request.GET.get("p"))
        context = {
            "row": row,
            "page": page,
            "entries": list(_entries(page)),
            "compared": self._compared(request, history),
            "a": request.GET.get("a", ""),
            "b": request.GET.get("b", ""),
            "may_restore": self.has_change_permission(request, row),
            "back": change_url(row),
            "record_url": f"{self.opts.app_label}_{self.opts.model_name}_simple_history",
        }
        shown: HttpResponse = self.page(
            request, "admin/desk/history.html", _("History of %(row)s") % {"row": row}, **context
        )
        return shown

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """GET: what restoring would change. POST: restores."""
        row = self._row(request, object_id)
        record = self._records(row).filter(pk=version_id).first() if self._is_record(version_id) else None
        if record is None:
            raise Http404
        if request.method == "POST":
            return self._restore(request, row, record)
        then, now = state_then(record), state_of(row)
        unknown = bool(part_names(self.model)) and then.parts is None
        context = {
            "row": row,
            "record": record,
            "differences": differences(now, then, names_of(self, request, row)),
            "without_parts": unknown,
            "may_restore": self.has_change_permission(request, row),
            "back": page_url(row, "history"),
        }
        shown: HttpResponse = self.page(
            request, "admin/desk/restore.html", _("Restore %(row)s") % {"row": row}, **context
        )
        return shown

    def _restore(self, request: HttpRequest, row: models.Model, record: Any) -> HttpResponse:
        if not self.has_change_permission(request, row) or record.history_type == "-":
            raise PermissionDenied
        try:
            restore(self, request, row, record)
        except CannotRestore as fault:
            say_why_not(self, request, fault)
            return HttpResponseRedirect(request.path)
        self.message_user(request, _("It is as it was then."))
        return HttpResponseRedirect(change_url(row))

    def refuses_to_restore(self, row: Any, then: State, changed: Sequence[str]) -> Sequence[str]:
        """Why the row may not become what it was then, where its form would refuse it, too."""
        return ()

    def _row(self, request: HttpRequest, object_id: str) -> Any:
        self._must_be_ids((self.model._meta.pk, object_id))
        row = self.get_object(request, object_id)
        if row is None:
            raise Http404(_("There is no such row; it may have been deleted."))
        if not self.has_view_history_or_change_history_permission(request, row):
            raise PermissionDenied
        return row

    def _records(self, row: Any) -> Any:
        return row.history.select_related("history_user").order_by("-history_date", "-history_id")

    def _is_record(self, value: str) -> bool:
        return is_id(self.model.history.model._meta.pk, value)

    def _compared(self, request: HttpRequest, history: Any) -> list[Difference] | None:
        """The earlier of both first, however they were chosen."""
        chosen = [value for name in ("a", "b") if (value := request.GET.get(name, "")) and self._is_record(value)]
        records = sorted(history.filter(pk__in=chosen), key=lambda each: (each.history_date, each.pk))
        if len(chosen) < 2:
            return None
        if not records:
            raise Http404
        return differences(state_then(records[0]), state_then(records[-1]))


def _entries(page: "Page[Any]") -> Iterator[Entry]:
    """Each with what it changed: from the one before it, which may stand on the next page."""
    records: Any = page.paginator.object_list
    start = page.start_index() - 1 if len(page) else 0
    states = [state_then(record) for record in records[start : start + len(page) + 1]]
    for at, record in enumerate(page):
        known = record.history_type != "+" and at + 1 < len(states)
        yield Entry(record, differences(states[at + 1], states[at]) if known else None)
