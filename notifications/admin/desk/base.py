"""The base classes of the desk's lists and forms."""

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin import site
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet, UUIDField
from django.forms import BaseForm, Media
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import Promise, cached_property
from django.utils.module_loading import import_string
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from unfold.admin import ModelAdmin, TabularInline
from unfold.views import ChangeList

from notifications.additions import DeskPanel
from notifications.admin.desk.decorators import columns_of, row_link
from notifications.admin.desk.display import NOTHING, change_url
from notifications.admin.desk.history_pages import HistoryPages
from notifications.admin.desk.invalid_ids import AutocompleteMixin, PagedFormSet
from notifications.fixed_rows import why_fixed
from notifications.models import Engine
from wfpush import features

MAX_MATCHES = 500
"""Maximum number of rows, the newest, that a search reads for each of its lookups."""

NEWEST = 100_000
"""Number of the newest rows in which a search looks for values without an index, such as parts of names."""

ENGINE_IDS = ("task_id", "case_id")
"""Ids that are looked up together with all engines, because the index begins with the engine."""

FILTER_SUFFIXES = ("exact", "id__exact", "isnull", "pk__exact")
"""The suffixes of lookups that filters use in addresses."""

MAX_COUNT = 10_000
"""The largest number that lists count to. Nobody pages further, and counting would cost more than the page."""


SLUG_SCRIPTS = {
    f"admin/js/{name}{minified}.js"
    for name in ("urlify", "prepopulate", "vendor/xregexp/xregexp")
    for minified in ("", ".min")
}
"""Scripts of Django's `ModelAdmin.media` that fill in slugs."""


class BoundedPaginator(Paginator):
    """A paginator that counts at most MAX_COUNT rows."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[:MAX_COUNT].count() if isinstance(rows, QuerySet) else len(rows)


class DeskChangeList(ChangeList):
    """A list whose title is its name. It shows the number of all rows only when a filter or search hides some."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.is_popup:
            self.title = capfirst(self.opts.verbose_name_plural)

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        if not self.query and not self.has_active_filters:
            self.full_result_count = self.result_count


class DeskAdmin(AutocompleteMixin, ModelAdmin):
    """A list and a form of the desk."""

    empty_says: str | Promise
    """The text of the empty list: what it shows, why it is empty, and what to do."""
    list_per_page = 50
    show_full_result_count = False
    list_disable_select_all = True
    list_filter_sheet = True
    compressed_fields = True
    empty_value_display = NOTHING
    warn_unsaved_form = True
    paginator: Any = BoundedPaginator
    parts: Sequence[type[Model]] = ()
    """Models whose rows are deleted with a row of this list, though their own lists are read-only."""
    fixed_fields: Sequence[str] = ()
    """Fields that cannot be changed once the row exists."""
    shown_with: Sequence[str] = ()
    """Fields that are shown with the names of rows where users choose one: names may be the same."""
    list_prefetch_related: Sequence[Any] = ()
    """Lookups that are prefetched for the list and for a row's own page, beside `list_select_related`."""

    @property
    def media(self) -> Media:
        """Return the media without Django's scripts that fill in slugs: slugs.js replaces their 50 kB."""
        media: Media = super().media
        css, scripts = media._css, media._js  # type: ignore[attr-defined]  # merged from all parts
        return Media(css=css, js=[script for script in scripts if script not in SLUG_SCRIPTS])

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return [*super().get_readonly_fields(request, obj), *(self.fixed_fields if obj else ())]

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return columns_of(self.model, super().get_list_display(request))

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        return rows.prefetch_related(*self.list_prefetch_related)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[Any, Any, set[str], Any]:
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, set(lacking) - {part._meta.verbose_name for part in self.parts}, protected

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        """Search by our own id first, as traces and logs show it; then by the fields of the list."""
        if self._has_uuids and (identifier := as_uuid(search_term)) is not None:
            own_rows = queryset.filter(pk=identifier)
            if own_rows.exists():  # ids of many engines look like ours, too
                return own_rows, False
        matches: tuple[QuerySet[Any], bool] = super().get_search_results(request, queryset, search_term)
        return matches

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only the lookups of this list's filters, and of links on the desk, which name related rows or choices.

        Django allows lookups of any field of the model. With those, a user could guess a secret letter by letter.
        """
        for listed in self.get_list_filter(request):
            if isinstance(listed, type):
                if lookup == getattr(listed, "parameter_name", None):
                    return True
            else:
                path = str(listed[0] if isinstance(listed, tuple) else listed)
                if lookup in {path, *(f"{path}__{how}" for how in FILTER_SUFFIXES)}:
                    return True
        return lookup in self._link_lookups()

    def _link_lookups(self) -> set[str]:
        """Return the lookups for keys of related rows and for choices of fields, which are not secret."""
        related = {field.name for field in self.opts.get_fields() if field.is_relation and not field.auto_created}
        choices = {field.name for field in self.opts.fields if field.choices}
        return {f"{name}__id__exact" for name in related} | {f"{name}__exact" for name in choices}

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return DeskChangeList

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fold_prepopulated(super().get_fieldsets(request, obj))

    def fold_prepopulated(self, fieldsets: Any) -> list[Any]:
        """Move fields that are filled in from others, such as slugs, to the end. They are folded unless they have
        errors."""
        filled = list(self.prepopulated_fields)
        others = [
            (title, {**options, "fields": [each for each in options["fields"] if each not in filled]})
            for title, options in fieldsets
        ]
        for name in filled:
            title = capfirst(self.model._meta.get_field(name).verbose_name)
            others.append((title, {"fields": [name], "classes": ["collapse"]}))
        return others

    def get_inlines(self, request: HttpRequest, obj: Any | None) -> "Sequence[type[InlineModelAdmin[Any, Any]]]":
        label = self.model._meta.label_lower
        panels = [each for each in features.added(DeskPanel) if each.model == label and (each.first or obj is not None)]
        first, last = (
            [import_string(each.inline) for each in panels if each.first is is_first and each.is_shown(obj)]
            for is_first in (True, False)
        )
        return [*first, *super().get_inlines(request, obj), *last]

    # --- rows that are owned elsewhere --------------------------------------------------------------------------------
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_change_permission(request, obj)) and not _is_fixed(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(super().has_delete_permission(request, obj)) and not _is_fixed(obj)

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> HttpResponse:
        row = kwargs.get("obj")
        if row is not None and (sentence := why_fixed(row)):
            self.message_user(request, sentence, messages.INFO)
        response: HttpResponse = super().render_change_form(request, context, *args, **kwargs)
        return response

    # --- which actions a row offers ---------------------------------------------------------------------------------
    def offers(self, action: str, row: Any) -> bool:
        """Return whether this action makes sense for this row. Permissions are checked elsewhere."""
        return True

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        return self._offered_actions(request, object_id, super().get_actions_detail(request, object_id))

    def get_actions_submit_line(self, request: HttpRequest, object_id: Any) -> list[Any]:
        return self._offered_actions(request, object_id, super().get_actions_submit_line(request, object_id))

    def _offered_actions(self, request: HttpRequest, object_id: Any, actions: list[Any]) -> list[Any]:
        row = self.get_object(request, str(object_id)) if actions else None
        start = f"{self.opts.app_label}_{self.opts.model_name}_"
        return [each for each in actions if row is not None and self.offers(each.action_name.removeprefix(start), row)]

    @property
    def _has_uuids(self) -> bool:
        return isinstance(self.model._meta.pk, UUIDField)

    # --- helpers of actions and pages -------------------------------------------------------------------------------
    def get_row(self, request: HttpRequest, object_id: str) -> Any:
        """Return the row of an action or page. Raise Http404 or PermissionDenied."""
        row = self.get_object(request, str(object_id))
        if row is None:
            raise Http404(_("There is no such row; it may have been deleted."))
        if not self.has_view_permission(request, row):
            raise PermissionDenied
        return row

    def page(self, request: HttpRequest, template: str, title: str, **context: Any) -> TemplateResponse:
        request.current_app = self.admin_site.name
        shown = {**self.admin_site.each_context(request), "opts": None, "title": title, "model_admin": self, **context}
        return TemplateResponse(request, template, shown)

    def ask(
        self,
        request: HttpRequest,
        row: Model,
        *,
        title: str,
        text: str,
        button: str | None = None,
        form: BaseForm | None = None,
        danger: bool = False,
        **context: Any,
    ) -> TemplateResponse:
        """Return a page that asks for confirmation and whose button runs the action by POST. The button's label is
        `button`, else the title; an empty string hides it."""
        context |= {"row": row, "back": change_url(row), "text": text, "form": form, "danger": danger}
        context["button"] = title if button is None else button
        return self.page(request, "admin/desk/confirm.html", title, **context)

    def done(self, request: HttpRequest, row: Model, text: str, level: int = messages.SUCCESS) -> HttpResponse:
        """Show what happened on the row's page and, when it succeeded, write it to the row's log."""
        self.message_user(request, text, level)
        if level == messages.SUCCESS:
            self.log(request, row, text)
        return HttpResponseRedirect(change_url(row))

    def log_of_list(self, request: HttpRequest, text: str) -> None:
        """Log an action that concerns no single row."""
        LogEntry.objects.create(
            user_id=cast(int, request.user.pk),
            content_type=ContentType.objects.get_for_model(self.model),
            object_repr=str(capfirst(self.opts.verbose_name_plural)),
            action_flag=CHANGE,
            change_message=text,
        )

    def log(self, request: HttpRequest, row: Model, text: str) -> None:
        LogEntry.objects.log_actions(cast(int, request.user.pk), [row], CHANGE, text, single_object=True)


def _is_fixed(row: Any) -> bool:
    return isinstance(row, Model) and bool(why_fixed(row))


ACTIONS = ("actions", "actions_list", "actions_detail")
"""Attributes of a list with the names of its actions: on chosen rows, above the list, and on one row."""


def extend(model: type[Model], extension: type[DeskAdmin]) -> None:
    """Register the list of a model anew, with the methods of a feature's class, and its actions before the others."""
    present = type(site.get_model_admin(model))
    actions = {name: [*getattr(extension, name), *getattr(present, name)] for name in ACTIONS}
    site.unregister(model)
    site.register(model, type(present.__name__, (extension, present), actions))


class HistoryAdmin(HistoryPages, DeskAdmin):
    """A list of configuration, whose rows have a history of changes."""


class LedgerAdmin(DeskAdmin):
    """A list of records that can be read and not edited. Actions on them have permissions of their own."""

    list_filter_submit = False
    warn_unsaved_form = False
    found_by: Sequence[str] = ()
    """Lookups of the search box. Each is run by itself with exactly the typed text, so that it can use its index."""
    without_index: Sequence[str] = ()
    """Lookups of `found_by` without an index. They read the newest rows only, as `icontains` lookups always do."""

    def get_search_fields(self, request: HttpRequest) -> Sequence[str]:
        return self.found_by or super().get_search_fields(request)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        if not self.found_by or not term:
            return super().get_search_results(request, queryset, search_term)
        if not term.isprintable():
            return queryset.none(), False
        identifier = as_uuid(term) if self._has_uuids else None
        keys: set[Any] = {identifier} if identifier else set()  # engines use such ids, too, so the search goes on
        engines = list(Engine.objects.values_list("pk", flat=True))
        for lookup in self.found_by:
            rows = queryset.filter(**{lookup: term})
            path, _separator, name = lookup.rpartition("__")
            if name == "icontains" or lookup in self.without_index:
                rows = self._newest(rows)
            if name in ENGINE_IDS:
                rows = rows.filter(**{f"{path}__engine__in" if path else "engine__in": engines})
            matches = rows.order_by("-pk").values_list("pk", flat=True)
            keys.update(matches[:MAX_MATCHES])
        return queryset.filter(pk__in=keys), False

    def _newest(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        oldest = self.model._default_manager.order_by("-pk").values_list("pk", flat=True)[NEWEST - 1 : NEWEST].first()
        return rows if oldest is None else rows.filter(pk__gte=oldest)

    def get_inline_formsets(self, request: HttpRequest, formsets: Any, *args: Any, **kwargs: Any) -> list[Any]:
        """Return the tables of related rows that have any."""
        tables: list[Any] = super().get_inline_formsets(request, formsets, *args, **kwargs)
        return [table for table in tables if table.formset.total_form_count()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user may run actions; only actions need the permission to change a ledger's rows."""
        return self.may(request)

    def may(self, request: HttpRequest, verb: str = "change") -> bool:
        """Return whether the user has the model's own permission, which only the ledger's actions need."""
        return request.user.has_perm(f"{self.opts.app_label}.{verb}_{self.opts.model_name}")


class ReadOnlyInline(TabularInline):
    """A read-only table of rows that belong to the row of the page."""

    formset = PagedFormSet
    extra = 0
    can_delete = False
    show_change_link = True
    hide_title = True
    tab = False
    per_page = 50
    related: Sequence[str] = ()
    """Relations that the names of the rows need; they are read in the same query."""

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        columns = columns_of(self.model, self.fields)
        return [*columns, row_link] if self.show_change_link and self.admin_site.is_registered(self.model) else columns

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().get_queryset(request)
        rows = rows if rows.ordered else rows.order_by("pk")  # pages of rows without an order would overlap
        return rows.select_related(*self.related) if self.related else rows

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def as_uuid(text: str) -> UUID | None:
    try:
        return UUID(text.strip())
    except ValueError:
        return None


def count_words(done: int, total: int, what: str) -> str:
    """Return the message after a bulk action, with the number of rows that were skipped."""
    if done == total:
        return _("%(what)s: %(done)d.") % {"what": what, "done": done}
    return _("%(what)s: %(done)d of %(asked)d; the others were not possible.") % {
        "what": what,
        "done": done,
        "asked": total,
    }
