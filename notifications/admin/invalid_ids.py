"""Invalid ids in addresses and forms.

Django's and simple_history's pages look them up unchecked: text where a number belongs would end in 500.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.utils import unquote
from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Field
from django.http import Http404, HttpRequest, HttpResponse
from simple_history.admin import SimpleHistoryAdmin
from unfold.forms import PaginationInlineFormSet
from unfold.mixins import BaseModelAdminMixin


def is_id(field: "Field[Any, Any]", value: Any) -> bool:
    try:
        return field.to_python(value) is not None
    except ValidationError:
        return False


class ChooseOne(AutocompleteSelect):
    """A choice field for which a value that is no id is an invalid choice."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, _ids(self.field, value), attr)


class ChooseSome(AutocompleteSelectMultiple):
    """The same for several choices."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, _ids(self.field, value), attr)


def _ids(relation: Any, values: Sequence[str]) -> list[str]:
    return [value for value in values if is_id(relation.remote_field.model._meta.pk, value)]


class Choosing(BaseModelAdminMixin):
    """Mixin for lists and inlines with `autocomplete_fields`."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseOne(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseSome(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class PagedFormSet(PaginationInlineFormSet):
    """Rows by pages. unfold takes `²` for a number."""

    def get_page_num(self) -> int:
        try:
            return int(super().get_page_num())
        except ValueError:
            return 1


class HistoryPages(SimpleHistoryAdmin):
    """The history of a row, and one change of it, to which whoever may change the row can put it back: simple_history
    would let everybody who may see the page. Both raise Http404 for an invalid id.
    """

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        self._must_be_ids((self.model._meta.pk, unquote(object_id)))
        page: HttpResponse = super().history_view(request, object_id, extra_context)
        return page

    def history_form_view(
        self, request: HttpRequest, object_id: str, version_id: str, extra_context: Any = None
    ) -> HttpResponse:
        history = getattr(self.model, self.model._meta.simple_history_manager_attribute).model
        self._must_be_ids((self.model._meta.pk, object_id), (history._meta.pk, version_id))
        if request.method != "GET" and not self.has_change_permission(request, self.get_object(request, object_id)):
            raise PermissionDenied
        page: HttpResponse = super().history_form_view(request, object_id, version_id, extra_context)
        return page

    def _must_be_ids(self, *given: tuple[Any, str]) -> None:
        if not all(is_id(field, value) for field, value in given):
            raise Http404("There is no such row.")
