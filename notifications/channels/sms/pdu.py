"""The PDUs of SMPP 3.4 that a sender of text messages needs, byte by byte.

The codec is our own: aiosmpplib 0.7.4, smpp34 1.5 and smpplib 2.2.4 cut or refuse long passwords, take no authority of
one's own, or lose halves of PDUs. They misread odd options of receipts, or want to resend a message whose connection
ended.
Numbers of sections are those of the SMPP Protocol Specification v3.4, issue 1.2.
"""

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum

HEADER = struct.Struct("!IIII")
RESPONSE = 0x80000000
LARGEST = 64 * 1024
"""Bytes of a PDU that are read. Receipts have some hundred."""


class Command(IntEnum):
    """Values of command_id (5.1.2.1)."""

    GENERIC_NACK = 0x80000000
    SUBMIT_SM = 0x00000004
    DELIVER_SM = 0x00000005
    UNBIND = 0x00000006
    BIND_TRANSCEIVER = 0x00000009
    ENQUIRE_LINK = 0x00000015


class Tag(IntEnum):
    """Tags of optional parameters (5.3.2)."""

    RECEIPTED_MESSAGE_ID = 0x001E
    SAR_MSG_REF_NUM = 0x020C
    SAR_TOTAL_SEGMENTS = 0x020E
    SAR_SEGMENT_SEQNUM = 0x020F
    NETWORK_ERROR_CODE = 0x0423
    MESSAGE_PAYLOAD = 0x0424
    MESSAGE_STATE = 0x0427


VERSION = 0x34
UDHI = 0x40
"""Flag in esm_class: the text begins with a header of user data (5.2.12)."""
KIND, IS_RECEIPT = 0x3C, 0x04
"""Values in esm_class of a deliver_sm: the mask of its kind, and the kind of a receipt."""
ON_END = 0x01
"""Value of registered_delivery: a receipt for the last outcome (5.2.17)."""
DEFAULT_ALPHABET, UCS2 = 0x00, 0x08


class BadPdu(ValueError):
    """Raised for bytes that are not SMPP: the connection is of no use any more."""


@dataclass(frozen=True)
class Pdu:
    command: int
    status: int
    sequence: int
    body: bytes = field(default=b"", repr=False)

    def encoded(self) -> bytes:
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body

    @property
    def is_response(self) -> bool:
        return bool(self.command & RESPONSE)


@dataclass(frozen=True)
class Address:
    """An address (5.2.5, 5.2.6): type of number, numbering plan, digits."""

    ton: int
    npi: int
    digits: str


@dataclass(frozen=True)
class DeliverSm:
    """A deliver_sm: a receipt, or a text written on a phone."""

    esm_class: int
    text: bytes
    options: Mapping[int, bytes]

    @property
    def is_receipt(self) -> bool:
        return self.esm_class & KIND == IS_RECEIPT


def length_of(header: bytes) -> int:
    """Return the number of bytes that follow a header. Raise BadPdu."""
    length: int = HEADER.unpack(header)[0]
    if not HEADER.size <= length <= LARGEST:
        raise BadPdu(f"A PDU of {length} bytes")
    return length - HEADER.size


def decoded(header: bytes, body: bytes) -> Pdu:
    _, command, status, sequence = HEADER.unpack(header)
    return Pdu(command, status, sequence, body)


def bind_transceiver(user: str, password: str, system_type: str) -> bytes:
    """Return the body of a bind_transceiver (4.1.5)."""
    return _text(user) + _text(password) + _text(system_type) + bytes([VERSION, 0, 0]) + _text("")


def submit_sm(
    source: Address, target: Address, text: bytes, *, coding: int, has_header: bool, options: Mapping[int, bytes]
) -> bytes:
    """Return the body of a submit_sm (4.4.1). `text` is at most 254 bytes."""
    return b"".join(
        (
            _text(""),  # service_type
            bytes([source.ton, source.npi]) + _text(source.digits),
            bytes([target.ton, target.npi]) + _text(target.digits),
            bytes([UDHI if has_header else 0, 0, 0]),  # esm_class, protocol_id, priority_flag
            _text("") + _text(""),  # empty: the SMSC's defaults
            bytes([ON_END, 0, coding, 0]),  # registered_delivery, replace_if_present_flag, data_coding, default message
            bytes([len(text)]) + text,
            *(struct.pack("!HH", tag, len(value)) + value for tag, value in options.items()),
        )
    )


def message_id(body: bytes) -> str:
    """Return the id in a submit_sm_resp (4.4.2); an error's may have none."""
    return _read_text(body, 0)[0] if body else ""


def incoming(body: bytes) -> DeliverSm:
    """Return a deliver_sm (4.6.1). Raise BadPdu."""
    try:
        _, at = _read_text(body, 0)
        for _address in range(2):
            _, at = _read_text(body, at + 2)
        esm_class = body[at]
        at += 3
        for _time in range(2):
            _, at = _read_text(body, at)
        length = body[at + 4]
        text = body[at + 5 : at + 5 + length]
        options = _options(body, at + 5 + length)
    except (IndexError, struct.error) as fault:
        raise BadPdu("A deliver_sm that breaks off") from fault
    return DeliverSm(esm_class, text or options.get(Tag.MESSAGE_PAYLOAD, b""), options)


def _options(body: bytes, at: int) -> dict[int, bytes]:
    found = {}
    while at < len(body):
        tag, length = struct.unpack_from("!HH", body, at)
        found[tag] = body[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def _text(value: str) -> bytes:
    """Return a C-octet string (3.1)."""
    return value.encode("ascii") + b"\0"


def _read_text(body: bytes, at: int) -> tuple[str, int]:
    """Return the string that begins there, and the offset of the next field."""
    end = body.find(b"\0", at)
    if end < 0:
        raise IndexError
    return body[at:end].decode("ascii", "replace"), end + 1
