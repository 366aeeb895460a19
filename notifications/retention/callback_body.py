"""What an engine was told, without what its person wrote: who answered, when and how stays."""

import json

from notifications.retention.terms import OMITTED

EMPTIED = {"comment": OMITTED, "variables": {}, "types": {}, "attachments": []}
"""Members of an answer."""


def without_words(body: str) -> str:
    event = json.loads(body)
    data = event.get("data")
    if not isinstance(data, dict):
        return body
    for name, value in EMPTIED.items():
        if data.get(name):
            data[name] = value
    message = data.get("message")
    if isinstance(message, dict):
        message["text"] = OMITTED
        message["attachments"] = []
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))
