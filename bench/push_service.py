"""The push service of `bench.push_sink` as a process of its own, and its certificate."""

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from bench.harness import HOST, BenchError, House, Program, fetch, free_port, takes_calls
from bench.pinned import PINNED, cores

PATIENCE_SECONDS = 240.0
LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Certificates:
    """Of this machine, by an authority that only what is measured here is told of. `server` has its key with it."""

    authority: Path
    server: Path


def issue(folder: Path) -> Certificates:
    authority = trustme.CA()
    made = Certificates(folder / "authority.pem", folder / "server.pem")
    authority.cert_pem.write_to_path(made.authority)
    authority.issue_cert("localhost", HOST).private_key_and_cert_chain_pem.write_to_path(made.server)
    return made


@dataclass(frozen=True)
class Tally:
    """What the service has taken: messages, and the bytes of all of them."""

    messages: int
    bytes: int


class Service:
    def __init__(self, program: Program, port: int, tls_port: int) -> None:
        self._program = program
        self._port = port
        self.http = f"http://{HOST}:{port}"
        self.https = f"https://{HOST}:{tls_port}"

    def tally(self) -> Tally:
        return Tally(**json.loads(fetch(self._port, "/")))

    def wait_for(self, messages: int) -> Tally:
        """Until it has so many. Raises BenchError when they do not come."""
        end = time.monotonic() + PATIENCE_SECONDS
        while (tally := self.tally()).messages < messages:
            if time.monotonic() > end:
                raise BenchError(f"Only {tally.messages} of {messages} messages came in {PATIENCE_SECONDS:g} s.")
            time.sleep(LOOK_SECONDS)
        return tally


@contextmanager
def push_service(house: House, certificates: Certificates | None = None, *, pinned: bool = False) -> Iterator[Service]:
    """For as long as the block runs; `pinned` to the core that is not the senders'."""
    port, tls_port = free_port(), free_port()
    tls = (str(tls_port), str(certificates.server)) if certificates else ()
    before = (*PINNED, str(cores()[1])) if pinned else ()
    program = house.start("push service", *before, sys.executable, "-m", "bench.push_sink", str(port), *tls)
    program.wait_until(lambda: takes_calls(port), "up")
    try:
        yield Service(program, port, tls_port)
    finally:
        program.stop()
