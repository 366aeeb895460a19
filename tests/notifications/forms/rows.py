"""A form with a table: what was delivered of an order."""

from notifications.types import Json

GIVEN: Json = {
    "currency": "EUR",
    "lines": [{"article": "Pump", "pieces": 2, "price": 30, "id": 7}, {"article": "Valve", "price": "12.5"}],
}


def delivery_form(**ui: object) -> Json:
    """A table whose rows begin with the variable `lines`. `ui`: further members of what `ui` says of it."""
    columns: Json = {
        "pieces": {"type": "integer", "title": "Pieces", "minimum": 1},
        "article": {"type": "string", "title": "Article"},
        "price": {"type": "number", "title": "Price", "minimum": 0},
        "state": {"type": "string", "title": "State", "enum": ["whole", "broken"]},
    }
    items: Json = {"type": "object", "properties": columns, "required": ["article"], "additionalProperties": False}
    said = {
        "kind": "rows",
        "order": ["article"],
        "columns": {
            "article": {"title": {"en": "Article", "de": "Artikel"}},
            "price": {"kind": "money"},
            "state": {"choices": {"whole": {"en": "Whole", "de": "Ganz"}}},
        },
        "sum": "price",
        **ui,
    }
    lines = {"type": "array", "title": "Lines", "items": items, "maxItems": 4}
    return {
        "schema": {"type": "object", "properties": {"lines": lines, "note": {"type": "string", "title": "Note"}}},
        "ui": {"order": ["lines"], "fields": {"lines": said}},
    }
