"""Text messages by SMPP, against an SMSC on loopback: what is sent, what its answers mean, and connections that end."""

import ssl
import struct
import threading
from collections.abc import Callable, Iterator, Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import trustme
from pytest_django import Settings

from notifications.channels.sms import smpp
from notifications.channels.sms.config import Smpp, Sms
from notifications.channels.sms.transport import TextMessages
from notifications.errors import RecipientGone, ServiceRefuses, TransportError
from notifications.types import Message, Receipt
from tests.support.mailserver import free_port
from tests.support.smsc import DROP, PASSWORD, SILENCE, SLOW, USER, Smsc, smsc_on_loopback

DELIVERY = UUID("01930000-0000-7000-8000-0000000000a7")
LINK = "https://push.example/a/wfa_token-that-opens-the-page"
NUMBER = "+498955501234"
LONG = "word " * 60
UNKNOWN = "The SMS gateway may have accepted it"
REFUSES_US = "The SMS gateway refuses us (SMS_USER, SMS_PASSWORD, SMS_SENDER):"


Use = Callable[..., TextMessages]


def message(short_body: str = "Due today.", title: str = "Approve invoice 4711") -> Message:
    return Message("n", "en", title, "The long body", short_body, "urgent", "approvals", (), "", (), {})


@pytest.fixture
def smsc() -> Iterator[Smsc]:
    with smsc_on_loopback() as started:
        yield started


@pytest.fixture
def use(settings: Settings) -> Iterator[Use]:
    """The channel, set up for a server."""
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    made: list[TextMessages] = []

    def set_up(port: int, sender: str = "Acme", **options: Any) -> TextMessages:
        given: dict[str, Any] = {"host": "127.0.0.1", "tls": False, "user": USER, "password": PASSWORD} | options
        settings.SMS = Sms(Smpp(port=port, **given), sender, "49", 3, 10)
        made.append(TextMessages())
        return made[-1]

    yield set_up
    for each in made:
        each.hang_up()


def send(channel: TextMessages, said: Message | None = None, delivery: UUID = DELIVERY) -> list[str]:
    return list(channel.send(NUMBER, said or message(), delivery_id=delivery, link=LINK))


def fault(channel: TextMessages, said: Message | None = None) -> TransportError:
    with pytest.raises(TransportError) as caught:
        send(channel, said)
    return caught.value


# --- what is sent -----------------------------------------------------------------------------------------------------
def test_a_short_message_is_one_part(smsc: Smsc, use: Use) -> None:
    channel = use(smsc.port, system_type="VMA")
    assert send(channel) == ["1"]
    assert send(channel) == ["2"]

    first, _ = smsc.taken
    assert (first.source, first.target) == ((5, 0, "Acme"), (1, 1, "498955501234"))
    assert (first.coding, first.header, first.registered) == (0, b"", 1)
    assert first.text == f"Approve invoice 4711\nDue today.\n{LINK}"
    assert smsc.binds == ["VMA"]  # once, for both


@pytest.mark.parametrize(
    ("sender", "source"),
    [("+4989555012", (1, 1, "4989555012")), ("44321", (3, 0, "44321")), ("Acme 7", (5, 0, "Acme 7"))],
)
def test_the_sender(smsc: Smsc, use: Use, sender: str, source: tuple[int, int, str]) -> None:
    send(use(smsc.port, sender))
    assert smsc.taken[0].source == source


def test_a_long_one_has_parts_that_phones_put_together(smsc: Smsc, use: Use) -> None:
    assert send(use(smsc.port), message(LONG)) == ["1", "2", "3"]

    assert [part.header for part in smsc.taken] == [bytes([5, 0, 3, 0xA7, 3, at]) for at in (1, 2, 3)]
    assert all(len(part.data) <= 6 + 153 for part in smsc.taken)
    assert "".join(part.text for part in smsc.taken) == f"Approve invoice 4711\n{LONG.strip()}\n{LINK}"


def test_parts_may_be_told_by_options_instead(smsc: Smsc, use: Use) -> None:
    send(use(smsc.port, parts="sar"), message(LONG))

    assert {part.header for part in smsc.taken} == {b""}
    told = [(part.options[0x20C], part.options[0x20E], part.options[0x20F]) for part in smsc.taken]
    assert told == [(b"\x00\xa7", b"\3", bytes([at])) for at in (1, 2, 3)]


def test_other_alphabets_are_ucs2(smsc: Smsc, use: Use) -> None:
    send(use(smsc.port), message("Срок сегодня 😀"))

    assert {part.coding for part in smsc.taken} == {8}
    assert "".join(part.text for part in smsc.taken).startswith("Approve invoice 4711\nСрок сегодня 😀\nhttps://")


def test_a_secure_connection_is_to_whom_the_authority_knows(use: Use, tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with smsc_on_loopback(tls=context) as smsc:
        assert send(use(smsc.port, tls=True, ca_file=str(tmp_path / "ca.pem"))) == ["1"]
        refused = fault(use(smsc.port, tls=True))
    assert "No secure connection to the SMS gateway could be made" in refused.detail
    assert not refused.permanent


# --- what the answers mean --------------------------------------------------------------------------------------------
@pytest.mark.parametrize("status", [0x14, 0x58])
def test_an_smsc_that_is_busy_is_asked_less_often(smsc: Smsc, use: Use, status: int) -> None:
    smsc.statuses = [status]
    channel = use(smsc.port)

    first, second = fault(channel), fault(channel)

    assert (first.busy, first.permanent, first.retry_after) == (True, False, 5.0)
    assert "asks to wait: ESME_R" in first.detail
    assert second.busy and second.retry_after is not None and second.retry_after <= 5.0
    assert (len(smsc.refused), smsc.taken) == (1, [])  # the second was not even sent


@pytest.mark.parametrize(
    ("status", "kind", "fate", "said"),
    [
        (0x0B, RecipientGone, "never", "The SMS gateway knows no such number: ESME_RINVDSTADR"),
        (0x0A, ServiceRefuses, "ours", f"{REFUSES_US} ESME_RINVSRCADR"),
        (0x01, TransportError, "never", "The SMS gateway refuses the message: ESME_RINVMSGLEN"),
        (0x65, TransportError, "never", "The SMS gateway refuses the message: ESME_RX_P_APPN"),
        (0x08, TransportError, "down", "The SMS gateway did not accept it: ESME_RSYSERR"),
        (0x64, TransportError, "not now", "The SMS gateway did not accept it: ESME_RX_T_APPN"),
        (0x45, TransportError, "not now", "The SMS gateway did not accept it: ESME_RSUBMITFAIL"),
        (0x401, TransportError, "not now", "The SMS gateway did not accept it: 0x00000401"),
    ],
)  # fmt: skip
def test_statuses(smsc: Smsc, use: Use, status: int, kind: type[TransportError], fate: str, said: str) -> None:
    smsc.statuses = [status]
    channel = use(smsc.port)
    refused = fault(channel)

    assert (type(refused), refused.detail) == (kind, said)
    assert (refused.permanent, refused.works) == (fate == "never", fate in ("never", "not now"))
    assert send(channel) == ["1"]  # the connection is as good as before


def test_a_wrong_password_is_ours_to_mend_and_not_tried_again_and_again(
    smsc: Smsc, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smpp, "FIRST_PAUSE", 0.0)
    channel = use(smsc.port, password="another one")
    refused = [fault(channel) for _ in range(50)][-1]

    assert isinstance(refused, ServiceRefuses)
    assert "ESME_RINVPASWD" in refused.detail and "another one" not in refused.detail
    assert len(smsc.binds) == 1


def test_where_nobody_answers_it_is_tried_again(use: Use) -> None:
    away = fault(use(free_port()))
    assert "The SMS gateway cannot be reached" in away.detail
    assert not away.permanent


def test_a_network_that_is_not_allowed_is_not_called(smsc: Smsc, use: Use, settings: Settings) -> None:
    channel = use(smsc.port)
    settings.OUTBOUND_ALLOWED_CIDRS = []

    assert "is a loopback address. wfpush does not call it unless OUTBOUND_ALLOWED_CIDRS" in fault(channel).detail
    assert smsc.binds == []


# --- connections that end ---------------------------------------------------------------------------------------------
def test_what_was_sent_and_not_answered_is_never_sent_again(smsc: Smsc, use: Use) -> None:
    smsc.statuses = [DROP]
    channel = use(smsc.port)
    lost = fault(channel)

    assert lost.permanent and UNKNOWN in lost.detail
    assert len(smsc.taken) == 1


def test_an_answer_that_does_not_come_is_not_waited_for_for_ever(smsc: Smsc, use: Use) -> None:
    smsc.statuses = [SILENCE]
    lost = fault(use(smsc.port, patience=1))

    assert lost.permanent and UNKNOWN in lost.detail


def test_pauses_before_the_next_try_grow_until_a_connection_lasts() -> None:
    lost, refuses = TransportError("lost"), ServiceRefuses("wrong password")

    pauses = [smpp.pause_after(lost, 0.1, 0.0)]
    for _ in range(7):
        pauses.append(smpp.pause_after(lost, 0.1, pauses[-1]))
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0]
    assert smpp.pause_after(lost, 61.0, 60.0) == 1.0
    assert smpp.pause_after(refuses, 0.1, 1.0) == 60.0


def test_it_connects_again_by_itself(smsc: Smsc, use: Use) -> None:
    channel = use(smsc.port)
    send(channel)
    smsc.drop()
    smsc.until(lambda: len(smsc.binds) == 2)

    said = None
    while said is None:  # its answer to the sign-in may still be on its way
        try:
            said = send(channel)
        except TransportError as fault:
            assert not fault.permanent
    assert said == ["2"]


def test_the_rest_of_a_message_follows_when_the_connection_is_back(
    smsc: Smsc, use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its second part is refused for now, and the connection ends before it is tried again: nothing is sent twice."""
    monkeypatch.setattr(smpp, "RETRY_SECONDS", 0.05)
    smsc.statuses = [0, 0x58]
    channel = use(smsc.port)
    cut = threading.Thread(target=lambda: (smsc.until(lambda: smsc.refused), smsc.drop()))
    cut.start()

    assert len(send(channel, message(LONG))) == 3
    cut.join()
    assert [part.header[-1] for part in smsc.taken] == [1, 2, 3]


def test_half_a_message_is_not_begun_again(smsc: Smsc, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smpp, "DEADLINE", 0.0)
    for statuses, said in (
        ([0, 0x58], "Only 1 of 3 parts were accepted: The SMS gateway asks to wait: ESME_RTHROTTLED"),
        ([0, 0, 0x01], "Only 2 of 3 parts were accepted: The SMS gateway refuses the message"),
        ([0, DROP], f"Only 1 of 3 parts were accepted: {UNKNOWN}"),
    ):
        smsc.statuses = list(statuses)
        half = fault(use(smsc.port), message(LONG))
        assert half.permanent and said in half.detail


def test_an_idle_connection_is_kept_alive_and_a_dead_one_is_noticed(smsc: Smsc, use: Use) -> None:
    channel = use(smsc.port, enquire=1, patience=1)
    send(channel)
    smsc.until(lambda: smsc.enquired >= 2)
    assert len(smsc.binds) == 1

    smsc.keeps_quiet = True
    smsc.until(lambda: len(smsc.binds) == 2)


def test_many_at_once_share_a_window(smsc: Smsc, use: Use) -> None:
    channel = use(smsc.port, window=2)
    threads = [threading.Thread(target=send, args=[channel]) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    assert len(smsc.taken) == 10
    assert len(smsc.binds) == 1


def test_it_says_good_bye(smsc: Smsc, use: Use) -> None:
    channel = use(smsc.port)
    send(channel)
    channel.hang_up()

    assert smsc.unbound == 1
    assert send(channel) == ["2"]  # and may come back


def test_what_is_under_way_is_answered_before_that(smsc: Smsc, use: Use) -> None:
    smsc.statuses = [SLOW]
    channel = use(smsc.port)
    names: list[str] = []
    sending = threading.Thread(target=lambda: names.extend(send(channel)))
    sending.start()
    smsc.until(lambda: smsc.taken)
    channel.hang_up()
    sending.join()

    assert names == ["1"]


def test_half_a_message_is_not_begun_again_either_when_the_process_stops(smsc: Smsc, use: Use) -> None:
    smsc.statuses = [0, *[0x58] * 100]
    channel = use(smsc.port)
    faults: list[TransportError] = []
    sending = threading.Thread(target=lambda: faults.append(fault(channel, message(LONG))))
    sending.start()
    smsc.until(lambda: smsc.refused)
    channel.hang_up()
    sending.join()

    assert faults[0].permanent
    assert faults[0].detail.startswith("Only 1 of 3 parts were accepted")


# --- receipts ---------------------------------------------------------------------------------------------------------
def listening(channel: TextMessages, smsc: Smsc) -> list[Receipt]:
    kept: list[Receipt] = []
    channel.listen(kept.extend)
    smsc.until(lambda: smsc.binds)
    return kept


def test_receipts_come_in_while_nothing_is_sent(smsc: Smsc, use: Use) -> None:
    kept = listening(use(smsc.port), smsc)

    assert [smsc.receipt("0000000017", "DELIVRD"), smsc.receipt("18", "UNDELIV", "011")] == [0, 0]
    assert kept == [Receipt("17", True, "DELIVRD"), Receipt("18", False, "UNDELIV 011")]


@pytest.mark.parametrize(
    ("ids", "answered", "in_text"),
    [("same", "{:d}", "31"), ("hex", "{:X}", "31"), ("decimal", "{:d}", "1F"), ("same", "{:08x}", "1f")],
)
def test_ids_are_the_same_in_both_forms(use: Use, ids: str, answered: str, in_text: str) -> None:
    with smsc_on_loopback(ids=answered, first_id=31) as smsc:
        channel = use(smsc.port, ids=ids)
        kept = listening(channel, smsc)
        (name,) = send(channel)
        smsc.receipt(in_text, "DELIVRD")
        option = answered.format(31).encode() + b"\0"
        smsc.deliver(b"", options={0x1E: option, 0x427: b"\2"})

    assert kept == [Receipt(name, True, "DELIVRD")] * 2


def test_options_of_a_receipt_go_before_its_text(smsc: Smsc, use: Use) -> None:
    kept = listening(use(smsc.port), smsc)

    smsc.deliver(b"id:1 stat:DELIVRD err:000", options={0x1E: b"2\0", 0x427: b"\5", 0x423: b"\3\0\x0b"})
    assert kept == [Receipt("2", False, "UNDELIV 11")]


def test_options_that_are_odd_or_of_other_pdus_spoil_no_receipt(smsc: Smsc, use: Use) -> None:
    """An id without its NUL, dpf_result, an option of the provider's own, and a sar_total_segments of two bytes."""
    kept = listening(use(smsc.port), smsc)

    odd = {0x420: b"\1", 0x1400: b"x", 0x20E: b"\0\1"}
    assert smsc.deliver(b"", options=odd | {0x1E: b"123", 0x427: b"\2"}) == 0
    assert kept == [Receipt("123", True, "DELIVRD")]


def test_a_receipt_that_breaks_off_is_refused(smsc: Smsc, use: Use) -> None:
    kept = listening(use(smsc.port), smsc)

    smsc._links[-1].sendall(struct.pack("!IIII", 19, 5, 0, 6_999) + b"\0\1\1")
    smsc.until(lambda: smsc._answers.get(6_999) == 0x02)
    assert kept == []


def test_what_is_no_last_word_is_taken_and_forgotten(smsc: Smsc, use: Use) -> None:
    kept = listening(use(smsc.port), smsc)

    for state in ("ENROUTE", "ACCEPTD", "UNKNOWN"):
        assert smsc.receipt("1", state) == 0
    assert smsc.deliver(b"STOP", esm_class=0) == 0  # somebody has written back
    assert smsc.deliver(b"nonsense") == 0
    assert kept == []


def test_a_receipt_that_cannot_be_kept_is_asked_for_again(smsc: Smsc, use: Use) -> None:
    channel = use(smsc.port)

    def fails(receipts: Sequence[Receipt]) -> None:
        raise OSError("The database is away")

    channel.listen(fails)
    smsc.until(lambda: smsc.binds)
    assert smsc.receipt("1", "DELIVRD") == 0x64

    kept = listening(channel, smsc)
    assert smsc.receipt("1", "DELIVRD") == 0
    assert kept == [Receipt("1", True, "DELIVRD")]


def test_what_is_not_smpp_ends_the_connection(smsc: Smsc, use: Use) -> None:
    listening(use(smsc.port), smsc)

    smsc._links[-1].sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    smsc.until(lambda: len(smsc.binds) == 2)
