"""The push service of `bench.push_sink` as a process of its own, and its certificate."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.harness import HOST, House, fetch, free_port, takes_calls, until


def cores() -> tuple[int, int]:
    """One for who is measured, another one for the rest; the same where there is only one."""
    numbers = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    return numbers[0], numbers[-1]


@dataclass(frozen=True)
class Certificates:
    """Of this machine, by an authority that only what is measured here is told of. `server` has its key with it."""

    authority: Path
    server: Path


def issue(folder: Path) -> Certificates:
    authority = trustme.CA()
    certificates = Certificates(folder / "authority.pem", folder / "server.pem")
    authority.cert_pem.write_to_path(certificates.authority)
    authority.issue_cert("localhost", HOST).private_key_and_cert_chain_pem.write_to_path(certificates.server)
    return certificates


@dataclass(frozen=True)
class Tally:
    """What the service has taken: messages, the bytes of all of them, and different values of `webhook-id`."""

    messages: int
    bytes: int
    ids: int


class Service:
    def __init__(self, port: int, tls_port: int) -> None:
        self._port = port
        self.http = f"http://{HOST}:{port}"
        self.https = f"https://{HOST}:{tls_port}"

    def tally(self) -> Tally:
        return Tally(**json.loads(fetch(self._port, "/")))

    def wait_for(self, messages: int) -> Tally:
        """Until it has so many. Raises BenchError when they do not come."""
        until(lambda: self.tally().messages >= messages, f"{messages} messages come")
        return self.tally()


@contextmanager
def push_service(house: House, certificates: Certificates | None = None, *, pinned: bool = False) -> Iterator[Service]:
    """For as long as the block runs; `pinned` to the core that is not the senders'."""
    port, tls_port = free_port(), free_port()
    tls = (str(tls_port), str(certificates.server)) if certificates else ()
    program = house.start("push service", sys.executable, "-m", "bench.push_sink", str(port), *tls)
    if pinned:
        program.pin(cores()[1])
    program.wait_until(lambda: takes_calls(port), "up")
    try:
        yield Service(port, tls_port)
    finally:
        program.stop()
