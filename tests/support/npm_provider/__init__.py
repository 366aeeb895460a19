"""Identity providers of npm as processes on loopback, which are other implementations than ours: `oidc` (oidc-provider)
and `saml` (samlp)."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.npm import installed
from tests.support.processes import free_ports
from tests.support.saml_provider import new_key
from tests.support.waiting import eventually

HERE = Path(__file__).parent


@dataclass
class NpmProvider:
    """`groups`: by the name of a person, read at each sign-in."""

    program: Path
    folder: Path
    port: int
    domain: str
    clients: Sequence[str]
    process: subprocess.Popen[bytes] | None = None

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def groups(self, **groups: list[str]) -> None:
        (self.folder / "groups.json").write_text(json.dumps(groups))

    def start(self) -> None:
        said = self.folder / "said"
        words = ["node", self.program, str(self.port), self.domain, self.folder, *self.clients]
        with said.open("wb") as output:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
        eventually(lambda: "is ready" in said.read_text(), f"the provider is ready: {said.read_text()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@contextmanager
def npm_provider(kind: str, folder: Path, domain: str, *clients: str) -> Iterator[NpmProvider]:
    """Start one. `clients`: the addresses of its client, each up to the last part of the address of answers."""
    for name, pem in zip(("key.pem", "cert.pem"), new_key() if kind == "saml" else (), strict=False):
        (folder / name).write_text(pem)
    provider = NpmProvider(installed(HERE / kind) / "server.mjs", folder, free_ports(1), domain, clients)
    provider.groups()
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
