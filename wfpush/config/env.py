"""The typed reader of the environment. A wrong value stops the start with a message that names the variable.

A variable is looked up in the process environment, then `.env` in the checkout, then `secrets.env` in `WFPUSH_DATA`.
Nothing here needs Django's settings, which are made from these values.
"""

import os
import re
from collections.abc import Callable, Sequence
from email.utils import parseaddr
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env as DjangoEnviron

from wfpush.config import addresses
from wfpush.embedded import datafolder, shared_servers
from wfpush.security import vapid_keys

T = TypeVar("T")

SHORTEST_KEY = 16
LONGEST_NUMBER = 9
"""The most digits of a number."""
DATABASE_EXAMPLE = "postgres://user:password@host:5432/name"
REDIS_EXAMPLE = "redis://:password@host:6379/0"
GENERATED = ("SECRET_KEY", "ENCRYPTION_KEYS", "VAPID_PRIVATE_KEY")


class Environment:
    """The settings as typed values.

    Raises ImproperlyConfigured with the variable, the value's fault and a correct example.
    """

    def __init__(self, values: dict[str, str], data_dir: Path) -> None:
        self.values = values
        self.data_dir = data_dir

    @property
    def uses_embedded_servers(self) -> bool:
        return not (self.text("DATABASE_URL", default="") and self.text("REDIS_URL", default=""))

    def text(self, name: str, *, default: str | None = None) -> str:
        value = self.values.get(name, "").strip()
        if re.search(r"[\ud800-\udfff]", value):  # Python reads other bytes than UTF-8 as these
            raise ImproperlyConfigured(f"{name} is not text in UTF-8. Write it again.")
        if value:
            return value
        if default is None:
            raise ImproperlyConfigured(f"{name} is not set. Set it in the environment or in .env.")
        return default

    def token(self, name: str, *, default: str) -> str:
        """Return a secret that may be missing. If it is set, it must be long enough not to be guessed."""
        value = self.text(name, default=default)
        if value and len(value) < 16:
            raise ImproperlyConfigured(f"{name} is shorter than 16 characters. Make one with `openssl rand -hex 32`.")
        if not re.fullmatch(r"[!-~]*", value):
            raise ImproperlyConfigured(
                f"{name} has spaces or letters that a header cannot carry. Make one with `openssl rand -hex 32`."
            )
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        value = self.text(name, default="yes" if default else "no").lower()
        if value in DjangoEnviron.BOOLEAN_TRUE_STRINGS:
            return True
        if value in ("false", "off", "no", "n", "0"):
            return False
        raise ImproperlyConfigured(f"{name}={_quoted(value)} is neither yes nor no. Write yes or no.")

    def integer(self, name: str, *, default: int, minimum: int, maximum: int | None = None) -> int:
        value = self.text(name, default=str(default))
        if not re.fullmatch(r"[0-9]+", value) or (len(value) <= LONGEST_NUMBER and int(value) < minimum):
            raise ImproperlyConfigured(f"{name}={_quoted(value)} is not a whole number of at least {minimum}.")
        most = 10**LONGEST_NUMBER - 1 if maximum is None else maximum
        if len(value) > LONGEST_NUMBER or int(value) > most:
            raise ImproperlyConfigured(f"{name}={_quoted(value)} is more than {most}.")
        return int(value)

    def choice(self, name: str, allowed: Sequence[str], *, default: str) -> str:
        value = self.text(name, default=default)
        if value not in allowed:
            raise ImproperlyConfigured(f"{name}={_quoted(value)} is unknown. Write one of {', '.join(allowed)}.")
        return value

    def words(self, name: str, *, default: list[str]) -> list[str]:
        value = self.text(name, default="")
        return [word.strip() for word in value.split(",") if word.strip()] or default

    def features(self, name: str, packages: dict[str, str]) -> dict[str, str]:
        """Return the packages of the chosen features by name, in the order of `packages`: all by default."""
        chosen = self.words(name, default=list(packages))
        if chosen == ["none"]:
            return {}
        if wrong := next((feature for feature in chosen if feature not in packages), None):
            known = ", ".join(packages)
            raise ImproperlyConfigured(
                f"{name}: there is no feature {_quoted(wrong)}. Choose of {known}; or write none."
            )
        return {feature: package for feature, package in packages.items() if feature in chosen}

    def hosts(self, name: str, *, default: list[str]) -> list[str]:
        """Return host names as ALLOWED_HOSTS has them."""
        hosts = self.words(name, default=default)
        if wrong := next((host for host in hosts if not addresses.HOST.fullmatch(host)), None):
            raise ImproperlyConfigured(
                f"{name}: {_quoted(wrong)} is no host. Write names without https:// and port: push.example.com."
            )
        return hosts

    def url(self, name: str, *, default: str) -> str:
        value = self.text(name, default=default)
        check_address(name, addresses.check_web, value, "https://push.example.com")
        return value

    def sender(self, name: str, *, default: str) -> str:
        """Return the sender of e-mails: an address, or a name and an address."""
        value = self.text(name, default=default)
        if not value.isprintable() or not re.fullmatch(r"[^\s@]+@[^\s@]+", parseaddr(value)[1]):
            raise ImproperlyConfigured(f"{name} is no sender. Write one such as Acme <no-reply@push.example.com>.")
        return value

    def networks(self, name: str) -> list[IPv4Network | IPv6Network]:
        networks = []
        for word in self.words(name, default=[]):
            try:
                networks.append(ip_network(word))
            except ValueError as fault:
                raise ImproperlyConfigured(
                    f"{name}: {_quoted(word)} is no network. Write networks such as 10.1.0.0/16."
                ) from fault
        return networks

    def secret(self, name: str) -> str:
        value = self.text(name, default="")
        if len(value) < 32:
            raise ImproperlyConfigured(
                f"{name} is missing or shorter than 32 characters. "
                "Set it, or start with `manage.py up`, which generates it."
            )
        return value

    def secrets(self, name: str) -> list[str]:
        self.secret(name)
        keys = self.words(name, default=[])
        if short := next((number for number, key in enumerate(keys, 1) if len(key) < SHORTEST_KEY), 0):
            raise ImproperlyConfigured(
                f"{name}: key {short} of {len(keys)} is shorter than {SHORTEST_KEY} characters. Commas separate keys:"
                " leave them out of a key, and make each as long as that."
            )
        return keys

    def signing_keys(self, name: str) -> list[str]:
        keys = self.words(name, default=[])
        if not keys:
            raise ImproperlyConfigured(
                f"{name} is missing. Make one with `manage.py vapid --new`, or start with `manage.py up`, which does."
            )
        for number, key in enumerate(keys, 1):
            try:
                vapid_keys.load(key)
            except ValueError as fault:
                raise ImproperlyConfigured(
                    f"{name}: key {number} {fault}. Make one with `manage.py vapid --new`."
                ) from fault
        return keys

    def contact(self, name: str, *, base_url: str) -> str:
        """Return the address at which operators of other services may write to us. If it is unset: the installation's
        own, provided that is public."""
        value = self.text(name, default=base_url if base_url.startswith("https://") else "mailto:admin@localhost")
        if value.startswith("https://"):
            check_address(name, addresses.check_web, value, "https://push.example.com")
        elif not re.fullmatch(r"mailto:[^\s@]+@[^\s@]+", value):
            raise ImproperlyConfigured(f"{name} must begin with mailto: or https://, as in mailto:ops@example.com.")
        return value

    def database(self) -> dict[str, Any]:
        address = (
            self.text("DATABASE_URL", default="") or shared_servers.servers(self.data_dir, "DATABASE_URL").database_url
        )
        config = check_address("DATABASE_URL", addresses.database, address, DATABASE_EXAMPLE)
        age = self.integer("DATABASE_CONNECTION_SECONDS", default=300, minimum=1)
        ours = {"ENGINE": "wfpush.postgres", "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": age}
        # A server-side cursor belongs to one server connection, and a pooler may use another one for the next rows.
        return config | ours | {"DISABLE_SERVER_SIDE_CURSORS": True}

    def redis(self) -> str:
        address = self.text("REDIS_URL", default="") or shared_servers.servers(self.data_dir, "REDIS_URL").redis_url
        check_address("REDIS_URL", addresses.check_redis, address, REDIS_EXAMPLE)
        return address

    def redis_in_time(self) -> str:
        """Return the address of Redis with timeouts, for libraries that take only a URL and would wait for ever."""
        address = self.redis()
        limits = {"socket_timeout": "10", "socket_connect_timeout": "5"}
        missing = [f"{name}={value}" for name, value in limits.items() if f"{name}=" not in address]
        return address + ("&" if "?" in address else "?") * bool(missing) + "&".join(missing)


def check_address(name: str, check: Callable[[str], T], value: str, example: str) -> T:
    """Check an address. Raises ImproperlyConfigured with the reason of `check`, which repeats nothing of the value."""
    try:
        return check(value)
    except ValueError as fault:
        raise ImproperlyConfigured(f"{name}: the address {fault}. Write one such as {example}.") from fault


def _quoted(value: str) -> str:
    """Return a wrong value for a sentence, cut to 40 characters."""
    return repr(value if len(value) <= 40 else f"{value[:40]}…")


def load(base_dir: Path) -> Environment:
    """Read the environment of this process and the two files."""
    dotenv = base_dir / ".env"
    try:
        values = parse(dotenv.read_text(encoding="utf-8") if dotenv.is_file() else "") | dict(os.environ)
    except (OSError, UnicodeDecodeError) as fault:
        raise ImproperlyConfigured(f"{dotenv} cannot be read: {fault}.") from fault
    data_dir = (base_dir / (values.get("WFPUSH_DATA") or ".wfpush")).absolute()
    return Environment(parse(datafolder.read_secrets(data_dir)) | values, data_dir)


def prepare(base_dir: Path) -> Environment:
    """Make `WFPUSH_DATA` and missing secrets, then read the environment. For `manage.py up` and the tests."""
    environment = load(base_dir)
    missing = [name for name in GENERATED if not environment.values.get(name)]
    datafolder.prepare(environment.data_dir, missing)
    return load(base_dir)


def stand_in(base_dir: Path) -> None:
    """Fill in missing required values. For `--help` and new keys, which need Django's settings but none of their
    values."""
    environment = load(base_dir)
    for name in GENERATED:
        if not environment.values.get(name):
            os.environ[name] = datafolder.new_secret(name)
    if not environment.values.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = "postgresql://nowhere/help"
    if not environment.values.get("REDIS_URL"):
        os.environ["REDIS_URL"] = "redis://nowhere"


def parse(text: str) -> dict[str, str]:
    """Return the assignments of a `.env` file."""
    assignments: dict[str, str] = {}
    for line in text.splitlines():
        name, separator, value = line.strip().partition("=")
        if separator and not name.startswith("#"):
            assignments[name.strip()] = value.strip().strip("'\"")
    return assignments


def own_origins(base_url: str, hosts: Sequence[str]) -> list[str]:
    """Return the origins of this installation's pages. Django cannot know them behind a proxy that does not forward the
    scheme. `hosts` as in ALLOWED_HOSTS."""
    parts = urlsplit(base_url)
    if parts.scheme != "https":
        return [base_url]
    port = f":{parts.port}" if parts.port else ""
    origins = [f"https://{'*' * host.startswith('.')}{host}{port}" for host in hosts if host != "*"]
    return list(dict.fromkeys([base_url, *origins]))
