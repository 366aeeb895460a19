"""inbox_words.json: what the inbox says of an item, and in which order items stand.

Both who say so are tested with it: the server (tests/notifications/items/test_inbox_words.py), and the modules of
pages and service worker (tests/browsers/test_inbox_words.py).
"""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("inbox_words.json")
CASES: dict[str, list[dict[str, Any]]] = json.loads(FILE.read_text(encoding="utf-8"))
NAMES = {"alice": "Alice", "bob": "Bob", "carol": "Carol"}


def case_id(case: dict[str, Any]) -> str:
    return str(case.get("text") or case.get("exact") or ", ".join(case.get("labels", [])) or "nothing")[:60]
