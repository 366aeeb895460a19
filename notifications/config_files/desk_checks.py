"""Asks the desk's forms about a row: whether somebody who opens its page and saves it unchanged would be refused."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db.models import CharField, TextField
from django.forms import BaseForm, CheckboxInput, Form, MultiWidget, SelectMultiple, Widget
from django.http import HttpRequest, QueryDict
from django.test import RequestFactory
from unfold.forms import PaginationInlineFormSet

from notifications.config_files.columns import Column
from notifications.config_files.fixed import lifted
from notifications.config_files.kinds import Part

Fault = tuple[tuple[Any, ...], str]
"""The path of a member, and a sentence."""


def desk_faults(row: Any, columns: Mapping[str, Column], parts: Iterable[Part]) -> Iterator[Fault]:
    """Yield what the forms of a row's page refuse, or would store as another value."""
    if not site.is_registered(type(row)):
        return
    faults: list[Fault] = []
    try:
        with lifted():
            for fault in _faults_of_page(row, columns, list(parts)):
                faults.append(fault)
                yield fault
    except (AttributeError, KeyError, TypeError, ValueError) as exc:  # a form meets a value that no form can make
        if not faults:
            yield (), ("The desk's page cannot show this: {error}").format(error=f"{type(exc).__name__} {exc}")


def _faults_of_page(row: Any, columns: Mapping[str, Column], parts: Iterable[Part]) -> Iterator[Fault]:
    admin, request = site.get_model_admin(type(row)), _request()
    form_class = admin.get_form(request, row, change=True)
    data = QueryDict(mutable=True)
    _fill_in(data, form_class(instance=row))
    form = form_class(data, instance=type(row)._default_manager.get(pk=row.pk))
    yield from _faults_of(form, (), columns)
    for formset_class, inline in admin.get_formsets_with_inlines(request, row):
        part = next((part for part in parts if part.model is inline.model), None)
        if part is not None:
            yield from _formset_faults(part, formset_class, form.instance, row, request)


def _formset_faults(part: Any, formset_class: Any, checked: Any, row: Any, request: HttpRequest) -> Iterator[Fault]:
    options = {"queryset": part.model._default_manager.order_by("pk"), "prefix": part.name}
    if issubclass(formset_class, PaginationInlineFormSet):
        options["request"] = request
    shown = formset_class(instance=row, **options)
    data = QueryDict(mutable=True)
    _fill_in(data, shown.management_form)
    for form in shown.initial_forms:
        _fill_in(data, form)
    data[f"{shown.prefix}-TOTAL_FORMS"] = str(len(shown.initial_forms))
    formset = formset_class(data=data, instance=checked, **options)
    formset.is_valid()
    bodies = part.bodies_of(part.bodies(row))
    for form in formset.initial_forms:
        stored = part.plain(part.model._default_manager.get(pk=form.instance.pk))
        path = (part.name,) if part.is_one else (part.name, bodies.index(stored))
        yield from _faults_of(form, path, part.columns)
    for text in formset.non_form_errors():
        yield (part.name,), str(text)


def _faults_of(form: Any, path: tuple[Any, ...], columns: Mapping[str, Any]) -> Iterator[Fault]:
    for name, texts in form.errors.items():
        for text in texts:
            yield ((*path, name), f"{name}: {text}") if name in form.fields else (path, str(text))
    for name in form.changed_data:
        if isinstance(getattr(columns.get(name), "field", None), CharField | TextField) and name not in form.errors:
            yield (*path, name), f"{name}: " + ("The desk would store this in another form. Remove blanks around it.")


def _request() -> HttpRequest:
    """Return a request of somebody with all rights."""
    request = RequestFactory().get("/")
    request.user = User(is_superuser=True, is_staff=True)
    return request


# --- what a browser would send ----------------------------------------------------------------------------------------
def _fill_in(data: QueryDict, form: BaseForm | Form) -> None:
    for name in form.fields:
        bound = form[name]
        _put(data, bound.field.widget, bound.html_name, bound.value())


def _put(data: QueryDict, field_widget: Widget, name: str, value: Any) -> None:
    widget: Any = getattr(field_widget, "widget", field_widget)  # admin wraps those of relations
    if issubclass(type(widget), MultiWidget):
        values = value if isinstance(value, list | tuple) else widget.decompress(value)
        for part, suffix, each in zip(widget.widgets, widget.widgets_names, values, strict=False):
            _put(data, part, f"{name}{suffix}", each)
    elif isinstance(widget, CheckboxInput):
        if value:
            data[name] = "on"
    elif isinstance(widget, SelectMultiple) or widget.__class__.__name__.endswith("CheckboxSelectMultiple"):
        data.setlist(name, [str(getattr(each, "pk", each)) for each in value or ()])
    else:
        shown = widget.format_value(value)
        shown = shown[0] if isinstance(shown, list) and shown else shown
        if shown not in (None, []):
            data[name] = str(shown)
