"""Forms as engines write them."""

from notifications.types import Json

CAMUNDA: Json = {
    "type": "default",
    "id": "approve-order",
    "schemaVersion": 17,
    "executionPlatform": "Camunda Cloud",
    "components": [
        {"type": "text", "text": "# Approve the order", "id": "Field_0"},
        {
            "type": "number",
            "key": "amount",
            "label": "Amount",
            "decimalDigits": 2,
            "appearance": {"suffixAdorner": "EUR"},
            "validate": {"required": True, "min": 0, "max": 5000},
        },
        {
            "type": "group",
            "label": "Booking",
            "components": [
                {
                    "type": "select",
                    "key": "account",
                    "label": "Account",
                    "values": [{"label": "Travel", "value": "travel"}, {"label": "Office", "value": "office"}],
                    "validate": {"required": True},
                },
                {"type": "radio", "key": "plant", "label": "Plant", "valuesKey": "plants"},
                {"type": "select", "key": "tax", "label": "Tax", "valuesExpression": "=rates"},
            ],
        },
        {"type": "group", "path": "order", "components": [{"type": "textfield", "key": "remark", "label": "Remark"}]},
        {"type": "datetime", "subtype": "date", "key": "pay_on", "dateLabel": "Pay on"},
        {"type": "datetime", "subtype": "datetime", "key": "call_at", "dateLabel": "Call at"},
        {"type": "checkbox", "key": "asset", "label": "An asset", "defaultValue": True},
        {
            "type": "checklist",
            "key": "checks",
            "label": "Checked",
            "values": [{"label": "Price", "value": "price"}, {"label": "Tax", "value": "tax"}],
        },
        {"type": "textfield", "key": "mail", "label": "Mail", "validate": {"validationType": "email"}},
        {"type": "textfield", "key": "code", "label": "Code", "validate": {"pattern": "^[A-Z]{3}$", "maxLength": 900}},
        {"type": "textfield", "key": "odd", "label": "Odd", "validate": {"pattern": "(?=a)", "required": True}},
        {
            "type": "textarea",
            "key": "why",
            "label": '="Why, " + name',
            "description": "In a sentence.",
            "validate": {"required": True, "maxLength": "=n"},
            "conditional": {"hide": "=amount < 100"},
        },
        {
            "type": "textfield",
            "key": "trip",
            "label": "Trip",
            "validate": {"required": True},
            "conditional": {"hide": '=account != "travel"'},
        },
        {
            "type": "textfield",
            "key": "odd_one",
            "label": "Odd one",
            "validate": {"required": True},
            "conditional": {"hide": "=count(items) > 3"},
        },
        {
            "type": "textfield",
            "key": "far",
            "label": "Far",
            "validate": {"required": True},
            "conditional": {"hide": '=somewhere = "near"'},
        },
        {"type": "textfield", "key": "seen", "label": "Seen", "readonly": True},
        {"type": "filepicker", "key": "receipt", "label": "Receipt", "validate": {"required": True}},
        {"type": "dynamiclist", "path": "positions", "label": "Positions", "components": []},
        {
            "type": "dynamiclist",
            "path": "lines",
            "label": "Lines",
            "defaultRepetitions": 1,
            "components": [
                {"type": "text", "text": "A line", "id": "Field_9"},
                {"type": "textfield", "key": "article", "label": "Article", "validate": {"required": True}},
                {"type": "number", "key": "price", "label": "Price", "defaultValue": 5, "validate": {"min": 0}},
                {
                    "type": "checkbox",
                    "key": "fragile",
                    "label": "Fragile",
                    "validate": {"required": True},
                    "conditional": {"hide": "=price < 5"},
                },
            ],
        },
        {
            "type": "dynamiclist",
            "path": "seen_lines",
            "label": "Seen lines",
            "components": [
                {"type": "textfield", "key": "article", "readonly": True},
                {"type": "number", "key": "price"},
            ],
        },
        {"type": "button", "label": "Send", "key": "send"},
    ],
}

FLOWABLE: Json = {
    "id": "8f2a",
    "name": "Approve order",
    "key": "approve-order",
    "version": 1,
    "fields": [
        {"fieldType": "FormField", "id": "head", "name": "Order", "type": "headline"},
        {
            "fieldType": "ContainerFormField",
            "id": "box",
            "type": "container",
            "fields": {
                "1": [
                    {
                        "fieldType": "FormField",
                        "id": "amount",
                        "name": "Amount",
                        "type": "amount",
                        "required": True,
                        "params": {"currency": "EUR"},
                    }
                ]
            },
        },
        {
            "fieldType": "OptionFormField",
            "id": "account",
            "name": "Account",
            "type": "dropdown",
            "required": True,
            "hasEmptyValue": True,
            "options": [{"name": "Please choose"}, {"name": "Travel"}, {"name": "Office"}],
        },
        {"fieldType": "FormField", "id": "pay_on", "name": "Pay on", "type": "date", "value": None},
        {"fieldType": "FormField", "id": "asset", "name": "An asset", "type": "boolean", "value": True},
        {"fieldType": "FormField", "id": "pieces", "name": "Pieces", "type": "integer", "placeholder": "At least one"},
        {
            "fieldType": "FormField",
            "id": "code",
            "name": "Code",
            "type": "text",
            "params": {"minLength": "3", "regexPattern": "^[A-Z]+$"},
        },
        {"fieldType": "FormField", "id": "why", "name": "Why", "type": "multi-line-text"},
        {"fieldType": "FormField", "id": "seen", "name": "Seen", "type": "text", "readOnly": True},
        {"fieldType": "FormField", "id": "receipt", "name": "Receipt", "type": "upload", "required": True},
        {"fieldType": "FormField", "id": "colleague", "name": "Colleague", "type": "people"},
    ],
    "outcomes": [],
}

FORM_DATA: Json = {
    "formKey": None,
    "taskId": "42",
    "formProperties": [
        {"id": "room", "name": "Room", "type": "string", "value": "12", "writable": True, "required": True},
        {"id": "size", "type": "enum", "enumValues": [{"id": "s", "name": "Small"}, {"id": "l", "name": "Large"}]},
        {"id": "seen", "name": "Seen", "type": "string", "writable": False},
        {"id": "nights", "name": "Nights", "type": "long"},
        {"id": "who", "name": "Who", "type": "user"},
    ],
}
