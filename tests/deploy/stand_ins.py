"""What a test runs instead of programs that would change this machine, each by the name with which it is called.

Environment: SCRATCH, the folder that stands for `/`; POSTGRES_SOCKETS and POSTGRES_PORT. Everything started is noted in
SCRATCH/run, as one file with its process id for each.
"""

import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from itertools import takewhile
from pathlib import Path
from typing import NoReturn

from tests.deploy.proxy import MAIN
from tests.support.announcements import Announcements

SCRATCH = Path(os.environ["SCRATCH"])
NGINX = "/usr/sbin/nginx"
UNITS = SCRATCH / "etc/systemd/system"


def apt_get(words: Sequence[str]) -> None:
    """Instead of installing: fail if a package that the page names is not there."""
    packages = [word for word in words if not word.startswith("-") and word not in ("install", "update")]
    if find_spec("ensurepip"):
        packages = [package for package in packages if package != "python3-venv"]
    if packages:
        subprocess.run(["dpkg", "--status", *packages], check=True, stdout=subprocess.DEVNULL)


def useradd(words: Sequence[str]) -> None:
    """Instead of making a user: everything is run as the one of the test."""


def runuser(words: Sequence[str]) -> NoReturn:
    """Run a program of PostgreSQL's superuser, with the sign-in of the test's server."""
    assert words[:3] == ["-u", "postgres", "--"]
    own = {"PGHOST": os.environ["POSTGRES_SOCKETS"], "PGPORT": os.environ["POSTGRES_PORT"], "PGUSER": "postgres"}
    os.execvpe(words[3], words[3:], os.environ | own)


def systemd_run(words: Sequence[str]) -> NoReturn:
    """Run the command with the folder and the files of settings that it says, and with nothing else."""
    options = [word.partition("=") for word in takewhile(lambda word: word.startswith("--"), words)]
    command = words[len(options) :]
    folder = next(value for name, _, value in options if name == "--working-directory")
    settings: dict[str, str] = {}
    for name, _, value in options:
        if name == "--property" and value.startswith("EnvironmentFile="):
            settings |= settings_of(Path(value.partition("=")[2]))
    os.chdir(folder)
    os.execve(command[0], command, bare() | settings)


def systemctl(words: Sequence[str]) -> None:
    """Start what units say, and return when they are ready; start nginx instead of reloading it."""
    if words[:2] == ["enable", "--now"]:
        for unit in words[2:]:
            start_unit(unit)
    elif words == ["reload", "nginx"]:
        with (SCRATCH / "run/nginx.log").open("wb") as log:
            command = [NGINX, "-c", main_configuration()]
            note("nginx", subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log))
    else:
        assert words == ["daemon-reload"], words


def check_nginx(words: Sequence[str]) -> NoReturn:
    """`nginx -t`, with the configuration below."""
    assert words == ["-t"]
    os.execv(NGINX, [NGINX, "-q", "-t", "-c", main_configuration()])


def start_unit(unit: str) -> None:
    name, at, instance = unit.partition("@")
    text = (UNITS / f"{name}{at}.service").read_text(encoding="utf-8").replace("%i", instance)
    lines = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    with Announcements() as said, (SCRATCH / "run" / f"{unit}.log").open("wb") as log:
        service = subprocess.Popen(
            shlex.split(lines["ExecStart"]),
            cwd=lines["WorkingDirectory"],
            env=bare() | settings_of(Path(lines["EnvironmentFile"])) | {"NOTIFY_SOCKET": said.address},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        note(unit, service)
        assert said.next() == "READY=1"


def settings_of(file: Path) -> dict[str, str]:
    """As EnvironmentFile= is read (systemd.exec(5)): a name and a value a line, with or without quotes."""
    pairs = [line.partition("=") for line in file.read_text(encoding="utf-8").splitlines()]
    return {name: shlex.split(value)[0] for name, _, value in pairs}


def bare() -> dict[str, str]:
    """No setting of wfpush."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "SCRATCH") if name in os.environ}


def main_configuration() -> str:
    """nginx.conf as Debian's, as far as it matters: it includes conf.d."""
    text = MAIN.format(folder=SCRATCH / "run").replace(
        f"{SCRATCH}/run/wfpush.conf", f"{SCRATCH}/etc/nginx/conf.d/*.conf"
    )
    file = SCRATCH / "run" / "nginx.conf"
    file.write_text(text, encoding="utf-8")
    return str(file)


def note(name: str, process: "subprocess.Popen[bytes]") -> None:
    (SCRATCH / "run" / f"{name}.pid").write_text(str(process.pid))


PROGRAMS: dict[str, Callable[[list[str]], None]] = {
    "apt-get": apt_get,
    "useradd": useradd,
    "runuser": runuser,
    "systemd-run": systemd_run,
    "systemctl": systemctl,
    "nginx": check_nginx,
}

if __name__ == "__main__":
    PROGRAMS[sys.argv[1]](sys.argv[2:])
