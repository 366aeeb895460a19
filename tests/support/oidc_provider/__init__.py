"""The OpenID provider of npm (oidc-provider) as a process on loopback: another implementation than ours."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.processes import free_ports
from tests.support.waiting import eventually

HERE = Path(__file__).parent
INSTALLING_SECONDS = 120


@dataclass
class OidcProvider:
    """`groups`: by the name of a person, read at each sign-in."""

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
        words = ["node", "server.mjs", str(self.port), self.domain, "groups.json", *self.clients]
        with said.open("wb") as output:
            self.process = subprocess.Popen(
                words, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        eventually(lambda: "is ready" in said.read_text(), f"the provider is ready: {said.read_text()}")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def missing() -> str:
    """Return what is missing to run it; empty if nothing is."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            return f"{program} is missing. Install it (Debian: apt-get install nodejs npm)."
    return ""


@contextmanager
def oidc_provider(folder: Path, domain: str, *clients: str) -> Iterator[OidcProvider]:
    """Install and start it. `clients`: the addresses of its client, each up to the last part of the redirect URI."""
    for name in ("package.json", "server.mjs"):
        shutil.copy(HERE / name, folder)
    install = ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(install, cwd=folder, check=True, timeout=INSTALLING_SECONDS, env={**os.environ, "CI": "true"})
    provider = OidcProvider(folder, free_ports(1), domain, clients)
    provider.groups()
    provider.start()
    try:
        yield provider
    finally:
        provider.stop()
