"""The command_status of an SMSC (SMPP 3.4, 5.1.3): whether to wait, to try again, or to give up. And its receipts."""

import re

from notifications.channels.sms import facts
from notifications.channels.sms.pdu import DeliverSm, Tag
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.reasons import ASKS_TO_WAIT
from notifications.types import Receipt
from wfpush.observability.services import REFUSES

NAMES = {
    0x01: "ESME_RINVMSGLEN", 0x02: "ESME_RINVCMDLEN", 0x03: "ESME_RINVCMDID", 0x04: "ESME_RINVBNDSTS",
    0x05: "ESME_RALYBND", 0x06: "ESME_RINVPRTFLG", 0x07: "ESME_RINVREGDLVFLG", 0x08: "ESME_RSYSERR",
    0x0A: "ESME_RINVSRCADR", 0x0B: "ESME_RINVDSTADR", 0x0C: "ESME_RINVMSGID", 0x0D: "ESME_RBINDFAIL",
    0x0E: "ESME_RINVPASWD", 0x0F: "ESME_RINVSYSID", 0x11: "ESME_RCANCELFAIL", 0x13: "ESME_RREPLACEFAIL",
    0x14: "ESME_RMSGQFUL", 0x15: "ESME_RINVSERTYP", 0x40: "ESME_RINVDESTFLAG", 0x42: "ESME_RINVSUBREP",
    0x43: "ESME_RINVESMCLASS", 0x44: "ESME_RCNTSUBDL", 0x45: "ESME_RSUBMITFAIL", 0x48: "ESME_RINVSRCTON",
    0x49: "ESME_RINVSRCNPI", 0x50: "ESME_RINVDSTTON", 0x51: "ESME_RINVDSTNPI", 0x53: "ESME_RINVSYSTYP",
    0x54: "ESME_RINVREPFLAG", 0x55: "ESME_RINVNUMMSGS", 0x58: "ESME_RTHROTTLED", 0x61: "ESME_RINVSCHED",
    0x62: "ESME_RINVEXPIRY", 0x63: "ESME_RINVDFTMSGID", 0x64: "ESME_RX_T_APPN", 0x65: "ESME_RX_P_APPN",
    0x66: "ESME_RX_R_APPN", 0x67: "ESME_RQUERYFAIL", 0xC0: "ESME_RINVOPTPARSTREAM", 0xC1: "ESME_ROPTPARNOTALLWD",
    0xC2: "ESME_RINVPARLEN", 0xC3: "ESME_RMISSINGOPTPARAM", 0xC4: "ESME_RINVOPTPARAMVAL",
    0xFE: "ESME_RDELIVERYFAILURE", 0xFF: "ESME_RUNKNOWNERR",
}  # fmt: skip

OK = 0x00
TRY_LATER = 0x64
"""ESME_RX_T_APPN: our answer when a receipt cannot be stored now, so that it comes again."""
UNKNOWN_COMMAND = 0x03

BUSY = frozenset({0x14, 0x58})
OURS_TO_MEND = frozenset({0x0A, 0x0D, 0x0E, 0x0F, 0x15, 0x48, 0x49, 0x53})
"""User, password, system type and sender: no message gets through before somebody has corrected the settings."""
NO_SUCH_NUMBER = frozenset({0x0B, 0x50, 0x51})
DOWN = frozenset({0x04, 0x05, 0x08, 0xFF})
"""The SMSC itself does not work, or not yet."""
NOT_NOW = frozenset({0x45, 0x64, 0xFE})
"""The SMSC works, and does not take this message now."""
WAIT = 5.0
"""Seconds for which a busy SMSC gets no new message."""


def name_of(status: int) -> str:
    return NAMES.get(status, f"0x{status:08X}")


def fault_of(status: int) -> TransportError | None:
    """Return the fault of an answer to a message. A provider's own codes (0x400 and above) may pass."""
    status_name = name_of(status)
    if status == OK:
        return None
    if status in BUSY:
        return TransportError(ASKS_TO_WAIT(service=facts.GATEWAY(), words=status_name), retry_after=WAIT)
    if status in OURS_TO_MEND:
        return ServiceRefuses(facts.REFUSES_US(words=status_name))
    if status in NO_SUCH_NUMBER:
        return RecipientGone(facts.NO_SUCH_NUMBER(words=status_name))
    if status in DOWN:
        return TransportError(facts.NOT_TAKEN(words=status_name))
    if status in NOT_NOW or status not in NAMES:
        return TransportError(facts.NOT_TAKEN(words=status_name), works=True)
    return TransportError(facts.REFUSED(words=status_name), permanent=True, service_state=REFUSES)


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
"""Names of message_state (5.2.28), as the text of a receipt writes them."""
ARRIVED = "DELIVRD"
LOST = frozenset({"EXPIRED", "DELETED", "UNDELIV", "REJECTD"})

_FIELD = re.compile(r"\b(id|stat|err):\s?(\S*)", re.IGNORECASE)


def receipt_of(incoming: DeliverSm, ids: str) -> Receipt | None:
    """Return a final receipt; None for messages on their way, of unknown fate, or written on a phone."""
    if not incoming.is_receipt:
        return None
    fields = {name.lower(): value for name, value in reversed(_FIELD.findall(incoming.text.decode("latin-1")))}
    reference = _reference(incoming, fields.get("id", ""), ids)
    option = incoming.options.get(Tag.MESSAGE_STATE)
    state = STATES.get(option[0], "") if option else fields.get("stat", "").upper()[:7]
    if not reference or (state != ARRIVED and state not in LOST):
        return None
    return Receipt(
        reference, state == ARRIVED, " ".join(filter(None, (state, _error(incoming, fields.get("err", "")))))
    )


def reference_of_answer(message_id: str, ids: str) -> str:
    """Return the name of a message by which receipts are found, from the answer to it."""
    return _canonical(message_id, {"hex": 16, "decimal": 10}.get(ids))


def _reference(incoming: DeliverSm, in_text: str, ids: str) -> str:
    """Return the id of a receipt: an option has it as the answer does, the text perhaps in the other form."""
    option = incoming.options.get(Tag.RECEIPTED_MESSAGE_ID)
    if option is not None:
        return reference_of_answer(option.rstrip(b"\0").decode("ascii", "replace"), ids)
    return _canonical(in_text, {"hex": 10, "decimal": 16}.get(ids))


def _canonical(message_id: str, base: int | None) -> str:
    """Return one form of an id: many SMSCs write the same id with leading zeros, or in other letters."""
    if base is not None:
        try:
            return str(int(message_id, base))
        except ValueError:
            pass
    return message_id.strip().lower().lstrip("0")


def _error(incoming: DeliverSm, in_text: str) -> str:
    """Return the network's code: three bytes, the kind of network and its number (5.3.2.31); 0 is none."""
    option = incoming.options.get(Tag.NETWORK_ERROR_CODE)
    code = str(int.from_bytes(option[1:3])) if option is not None and len(option) == 3 else in_text
    return code if code.strip("0") else ""
