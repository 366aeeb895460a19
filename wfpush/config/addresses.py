"""Checks addresses in settings before libraries read them, which raise errors of their own, or overlook a fault.

Reasons are sentences without a subject, and repeat nothing of the value, which may hold a password.
"""

import re
from collections.abc import Collection
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

import redis
from environ import Env as DjangoEnviron
from psycopg import ProgrammingError
from psycopg.conninfo import make_conninfo

HOST = re.compile(r"\*|\.?[\w-]+(\.[\w-]+)*\.?|\[[0-9a-fA-F:.]+\]")
"""The syntax of an entry of ALLOWED_HOSTS."""
NOT_ENCODED = re.compile(r"%(?![0-9a-fA-F]{2})")
OF_DJANGO = frozenset({"isolation_level", "server_side_binding", "assume_role"})
"""Options of a database that Django takes, and libpq does not."""
OF_PSYCOPG = frozenset({"prepare_threshold", "context"})


def split(address: str, schemes: Collection[str], *, may_lack_host: bool = False) -> SplitResult:
    """Split an address of one of the schemes. Several hosts may be separated by commas.

    Raises ValueError with the reason.
    """
    if not address.isprintable() or re.search(r"\s", address):
        raise ValueError("has spaces or unprintable characters")
    if NOT_ENCODED.search(address) or not unquote(address).isprintable():
        raise ValueError("has a % that stands for no character: write it as %25")
    if scheme_of(address) not in schemes:
        raise ValueError(f"does not begin with {', '.join(f'{scheme}://' for scheme in schemes)}")
    try:
        parts = urlsplit(address)
        hosts = [urlsplit(f"//{host}") for host in parts.netloc.rpartition("@")[2].split(",")]
    except ValueError:
        raise ValueError("has brackets that are no IPv6 address") from None
    for host in hosts:
        if not host.hostname and not (may_lack_host and len(hosts) == 1):
            raise ValueError("names no host")
        if not _is_port(host):
            raise ValueError(
                "has a port that is no number from 1 to 65535; a / or # in a password is written as %2F, %23"
            )
    return parts


def scheme_of(address: str) -> str:
    """Return the scheme, in small letters; empty if there is no `://`."""
    scheme, separator, _rest = address.partition("://")
    return scheme.lower() if separator else ""


def _is_port(host: SplitResult) -> bool:
    try:
        return host.port != 0 and not host.netloc.endswith(":")
    except ValueError:
        return False


def database(address: str) -> dict[str, Any]:
    """Return Django's configuration of a PostgreSQL database. Raises ValueError with the reason."""
    schemes = [scheme for scheme, engine in DjangoEnviron.DB_SCHEMES.items() if engine.endswith(".postgresql")]
    split(address, schemes, may_lack_host=True)
    config: dict[str, Any] = DjangoEnviron.db_url_config(address)
    options = config.get("OPTIONS", {})
    if not config["NAME"] and "service" not in options:
        raise ValueError("names no database")
    try:
        make_conninfo(**{name: value for name, value in options.items() if name not in OF_DJANGO | OF_PSYCOPG})
    except ProgrammingError:
        raise ValueError("has an option after the ? that PostgreSQL does not have") from None
    return config


def check_redis(address: str) -> None:
    """Check an address of Redis. Raises ValueError with the reason."""
    if scheme_of(address) == "unix":
        if len(split(address, ["unix"], may_lack_host=True).path) < 2:
            raise ValueError("names no socket")
    else:
        parts = split(address, ["redis", "rediss", "unix"])
        if "," in parts.netloc:
            raise ValueError("names several hosts, and wfpush speaks to one: Sentinel and Cluster are not supported")
        if not re.fullmatch(r"/?[0-9]*/?", parts.path):
            raise ValueError("has a database that is no number")
    try:
        pool = redis.ConnectionPool.from_url(address)
        pool.connection_class(**pool.connection_kwargs)  # this opens no connection yet
    except (ValueError, TypeError, redis.RedisError):
        raise ValueError("has an option after the ? that is unknown or has a wrong value") from None


def email(address: str) -> dict[str, Any]:
    """Return Django's settings of e-mail. Raises ValueError with the reason."""
    sends = scheme_of(address).startswith("smtp")
    split(address, list(DjangoEnviron.EMAIL_SCHEMES), may_lack_host=not sends)
    config = dict(DjangoEnviron.email_url_config(address))
    if config.get("EMAIL_USE_TLS") and config.get("EMAIL_USE_SSL"):
        raise ValueError("asks for TLS in both ways, and can have one")
    return config


def check_web(address: str) -> None:
    """Check an address of the web: scheme, host and port. Raises ValueError with the reason."""
    parts = split(address, ["https", "http"])
    if "@" in parts.netloc or "," in parts.netloc or parts.query or parts.fragment:
        raise ValueError("has more than a host and a port")
