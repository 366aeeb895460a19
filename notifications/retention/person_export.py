"""All data stored about one person, as JSON, row by row: docs/operations/data.md, “A person's data”.

Secrets are left out: passwords, keys, tokens and their digests, and addresses by which devices are called.
"""

import base64
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from notifications.additions import PersonalData, Section
from notifications.models import Attachment, AttachmentPiece, Recipient
from wfpush import features

FORMAT = "wfpush person 1"
AT_ONCE = 500
SECRET = {
    "password", "digest", "account_seal", "access_token", "refresh_token", "given_for", "address_kind", "p256dh",
    "auth", "session", "session_hash", "sender", "fingerprint", "lease_token", "lease_until", "sha256",
}  # fmt: skip
"""Names of columns."""
NAMED = ("task__task_id", "case__case_id", "engine__slug", "category__slug", "team__slug", "event__event_id")
"""Names of referenced rows, which are exported beside their keys."""


def sections() -> Mapping[str, Section]:
    """Return the sections by name: those of the core, then those of features."""
    return {name: each for data in features.added(PersonalData) for name, each in data.export.items()}


def export(person: Recipient, now: datetime) -> Iterator[str]:
    """Yield pieces of the JSON, so that only some rows are in memory at a time."""
    head = {"format": FORMAT, "exported_at": now, "ref": person.ref}
    yield "{" + ",\n".join(f"{_json(name)}: {_json(value)}" for name, value in head.items())
    for name, section in sections().items():
        yield f",\n{_json(name)}: ["
        for number, pieces in enumerate(_rows(name, section, person)):
            yield ",\n" if number else "\n"
            yield from pieces
        yield "]"
    yield "}\n"


def _rows(name: str, section: Section, person: Recipient) -> Iterator[Iterable[str]]:
    rows = section.rows(person)
    if name == "done_to_them":
        rows = rows.filter(content_type__app_label="notifications", content_type__model="recipient")
    fields = [each for each in rows.model._meta.concrete_fields if each.name not in SECRET | section.without]
    related = {each.split("__")[0] for each in NAMED} & {each.name for each in fields}
    rows = rows.select_related(*sorted(related)) if related else rows
    for row in rows.iterator(chunk_size=AT_ONCE):
        values = {each.attname: getattr(row, each.attname) for each in fields}
        record = {
            name: str(value) if isinstance(value, bytes | memoryview) else value for name, value in values.items()
        }
        record |= {path: getattr(other, path.split("__")[1]) for path in NAMED if (other := _other(row, path, related))}
        yield _with_content(row, record) if isinstance(row, Attachment) else [_json(record)]


def _other(row: Any, path: str, related: set[str]) -> Any:
    name = path.split("__")[0]
    return getattr(row, name) if name in related else None


def _with_content(file: Attachment, record: dict[str, Any]) -> Iterator[str]:
    """Yield the record as JSON, with the file's bytes in Base64, in a list of pieces that are read one by one."""
    yield _json(record)[:-1] + ', "content": ['
    pieces = AttachmentPiece.objects.filter(attachment=file)
    for number in range(pieces.count()):
        content = bytes(pieces.get(number=number).content)
        yield (", " if number else "") + _json(base64.b64encode(content).decode())
    yield "]}"


def _json(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
