"""What a form's texts mean, and what is wrong with them: the server says what browsers say
(tests/browsers/test_forms.py)."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.http import QueryDict
from django.utils import translation

from notifications.forms import checking, engine_forms, typed_input
from notifications.forms.fields import Form, form_of
from notifications.types import Json
from notifications.wording.formats import locale_of

VECTORS: Json = json.loads((Path(__file__).parents[2] / "vectors/form_values.json").read_text(encoding="utf-8"))


def form() -> Form:
    found = form_of(engine_forms.stored({"task": {"form": VECTORS["form"]}}))
    assert found is not None
    return found


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: f"{case['language']}-{json.dumps(case['texts'])}")
def test_the_server_reads_and_checks_as_the_vectors_say(case: Any) -> None:
    posted, locale = QueryDict(mutable=True), locale_of(case["language"])
    for name, texts in case["texts"].items():
        posted.setlist(f"value-{name}", texts)
    read = typed_input.read(form(), posted, locale)
    values = checking.normal(form(), read.values)
    found = [*checking.faults_of(form(), values), *read.faults]
    faults = {".".join(str(part) for part in fault.path): fault for fault in found}

    assert values == case["values"]
    with translation.override(case["language"][:2] if case["language"][:2] in ("en", "de") else "en"):
        assert {name: fault.words(locale) for name, fault in faults.items()} == case["faults"]
