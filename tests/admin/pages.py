"""Addresses of the desk, and what stands on its pages."""

import html
import re
from typing import Any

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from tests.support.unrendered import contexts_alone


def list_of(model: type[Model], query: str = "") -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist") + (
        f"?{query}" if query else ""
    )


def page_of(row: Model, action: str = "") -> str:
    """A row's form, or the page of one of its actions."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_{action or 'change'}"
    return reverse(name, args=[row.pk])


def adding(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_add")


def text_of(response: Any) -> str:
    """What a reader sees: no tags, no runs of blanks."""
    body = re.sub(r"(?s)<(script|style|svg).*?</\1>", " ", response.content.decode())
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def press(client: Client, address: str, **fields: Any) -> Any:
    """Press the one button of a page that asks before it does; returns the page one lands on."""
    question = client.get(address)
    assert question.status_code == 200, f"{address}: {question.status_code}"
    return client.post(address, fields, follow=True)


def choose(client: Client, rows: list[Any], action: str) -> Any:
    """Tick rows of a list and run an action on them."""
    fields = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    return client.post(list_of(type(rows[0])), fields, follow=True)


def form_at(client: Client, address: str) -> Any:
    """The page of a form, of which nobody reads more than its fields: it is not rendered."""
    with contexts_alone():
        answer = client.get(address)
    assert answer.status_code == 200, f"{address}: {answer.status_code}"
    return answer


def filled(response: Any, **changes: Any) -> dict[str, Any]:
    """The fields of a form as the page holds them, inlines included, with some of them changed."""
    fields: dict[str, Any] = {}
    known: set[str] = set()
    for form in _forms(response.context):
        for bound in form:
            known.update([bound.html_name, *_part_names(bound)])
            _write(fields, bound)
    for name in changes:
        assert name in known or name.startswith(("_", "notifications_")) or "-" in name, f"the form has no field {name}"
    return {**fields, **changes}


def save_form(client: Client, row: Model, **changes: Any) -> Any:
    """The page after a row's form was sent with some of its fields changed."""
    return client.post(page_of(row), filled(form_at(client, page_of(row)), **changes), follow=True)


def add_row(client: Client, model: type[Model], **fields: Any) -> Any:
    """The page after the form of a new row was sent."""
    return client.post(adding(model), filled(form_at(client, adding(model)), **fields), follow=True)


def errors_of(page: Any, prefix: str) -> dict[str, Any]:
    """The errors of the first row of a formset."""
    [errors] = [each.formset.errors for each in page.context["inline_admin_formsets"] if each.formset.prefix == prefix]
    return dict(errors[0])


def rows_of(client: Client, model: type[Model], query: str = "") -> list[Any]:
    """The rows that a list shows."""
    return list(client.get(list_of(model, query)).context["cl"].result_list)


def _forms(context: Any) -> list[Any]:
    formsets = [inline.formset for inline in context.get("inline_admin_formsets") or []]
    forms = [context["adminform"].form]
    for formset in formsets:
        forms += [formset.management_form, *formset.forms]
    return forms


def _part_names(bound: Any) -> list[str]:
    """The names of what a field with several widgets sends."""
    widget = bound.field.widget
    names = getattr(widget, "widgets_names", [f"_{index}" for index in range(len(getattr(widget, "widgets", ())))])
    return [f"{bound.html_name}{name}" for name in names]


def _write(fields: dict[str, Any], bound: Any) -> None:
    value = bound.value()
    widget = bound.field.widget
    if hasattr(widget, "decompress"):
        parts = value if isinstance(value, list) else widget.decompress(value)
        sent = zip(_part_names(bound), parts, strict=True)
        fields.update({name: "" if part is None else part for name, part in sent})
    elif isinstance(value, bool):
        fields.update({bound.html_name: "on"} if value else {})
    elif isinstance(value, list | tuple):
        fields[bound.html_name] = [getattr(each, "pk", each) for each in value]
    else:
        fields[bound.html_name] = "" if value is None else getattr(value, "pk", value)
