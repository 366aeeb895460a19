"""CloudEvents 1.0 over HTTP: structured, binary and batch, read into one checked type.

Sources: CloudEvents core, JSON event format and HTTP protocol binding (https://github.com/cloudevents/spec, v1.0.2).
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import unquote_to_bytes

import msgspec

from notifications.errors import InvalidEvent, Malformed, TooLarge
from notifications.intake.eventdata import MAX_DATA_BYTES, Faults, fault, faults_of, full, instant, is_id, summary
from notifications.intake.strictjson import BadText, decode, elements
from notifications.models.validators import MAX_ID
from notifications.types import InboundEvent, Json
from wfpush.web.pointers import pointer, printable

Mode = Literal["structured", "batch", "binary", "json"]

STRUCTURED_TYPE = "application/cloudevents+json"
BATCH_TYPE = "application/cloudevents-batch+json"
MAX_BATCH = 1_000
MAX_BATCH_VALUES = 500_000
"""Values of all events of a batch together: each takes up to 250 bytes of memory."""
MAX_SOURCE = 500
MAX_SUBJECT = 500
MAX_TYPE = 200
MAX_EXTENSION = 2_000

ATTRIBUTES = frozenset({"specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema"})
DATA_MEMBERS = frozenset({"data", "data_base64"})

_HEADER = "ce-"
_EXTENSION = re.compile("[a-z0-9]{1,100}")
_SNAKE_CASE = re.compile("[a-z0-9_]+")
_JSON_TYPE = re.compile(r"application/(json|[a-z0-9.!#$&^_-]+\+json)")
_canonical = msgspec.json.Encoder(order="deterministic").encode


def media_type(content_type: str) -> str:
    """Return the media type in lower case, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_json(content_type: str) -> bool:
    return _JSON_TYPE.fullmatch(media_type(content_type)) is not None


def mode_of(content_type: str, headers: Mapping[str, str]) -> Mode | None:
    """Return how the event is encoded; "json" may be an engine's own JSON. None: no supported way."""
    kind = media_type(content_type)
    if kind == BATCH_TYPE:
        return "batch"
    if kind == STRUCTURED_TYPE:
        return "structured"
    if kind.startswith("application/cloudevents"):  # another event format, such as Avro
        return None
    speaks_ce = any(name.lower().startswith(_HEADER) for name in headers)
    if kind and not is_json(kind):
        return None
    if speaks_ce:
        return "binary"
    return "json" if kind else None


def read(body: bytes) -> Any:
    """Return the JSON of a body. Raises Malformed, and InvalidEvent for text that cannot be stored."""
    try:
        return decode(body)
    except BadText as bad:
        raise InvalidEvent(bad.detail, [fault(where, bad.detail) for where in bad.pointers]) from None


@dataclass(frozen=True, slots=True)
class BatchMember:
    """One event of a batch: read or refused. `id` is the event's own, if that is text."""

    id: str | None
    event: InboundEvent | None = None
    refused: InvalidEvent | None = None


def read_batch(body: bytes) -> list[BatchMember]:
    """Return the events of a batch. A faulty event does not affect the others.

    Raises Malformed, InvalidEvent when the whole is no batch, and TooLarge when it has more events or values than a
    batch may have.
    """
    try:
        documents = elements(body, MAX_BATCH, MAX_BATCH_VALUES)
    except (ValueError, BadText):
        raise InvalidEvent("A batch is a JSON array of events.", [fault("", "Write an array of events.")]) from None
    return [_one_of_batch(document, bad_text) for document, bad_text in documents]


def _one_of_batch(document: Any, bad_text: list[str]) -> BatchMember:
    event_id = document.get("id") if isinstance(document, dict) else None
    name = printable(event_id)[:MAX_ID] if isinstance(event_id, str) else None
    try:
        if bad_text:
            raise InvalidEvent(BadText.detail, [fault(where, BadText.detail) for where in bad_text])
        return BatchMember(name, event=structured(document))
    except InvalidEvent as refused:
        return BatchMember(name, refused=refused)


def structured(document: Any) -> InboundEvent:
    """Return an event in its JSON format, with attributes as members. Raises InvalidEvent with all faults."""
    if not isinstance(document, dict):
        raise InvalidEvent("An event is a JSON object.", [fault("", "Write an object.")])
    draft = Draft()
    for name, value in document.items():
        if full(draft.faults):
            break
        if value is not None and name not in DATA_MEMBERS:
            draft.set(name, value)
    draft.data = _data_of(document, draft.faults)
    return draft.finish()


def binary(headers: Mapping[str, str], body: bytes) -> InboundEvent:
    """Return the event of `ce-` headers and a body of data. Raises Malformed, and InvalidEvent with all faults."""
    draft = Draft()
    for header, value in headers.items():
        name = header.lower()
        if name.startswith(_HEADER) and name != "ce-datacontenttype":  # Content-Type stands for `datacontenttype`
            draft.set_header(name.removeprefix(_HEADER), value)
    if body:
        try:
            draft.data = decode(body)
        except BadText as bad:
            draft.data = {}
            draft.faults += [fault("/data" + where, bad.detail) for where in bad.pointers]
    return draft.finish()


@dataclass
class Draft:
    """An event that is being read: the values so far, and the faults."""

    attributes: dict[str, Any] = field(default_factory=dict)
    extensions: Json = field(default_factory=dict)
    data: Any = None
    faults: Faults = field(default_factory=list)

    def set(self, name: str, value: Any) -> None:
        """Set an attribute that has a value. Names in snake_case cannot be CloudEvents attributes, and are ignored."""
        if name in ATTRIBUTES:
            self.attributes[name] = value
        elif _EXTENSION.fullmatch(name) and name != "data":
            self._extend(name, value)
        elif not _SNAKE_CASE.fullmatch(name) or name == "data":
            self.faults.append(
                fault(pointer("", name), "Names of extension attributes are lower-case letters and digits.")
            )

    def set_header(self, name: str, value: str) -> None:
        try:
            self.set(name, from_header(value))
        except ValueError:
            self.faults.append(fault(pointer("", name), "Percent-encode the header's value as UTF-8."))

    def _extend(self, name: str, value: Any) -> None:
        is_integer = isinstance(value, int) and -(2**31) <= value < 2**31
        if value == "" or is_id(value, MAX_EXTENSION) or is_integer:
            self.extensions[name] = value
        else:
            detail = f"Write text of at most {MAX_EXTENSION} characters, true, false or a 32-bit whole number."
            self.faults.append(fault(f"/{name}", detail))

    def finish(self) -> InboundEvent:
        """Return the event that was read. Raises InvalidEvent."""
        event, faults = self.attributes, self.faults
        if event.get("specversion") != "1.0":
            faults.append(fault("/specversion", "Write “1.0”, the version of CloudEvents."))
        self._need("id", is_id(event.get("id")), "1 to 200")
        self._need("source", is_id(event.get("source"), MAX_SOURCE), f"1 to {MAX_SOURCE}")
        self._need("type", is_id(event.get("type"), MAX_TYPE), f"1 to {MAX_TYPE}")
        subject = event.get("subject", "")
        self._need(
            "subject", (subject == "" and "subject" not in event) or is_id(subject, MAX_SUBJECT), f"1 to {MAX_SUBJECT}"
        )
        data = {} if self.data is None else self.data
        if not isinstance(data, dict):
            faults.append(fault("/data", "Write an object."))
        elif isinstance(event.get("type"), str):
            faults += faults_of(event["type"], data)
        time = self._time()
        self._keep_as_extensions()
        canonical = b"" if faults else _canonical(data)
        extensions = _canonical(self.extensions) if self.extensions else b""
        if not faults and len(canonical) + len(extensions) > MAX_DATA_BYTES:
            detail = f"Data and extension attributes together may have {MAX_DATA_BYTES // 1024} KiB. Link to the rest."
            faults.append(fault("/data", detail))
        if faults:
            raise InvalidEvent(summary(faults), faults)
        return InboundEvent(
            id=event["id"],
            source=event["source"],
            type=event["type"],
            data=data,
            # covers the canonical JSON of members that must be equal in two events with the same id
            digest=hashlib.sha256(_canonical([event["type"], subject]) + canonical).hexdigest(),
            subject=subject,
            time=time,
            extensions=self.extensions,
        )

    def _need(self, name: str, fine: bool, length: str) -> None:
        if not fine:
            self.faults.append(fault(f"/{name}", f"Write text of {length} characters without control characters."))

    def _time(self) -> datetime | None:
        text = self.attributes.get("time")
        moment = instant(text)
        if text is not None and moment is None:
            self.faults.append(fault("/time", "Write an RFC 3339 time with its offset, such as 2026-11-25T16:00:00Z."))
        return moment

    def _keep_as_extensions(self) -> None:
        """Keep two attributes without a meaning here, so that templates can show them."""
        for name in ("dataschema", "datacontenttype"):
            value = self.attributes.get(name)
            if value is not None and not is_id(value, MAX_SOURCE):
                self.faults.append(fault(f"/{name}", f"Write text of 1 to {MAX_SOURCE} characters."))
            elif value is not None:
                self.extensions[name] = value


def from_header(value: str) -> str:
    """Return a header's text, unquoted, then percent-decoded once (HTTP binding, 3.1.3.2). Raises ValueError."""
    text = value.strip()
    if len(text) >= 2 and text.startswith('"') and text.endswith('"'):
        text = re.sub(r"\\(.)", r"\1", text[1:-1])
    return unquote_to_bytes(text.encode("latin-1")).decode("utf-8")


def _data_of(document: Json, faults: Faults) -> Any:
    encoded = document.get("data_base64")
    if encoded is None:
        return document.get("data")
    if document.get("data") is not None:
        faults.append(fault("/data_base64", "Send data or data_base64, not both."))
        return document["data"]
    try:
        return decode(base64.b64decode(encoded, validate=True))
    except (TypeError, ValueError, Malformed, TooLarge, BadText):
        faults.append(fault("/data_base64", "Send JSON in base64, or better as data."))
        return None
