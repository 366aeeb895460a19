"""The commands of docs/start/debian.md, typed as they are there: from nothing to a restored backup.

On Debian's PostgreSQL, Redis and nginx, in a scratch folder that stands for `/`. All that differs from a machine of its
own is in `adapted`, in the programs of stand_ins.py, and in what Debian's packages do by themselves (`Debian`).
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tests.support.documentation import ROOT, blocks
from tests.support.processes import free_ports
from tests.support.receiver import Receiver, receiving
from tests.support.waiting import eventually
from wfpush.embedded.servers import unprivileged_user

pytestmark = [pytest.mark.processes, pytest.mark.long]

PAGE = "docs/start/debian.md"
SECONDS = 240
OF_DEBIAN = {
    "redis-server": "redis-server",
    "nginx": "nginx-light",
    "curl": "curl",
    "openssl": "openssl",
    "make": "make",
}
"""Programs, and the packages of them that .ci/run installs."""
STAND_INS = ("apt-get", "useradd", "runuser", "systemd-run", "systemctl", "nginx")
NOT_COPIED = shutil.ignore_patterns(
    ".venv", ".git", ".wfpush*", "*_cache", "__pycache__", ".env", "tests", "node_modules"
)


def postgresql() -> Path:
    """The folder of Debian's newest PostgreSQL; where something is missing, the test is skipped outside CI."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    missing = [
        package for name, package in OF_DEBIAN.items() if not shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin")
    ]
    missing += [] if programs else ["postgresql"]
    if missing:
        reason = f"apt-get install {' '.join(missing)}: docs/start/debian.md was NOT tried"
        assert not os.environ.get("CI"), reason
        pytest.skip(reason)
    return programs[-1].parent


class Debian:
    """A machine in a folder, with the servers that Debian's packages start by themselves."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.root, self._programs = folder, programs
        self.port = free_ports(6)
        self.postgres_port, self.redis_port, self.web_port, _, self.https_port, self.http_port = range(
            self.port, self.port + 6
        )
        self.environment = {
            "PATH": f"{folder}/stand-ins:{folder}/usr/local/sbin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin",
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "SCRATCH": str(folder),
            "POSTGRES_SOCKETS": str(folder / "postgresql"),
            "POSTGRES_PORT": str(self.postgres_port),
        }

    def adapted(self, receiver: Receiver) -> dict[str, str]:
        """What of the page and of `deploy/` is replaced, and by what."""
        folders = (
            "/opt/wfpush",
            "/etc/wfpush",
            "/etc/systemd/system/",
            "/etc/nginx/conf.d",
            "/etc/ssl/wfpush",
            "/usr/local/sbin/",
            "/var/backups/wfpush",
        )
        return {
            **{folder: f"{self.root}{folder}" for folder in folders},
            "127.0.0.1:5432": f"127.0.0.1:{self.postgres_port}",
            "127.0.0.1:6379": f"127.0.0.1:{self.redis_port}",
            "wfpush-web@8001 wfpush-web@8002": f"wfpush-web@{self.web_port} wfpush-web@{self.web_port + 1}",
            "127.0.0.1:8001": f"127.0.0.1:{self.web_port}",
            "127.0.0.1:8002": f"127.0.0.1:{self.web_port + 1}",
            "listen 443": f"listen 127.0.0.1:{self.https_port}",
            "listen 80": f"listen 127.0.0.1:{self.http_port}",
            "push.example.com:443": f"push.example.com:{self.https_port}",
            "https://push.example.com/api": f"https://push.example.com:{self.https_port}/api",
            "https://engine.example/callback": receiver.url,
            "10.1.0.0/16": "127.0.0.0/8",
        }

    def prepare(self, adapted: dict[str, str]) -> None:
        """The release in its folder, with the .venv of the tests, and the programs that stand in."""
        for folder in (
            "opt",
            "etc/systemd/system",
            "etc/nginx/conf.d",
            "etc/ssl",
            "usr/local/sbin",
            "run",
            "stand-ins",
        ):
            (self.root / folder).mkdir(parents=True)
        release = self.root / "opt/wfpush-0.4.0"
        shutil.copytree(ROOT, release, ignore=NOT_COPIED, symlinks=True)
        (release / ".venv").symlink_to(Path(sys.prefix))
        for file in ("requirements.txt", "constraints.txt"):  # so that make setup has nothing to do
            os.utime(release / file, (0, 0))
        for path in (release / "deploy").iterdir():
            path.write_text(replaced(path.read_text(encoding="utf-8"), adapted), encoding="utf-8")
        for name in STAND_INS:
            program = self.root / "stand-ins" / name
            program.write_text(
                f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -m tests.deploy.stand_ins {name} "$@"\n'
            )
            program.chmod(0o755)

    def start_servers(self, over: ExitStack) -> None:
        """PostgreSQL with the sign-in of Debian's, and Redis. Both for as long as `over` is open."""
        data = self.root / "postgresql"
        data.mkdir()
        as_root = {"user": unprivileged_user().pw_uid, "group": unprivileged_user().pw_gid} if os.geteuid() == 0 else {}
        if as_root:
            os.chown(data, as_root["user"], as_root["group"])
        options = [
            "--username=postgres",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
            "--no-sync",
            "--encoding=UTF8",
        ]
        initdb = [str(self._programs / "initdb"), "-D", str(data / "main"), *options, "--locale=C.UTF-8"]
        subprocess.run(initdb, check=True, capture_output=True, cwd=data, timeout=90, **as_root)  # type: ignore[call-overload]
        settings = {
            "port": self.postgres_port,
            "listen_addresses": "127.0.0.1",
            "fsync": "off",
            "unix_socket_directories": data,
        }
        postgres = [str(self._programs / "postgres"), "-D", str(data / "main")]
        postgres += [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        redis = [
            "redis-server",
            "--port",
            str(self.redis_port),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--dir",
            str(self.root),
        ]
        for command, rights in ((postgres, as_root), (redis, {})):
            started = subprocess.Popen(
                command,
                cwd=data,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                **rights,  # type: ignore[call-overload]
            )
            over.callback(started.wait, 60)
            over.callback(started.send_signal, signal.SIGINT)
        ready = [str(self._programs / "pg_isready"), "--host=127.0.0.1", f"--port={self.postgres_port}", "--quiet"]
        eventually(lambda: subprocess.run(ready, check=False).returncode == 0, "PostgreSQL answers")

    def stop_services(self) -> None:
        """What the stand-in of systemctl has started, by its process ids."""
        for file in (self.root / "run").glob("*.pid"):
            with suppress(psutil.NoSuchProcess, ValueError):
                service = psutil.Process(int(file.read_text()))
                service.terminate()
                with suppress(psutil.TimeoutExpired):
                    service.wait(60)


def replaced(text: str, adapted: dict[str, str]) -> str:
    """In one pass, so that nothing that was put in is replaced again."""
    pattern = re.compile("|".join(re.escape(words) for words in sorted(adapted, key=len, reverse=True)))
    return pattern.sub(lambda match: adapted[match[0]], text)


@pytest.fixture
def debian() -> Iterator[Debian]:
    programs = postgresql()
    with (
        tempfile.TemporaryDirectory(prefix="wfpush-debian-", ignore_cleanup_errors=True) as folder,
        ExitStack() as over,
    ):
        Path(folder).chmod(0o755)
        made = Debian(Path(folder), programs)
        made.start_servers(over)
        over.callback(made.stop_services)
        yield made


def test_the_page_leads_from_nothing_to_a_restored_backup(debian: Debian) -> None:
    with receiving() as engine:
        adapted = debian.adapted(engine)
        debian.prepare(adapted)
        script = "\n".join(["set -euo pipefail", *(replaced(block, adapted) for block in blocks(PAGE, "sh"))])
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=debian.root,
            env=debian.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "System check identified no issues (3 silenced).\n" in done.stdout
        assert not re.search(r"warning|error|traceback", done.stderr, re.I), done.stderr

        lines = done.stdout.strip().splitlines()
        assert lines[-1] == "1 answer restored"
        recorded = json.loads(next(line for line in lines if '"answers"' in line))
        assert [answer["action"] for answer in recorded["answers"]] == ["approve"]
        eventually(lambda: len(engine.calls) == 1, "the engine is told")
        (told,) = engine.calls
        assert (told.data["task_id"], told.data["action"], told.data["responded_by"]["ref"]) == (
            "T-1",
            "approve",
            "bob",
        )
