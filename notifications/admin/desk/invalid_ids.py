"""Handling of invalid ids in addresses and forms.

Django's pages look ids up unchecked: text in place of a number would cause a 500.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError
from django.db.models import Field
from django.http import HttpRequest
from unfold.forms import PaginationInlineFormSet
from unfold.mixins import BaseModelAdminMixin


def is_id(field: "Field[Any, Any]", value: Any) -> bool:
    try:
        return field.to_python(value) is not None
    except ValidationError:
        return False


class ChooseOne(AutocompleteSelect):
    """A choice field that takes a value that is no id as an invalid choice."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, _ids(self.field, value), attr)


class ChooseSome(AutocompleteSelectMultiple):
    """A multiple-choice field that takes a value that is no id as an invalid choice."""

    def optgroups(self, name: str, value: Sequence[str], attr: Any = None) -> Any:
        return super().optgroups(name, _ids(self.field, value), attr)


def _ids(relation: Any, values: Sequence[str]) -> list[str]:
    return [value for value in values if is_id(relation.remote_field.model._meta.pk, value)]


class AutocompleteMixin(BaseModelAdminMixin):
    """A mixin for lists and inlines with `autocomplete_fields`."""

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseOne(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs.setdefault("widget", ChooseSome(db_field, self.admin_site, using=kwargs.get("using")))
        return super().formfield_for_manytomany(db_field, request, **kwargs)


class PagedFormSet(PaginationInlineFormSet):
    """A formset with pages. It falls back to page 1 for digits such as `²`, which unfold takes for a number."""

    def get_page_num(self) -> int:
        try:
            return int(super().get_page_num())
        except ValueError:
            return 1
