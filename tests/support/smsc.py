"""An SMSC on loopback that speaks SMPP 3.4 byte by byte, as strict as the specification: no code of ours is in it."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count

USER, PASSWORD = "wfpush", "longer-than-8"

ODD = dict(
    zip(
        [*range(0x00, 0x20), 0x24, 0x40, *range(0x5B, 0x61), *range(0x7B, 0x80)],
        "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ¤¡ÄÖÑÜ§¿äöñüà",
        strict=True,
    )
)
"""Where the default alphabet of TS 23.038 is not that of ASCII."""
ESCAPED = {
    0x0A: "\f",
    0x14: "^",
    0x28: "{",
    0x29: "}",
    0x2F: "\\",
    0x3C: "[",
    0x3D: "~",
    0x3E: "]",
    0x40: "|",
    0x65: "€",
}

DROP, SILENCE, SLOW = "drop", "silence", "slow"
"""Instead of a status: the connection ends, nothing is answered, or it is taken and answered a moment later."""


@dataclass(frozen=True)
class Submitted:
    """One submit_sm as it came."""

    source: tuple[int, int, str]
    target: tuple[int, int, str]
    esm_class: int
    registered: int
    coding: int
    data: bytes
    options: dict[int, bytes]

    @property
    def header(self) -> bytes:
        return self.data[: self.data[0] + 1] if self.esm_class & 0x40 else b""

    @property
    def text(self) -> str:
        body = self.data[len(self.header) :]
        return body.decode("utf-16-be") if self.coding == 8 else from_gsm(body)


def from_gsm(data: bytes) -> str:
    found, codes = "", iter(data)
    for code in codes:
        assert code < 0x80, f"{code:#x} is no code of 7 bits"
        found += ESCAPED[next(codes)] if code == 0x1B else ODD.get(code, chr(code))
    return found


@dataclass
class Smsc:
    """`statuses` are the answers to the next submit_sm, then all are taken. `receipts` are those of `deliver`."""

    port: int = 0
    password: str = PASSWORD
    bind_status: int = 0
    statuses: list[int | str] = field(default_factory=list)
    first_id: int = 1
    ids: str = "{:d}"
    tls: ssl.SSLContext | None = None
    taken: list[Submitted] = field(default_factory=list)
    refused: list[Submitted] = field(default_factory=list)
    binds: list[str] = field(default_factory=list)
    enquired: int = 0
    unbound: int = 0
    keeps_quiet: bool = False
    """Enquiries are not answered."""
    faults: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    _links: list[socket.socket] = field(default_factory=list)
    _answers: dict[int, int] = field(default_factory=dict)

    def start(self, port: int = 0) -> None:
        self._door = socket.create_server(("127.0.0.1", port), reuse_port=False)
        self.port = self._door.getsockname()[1]
        self._ids, self._sequences = count(self.first_id), count(7_000)
        threading.Thread(target=self._accept, args=[self._door], daemon=True).start()

    def stop(self) -> None:
        """As if it had been killed."""
        with suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()
        self.drop()

    def drop(self) -> None:
        """End all connections."""
        for link in list(self._links):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()
        self._links.clear()

    def until(self, holds: object, seconds: float = 20.0) -> None:
        """Wait until a condition of what has come in holds."""
        assert callable(holds)
        with self.changed:
            assert self.changed.wait_for(holds, seconds), (holds, self)

    def deliver(self, text: bytes, *, esm_class: int = 0x04, options: dict[int, bytes] | None = None) -> int:
        """Send a deliver_sm to whoever is bound; the status with which it is answered."""
        body = (
            b"\0" + b"\1\1" + b"4989555012\0" + b"\5\0" + b"Acme\0" + bytes([esm_class, 0, 0]) + b"\0\0" + b"\0\0\0\0"
        )
        body += bytes([len(text)]) + text
        body += b"".join(struct.pack("!HH", tag, len(value)) + value for tag, value in (options or {}).items())
        sequence = next(self._sequences)
        self._links[-1].sendall(struct.pack("!IIII", 16 + len(body), 5, 0, sequence) + body)
        self.until(lambda: sequence in self._answers)
        return self._answers.pop(sequence)

    def receipt(self, message_id: str, state: str, error: str = "000") -> int:
        dates = "submit date:2611271200 done date:2611271201"
        return self.deliver(f"id:{message_id} sub:001 dlvrd:001 {dates} stat:{state} err:{error} text:".encode())

    # --- one connection -----------------------------------------------------------------------------------------------
    def _accept(self, door: socket.socket) -> None:
        with suppress(OSError):
            while True:
                link, _ = door.accept()
                threading.Thread(target=self._serve, args=[link], daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        try:
            link = self.tls.wrap_socket(raw, server_side=True) if self.tls else raw
            while (header := _exactly(link, 16)) is not None:
                length, command, status, sequence = struct.unpack("!IIII", header)
                body = _exactly(link, length - 16) or b""
                if not self._take(link, command, status, sequence, body):
                    break
        except (OSError, AssertionError, IndexError, StopIteration) as fault:
            if isinstance(fault, AssertionError | IndexError):
                self.faults.append(repr(fault))
        finally:
            with suppress(OSError):
                raw.close()

    def _take(self, link: socket.socket, command: int, status: int, sequence: int, body: bytes) -> bool:
        """False: the connection ends."""
        with self.changed:
            self.changed.notify_all()
            if command == 0x80000005:
                self._answers[sequence] = status
            elif command == 0x15:
                self.enquired += 1
                if not self.keeps_quiet:
                    _say(link, 0x80000015, 0, sequence)
            elif command == 0x06:
                self.unbound += 1
                _say(link, 0x80000006, 0, sequence)
                return False
            elif command == 0x09:
                return self._bind(link, sequence, body)
            elif command == 0x04:
                return self._submit(link, sequence, body)
            else:
                raise AssertionError(f"An unexpected command {command:#x}")
        return True

    def _bind(self, link: socket.socket, sequence: int, body: bytes) -> bool:
        fields = body.split(b"\0", 3)
        user, password, system_type, rest = fields
        assert (rest[0], rest[1:]) == (0x34, b"\0\0\0"), rest
        wanted = self.bind_status or (0 if (user.decode(), password.decode()) == (USER, self.password) else 0x0E)
        self.binds.append(system_type.decode())
        if not wanted:
            self._links.append(link)
        _say(link, 0x80000009, wanted, sequence, b"SMSC\0" if not wanted else b"")
        return not wanted

    def _submit(self, link: socket.socket, sequence: int, body: bytes) -> bool:
        assert link in self._links, "not bound"
        came = parsed(body)
        said = self.statuses.pop(0) if self.statuses else 0
        if said in (0, DROP, SILENCE, SLOW):
            self.taken.append(came)
        else:
            self.refused.append(came)
        if said == DROP:
            self._links.remove(link)
            return False
        if said == SILENCE:
            return True
        name = self.ids.format(next(self._ids)).encode() + b"\0" if said in (0, SLOW) else b""
        if said == SLOW:
            threading.Timer(0.3, _say, [link, 0x80000004, 0, sequence, name]).start()
        else:
            _say(link, 0x80000004, int(said), sequence, name)
        return True


def parsed(body: bytes) -> Submitted:
    """Every byte of a submit_sm (4.4.1), and nothing after it."""
    service, at = _string(body, 0)
    source_kind, (source, at) = body[at : at + 2], _string(body, at + 2)
    target_kind, (target, at) = body[at : at + 2], _string(body, at + 2)
    esm_class, protocol, priority = body[at : at + 3]
    schedule, at = _string(body, at + 3)
    validity, at = _string(body, at)
    registered, replace, coding, default, length = body[at : at + 5]
    data, at = body[at + 5 : at + 5 + length], at + 5 + length
    options = {}
    while at < len(body):
        tag, size = struct.unpack_from("!HH", body, at)
        options[tag] = body[at + 4 : at + 4 + size]
        at += 4 + size
    assert at == len(body) and length == len(data) <= 254
    assert (service, protocol, priority, schedule, validity, replace, default) == ("", 0, 0, "", "", 0, 0)
    return Submitted(
        (*source_kind, source),
        (*target_kind, target),
        esm_class,
        registered,
        coding,
        data,
        options,  # type: ignore[arg-type]
    )


def _string(body: bytes, at: int) -> tuple[str, int]:
    end = body.index(0, at)
    return body[at:end].decode("ascii"), end + 1


def _exactly(link: socket.socket, length: int) -> bytes | None:
    data = b""
    while len(data) < length:
        more = link.recv(length - len(data))
        if not more:
            return None
        data += more
    return data


def _say(link: socket.socket, command: int, status: int, sequence: int, body: bytes = b"") -> None:
    link.sendall(struct.pack("!IIII", 16 + len(body), command, status, sequence) + body)


@contextmanager
def smsc_on_loopback(**how: object) -> Iterator[Smsc]:
    smsc = Smsc(**how)  # type: ignore[arg-type]
    smsc.start()
    try:
        yield smsc
    finally:
        smsc.stop()
        assert smsc.faults == []
