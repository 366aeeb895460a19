"""Receipts as an SMSC sends them in deliver_sm (SMPP 3.4, 4.6.1, 5.3.2.12, 5.3.2.35 and appendix B)."""

import re

from notifications.channels.sms.pdu import Incoming, Tag
from notifications.types import Receipt

STATES = {
    1: "ENROUTE",
    2: "DELIVRD",
    3: "EXPIRED",
    4: "DELETED",
    5: "UNDELIV",
    6: "ACCEPTD",
    7: "UNKNOWN",
    8: "REJECTD",
}
"""message_state, as the text of a receipt writes it (5.2.28)."""
ARRIVED = "DELIVRD"
LOST = frozenset({"EXPIRED", "DELETED", "UNDELIV", "REJECTD"})

_FIELD = re.compile(r"\b(id|stat|err):\s?(\S*)", re.IGNORECASE)


def receipt_of(incoming: Incoming, ids: str) -> Receipt | None:
    """Return a final receipt; None for messages on their way, of unknown fate, or written on a phone."""
    if not incoming.is_receipt:
        return None
    fields = {name.lower(): value for name, value in reversed(_FIELD.findall(incoming.text.decode("latin-1")))}
    reference = _reference(incoming, fields.get("id", ""), ids)
    state = _state(incoming, fields.get("stat", ""))
    if not reference or (state != ARRIVED and state not in LOST):
        return None
    return Receipt(
        reference, state == ARRIVED, " ".join(filter(None, (state, _error(incoming, fields.get("err", "")))))
    )


def reference_of_answer(message_id: str, ids: str) -> str:
    """The name of a message by which receipts are found, from the answer to it."""
    return _canonical(message_id, {"hex": 16, "decimal": 10}.get(ids))


def _reference(incoming: Incoming, in_text: str, ids: str) -> str:
    """receipted_message_id is written as in the answer; the text may have it in the other form."""
    option = incoming.options.get(Tag.RECEIPTED_MESSAGE_ID)
    if option is not None:
        return reference_of_answer(option.rstrip(b"\0").decode("ascii", "replace"), ids)
    return _canonical(in_text, {"hex": 10, "decimal": 16}.get(ids))


def _canonical(message_id: str, base: int | None) -> str:
    """Many write the same id with zeros before it, or in other letters."""
    if base is not None:
        try:
            return str(int(message_id, base))
        except ValueError:
            pass
    return message_id.strip().lower().lstrip("0")


def _state(incoming: Incoming, in_text: str) -> str:
    option = incoming.options.get(Tag.MESSAGE_STATE)
    return STATES.get(option[0], "") if option else in_text.upper()[:7]


def _error(incoming: Incoming, in_text: str) -> str:
    """The network's code: three bytes, the kind of network and its number (5.3.2.31); 0 is none."""
    option = incoming.options.get(Tag.NETWORK_ERROR_CODE)
    code = str(int.from_bytes(option[1:3])) if option is not None and len(option) == 3 else in_text
    return code if code.strip("0") else ""
