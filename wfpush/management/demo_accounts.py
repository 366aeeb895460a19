"""What `manage.py up --demo` needs to exist: an engine with its key, people who can sign in, and an SLA policy.

Made once, engine and people by the commands that an administrator would use, and kept in `WFPUSH_DATA/demo.json`.
"""

import io
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.core.management import call_command

from notifications.models import ApiKey
from wfpush.crypto import digest_of
from wfpush.management import demo_office, demo_policy

ENGINE = "demo"
THIS_MACHINE = ip_network("127.0.0.0/8")
"""Where the demo's engine runs, and engines under development."""
CHANGED = "(password changed since)"

# Managers first: a person's manager must exist.
PEOPLE: dict[str, dict[str, Any]] = {
    "carol": {"name": "Carol", "email": "carol@example.com"},
    "bob": {"name": "Bob", "email": "bob@example.com", "manager": "carol"},
    "alice": {"name": "Alice", "email": "alice@example.com", "manager": "bob"},
    "admin": {"name": "Administrator", "email": "admin@example.com", "staff": True},
}


@dataclass
class DemoAccounts:
    """The content of demo.json."""

    api_key: str = ""
    signing_secret: str = ""
    callback_url: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    hashes: dict[str, str] = field(default_factory=dict)
    """Of these passwords, as the database keeps them: to hash them again at each start would take a second."""
    has_policy: bool = False
    """Whether the policy was made. It is made once; administrators may change or remove it."""
    has_office: bool = False
    """The same of the brand, the working time, and the policy that counts in it."""

    @classmethod
    def read(cls, path: Path) -> "DemoAccounts":
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else cls()

    def write(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
        fresh.replace(path)


def ensure(path: Path, callback_url: str, base_url: str) -> DemoAccounts:
    """Make what is missing. The passwords of existing people stay, also changed ones. `base_url`: where people reach
    wfpush, and the brand its logo."""
    accounts = DemoAccounts.read(path)
    has_key = ApiKey.objects.filter(digest=digest_of(accounts.api_key), revoked_at=None).exists()
    if not has_key or accounts.callback_url != callback_url:
        made = _engine(callback_url)
        accounts.api_key, accounts.signing_secret = made["api_key"], made["signing_secret"]
        accounts.callback_url = callback_url
        accounts.write(path)
    for ref, options in PEOPLE.items():
        if not User.objects.filter(username=ref).exists():
            accounts.passwords[ref] = secrets.token_urlsafe(9)
            accounts.write(path)  # first: a password that is not kept cannot be shown again
            call_command("create_person", ref, password=accounts.passwords[ref], stdout=io.StringIO(), **options)
            accounts.hashes[ref] = User.objects.get(username=ref).password
            accounts.write(path)
    if not accounts.has_policy:
        demo_policy.make(ENGINE)
        accounts.has_policy = True
        accounts.write(path)
    if not accounts.has_office:
        demo_office.make(ENGINE, list(PEOPLE), base_url)
        accounts.has_office = True
        accounts.write(path)
    demo_office.move_logo(base_url)
    return accounts


def shown_passwords(accounts: DemoAccounts) -> dict[str, str]:
    """Each account's password as it works now, or a word on why it is not shown."""
    hashes = dict(User.objects.filter(username__in=PEOPLE).values_list("username", "password"))
    return {ref: _as_it_works(accounts, ref, hashes.get(ref, "")) for ref in sorted(PEOPLE)}


def _as_it_works(accounts: DemoAccounts, ref: str, now: str) -> str:
    password = accounts.passwords.get(ref, "")
    is_same = bool(now) and now == accounts.hashes.get(ref)  # else it may be hashed in another way since
    return password if is_same or check_password(password, now) else CHANGED


def _engine(callback_url: str) -> dict[str, str]:
    output = io.StringIO()
    call_command(
        "create_engine", ENGINE, name="Demo engine", callback_url=callback_url, allowed=[THIS_MACHINE], stdout=output
    )
    made: dict[str, str] = json.loads(output.getvalue().strip().splitlines()[-1])
    return made
