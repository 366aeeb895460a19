"""Identity providers of npm as processes on loopback, which are other implementations than ours: `oidc` (oidc-provider)
and `saml` (samlp)."""

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from tests.support.processes import free_ports
from tests.support.saml_provider import new_key
from tests.support.waiting import eventually

HERE = Path(__file__).parent
INSTALLING_SECONDS = 120


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


def missing() -> str:
    """Return what is missing to run one; empty if nothing is."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"{program} is missing. Install it (Debian: apt-get install nodejs npm)."
    return ""


def _installed(kind: str) -> Path:
    """Return the program of the kind, with its packages. They are installed once in a data folder of tests."""
    folder = Path(settings.DATA_DIR) / "npm" / kind
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        shutil.copy(HERE / kind / "server.mjs", folder)
        listed, complete = (HERE / kind / "package.json").read_text(), folder / "installed.json"
        if not complete.exists() or complete.read_text() != listed:
            (folder / "package.json").write_text(listed)
            install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
            subprocess.run(
                install, cwd=folder, check=True, timeout=INSTALLING_SECONDS, env={**os.environ, "CI": "true"}
            )
            complete.write_text(listed)
    return folder / "server.mjs"


@contextmanager
def npm_provider(kind: str, folder: Path, domain: str, *clients: str) -> Iterator[NpmProvider]:
    """Start one. `clients`: the addresses of its client, each up to the last part of the address of answers."""
    for name, pem in zip(("key.pem", "cert.pem"), new_key() if kind == "saml" else (), strict=False):
        (folder / name).write_text(pem)
    provider = NpmProvider(_installed(kind), folder, free_ports(1), domain, clients)
    provider.groups()
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
