"""The history of configuration objects: what each change was, in words; any two times compared; restoring."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from simple_history.admin import SimpleHistoryAdmin

from notifications.admin.history_states import Difference, State, differences, state_of, state_then
from notifications.admin.invalid_ids import is_id
from notifications.admin.restoring import CannotRestore, names_of, restore, say_why_not
from notifications.admin.words import change_url, list_url, page_url
from notifications.models.history import as_one, newest_record, part_names


class HistoryPages(SimpleHistoryAdmin):
    """Mixin for lists whose rows have a history. Invalid ids in its addresses raise Http404."""

    kept_when_restored: Sequence[str] = ()
    """Fields that the system keeps: restoring leaves them as they are."""

    history_list_per_page = 25
    object_history_template = "admin/desk/history.html"

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
        """All changes, the newest first, also of deleted rows. `?a=` and `?b=` are two records to compare."""
        key = unquote(object_id)
        if not is_id(self.model._meta.pk, key):
            raise Http404
        row = self.get_object(request, key)
        context = {
            "opts": None,
            "compared": self._compared(request, key),
            "a": request.GET.get("a", ""),
            "b": request.GET.get("b", ""),
            "may_restore": row is not None and self.has_change_permission(request, row),
            "back": change_url(row) if row is not None else list_url(self.model),
            "record_url": f"{self.opts.app_label}_{self.opts.model_name}_simple_history",
        }
        response: HttpResponse = super().history_view(request, object_id, context)
        return response

    def history_view_title(self, request: HttpRequest, obj: Any) -> str:
        return _("History of %(row)s") % {"row": obj}

    def set_history_delta_changes(self, request: HttpRequest, historical_records: Any, *_options: Any) -> None:
        """Compare each record with the one before it, which may stand on the next page. None: that is unknown."""
        page = historical_records
        start = page.start_index() - 1 if len(page) else 0
        states = [state_then(record) for record in page.paginator.object_list[start : start + len(page) + 1]]
        for at, record in enumerate(page):
            is_known = record.history_type != "+" and at + 1 < len(states)
            record.differences = differences(states[at + 1], states[at]) if is_known else None

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """GET: what restoring would change. POST: restores."""
        row = self._row(request, object_id)
        record = row.history.filter(pk=version_id).first() if self._is_record(version_id) else None
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
        row = self.get_object(request, object_id) if is_id(self.model._meta.pk, object_id) else None
        if row is None:
            raise Http404(_("There is no such row; it may have been deleted."))
        if not self.has_view_history_or_change_history_permission(request, row):
            raise PermissionDenied
        return row

    def _is_record(self, value: str) -> bool:
        return is_id(self.model.history.model._meta.pk, value)

    def _compared(self, request: HttpRequest, key: str) -> list[Difference] | None:
        """The earlier of both first, however they were chosen."""
        chosen = [value for name in ("a", "b") if (value := request.GET.get(name, "")) and self._is_record(value)]
        if len(chosen) < 2:
            return None
        history = self.model.history.filter(**{self.model._meta.pk.attname: key}, pk__in=chosen)
        records = list(history.order_by("history_date", "history_id"))
        if not records:
            raise Http404
        return differences(state_then(records[0]), state_then(records[-1]))
