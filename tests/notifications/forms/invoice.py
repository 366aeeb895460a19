"""The form of the tests' stories: how much of an invoice is approved, and where it is booked."""

from typing import Any

from notifications.forms.fields import Form, form_of
from notifications.types import Json
from tests.support.story import Story

VARIABLES: Json = {"amount": 1000, "currency": "EUR", "cost_center": "4100", "iban": "DE02"}


def invoice_form(**ui: Any) -> Json:
    """All kinds of fields. `ui`: further members of its ui part."""
    return {
        "schema": {
            "type": "object",
            "properties": {
                "amount": {"type": "number", "title": "Amount", "minimum": 0, "maximum": 5000},
                "cost_center": {"type": "string", "title": "Cost centre", "pattern": "^\\d{4}$"},
                "pay_on": {"type": "string", "format": "date", "title": "Pay on", "formatMinimum": "2026-11-01"},
                "account": {
                    "type": "string",
                    "title": "Account",
                    "oneOf": [{"const": "travel", "title": "Travel"}, {"const": "office"}],
                },
                "checks": {
                    "type": "array",
                    "title": "Checked",
                    "items": {"enum": ["price", "pieces", "tax"]},
                    "minItems": 2,
                },
                "asset": {"type": "boolean", "title": "An asset"},
                "pieces": {"type": "integer", "title": "Pieces", "minimum": 1},
                "note": {"type": "string", "title": "Note", "maxLength": 200},
                "iban": {"type": "string", "title": "IBAN"},
            },
            "required": ["amount", "account"],
        },
        "ui": {
            "order": ["amount", "account"],
            "fields": {
                "amount": {"kind": "money", "title": {"en": "Amount", "de": "Betrag"}, "help": "Of this invoice."},
                "account": {"choices": {"office": {"en": "Office", "de": "Büro"}}},
                "note": {"kind": "long_text"},
                "iban": {"sensitive": True},
            },
            **ui,
        },
    }


APPROVED: Json = {
    "amount": 900.5,
    "account": "office",
    "cost_center": "4200",
    "pay_on": "2026-12-01",
    "checks": ["price", "tax"],
    "asset": False,
    "pieces": 3,
    "note": "Twelve were ordered.\nNine came.",
    "iban": "DE99",
}


def read(form: Json, variables: Json) -> Form:
    """The form of a task's data, which can be used."""
    found = form_of({"task": {"form": form}, "variables": variables})
    assert found is not None
    return found


def ask(
    story: Story, task_id: str = "T-42", *, form: Json | None = None, variables: Json | None = None, **task: Any
) -> None:
    """An invoice is Bob's, unless the story says otherwise, to be approved by the form."""
    said = {"id": task_id, "name": "Approve invoice 4711", "kind": "approval", "assignee": "bob", **task}
    data = {"task": {**said, "form": form or invoice_form()}, "variables": variables or VARIABLES}
    story.happen("task.assigned", data, minute=0)
