"""Files to copy into an engine so that it calls us: those in samples/, with address, engine and key filled in.

docs/engines/ shows the same files.
"""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "samples"
BASE, KEY, SLUG = "https://wfpush.example", "wfp_…", "claims"
"""Placeholders in the files for the installation's address, the engine's key and its slug."""
INNER = re.compile(r"\{\{ ([\w.]+) \}\}")
EVENTS = "/api/v1/events"


@cache
def text_of(name: str) -> str:
    """Return a file, with the files that it names."""
    text = (FOLDER / name).read_text(encoding="utf-8").rstrip()
    return INNER.sub(lambda inner: text_of(inner[1]), text)


def filled_in(name: str, *, base: str, key: str, slug: str) -> str:
    return text_of(name).replace(BASE, base).replace(f"/engines/{SLUG}/", f"/engines/{slug}/").replace(KEY, key)


def example_of(name: str, ref: str = "") -> Any:
    """Return an engine's JSON of an open task. `ref`: its assignee, if not the example's own."""
    document = json.loads(text_of(name))
    if ref:
        task = document["data"]["task"] if "specversion" in document else document
        task["assignee"] = ref
    return document


def curl(name: str, *, base: str, key: str, slug: str, ref: str = "") -> str:
    """Return a command that sends the example like the engine: JSON of its own goes to an address of its own."""
    document = example_of(name, ref)
    path = EVENTS if "specversion" in document else f"/api/v1/engines/{slug}/events"
    body = json.dumps(document, ensure_ascii=False, indent=1).replace("'", "\\u0027")
    return f"curl -i {base}{path} -H 'X-API-Key: {key}' \\\n  -H 'Content-Type: application/json' -d '{body}'"
