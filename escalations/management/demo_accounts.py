"""The accounts of `manage.py up --demo`: an engine with its key, people who can sign in, and an SLA policy.

Made once, engine and people by the commands that an administrator would use, and kept in `WFPUSH_DATA/demo.json`.
"""

import io
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction

from escalations.models import (
    BusinessCalendar,
    CalendarOf,
    Clock,
    PersonCalendar,
    Policy,
    PolicyCondition,
    PolicyStep,
    StepTarget,
    TimeKind,
)
from notifications.models import ApiKey, Brand, Category, Engine, Operator, Recipient, Template
from wfpush.crypto import digest_of
from wfpush.net.addresses import THIS_MACHINE
from wfpush.processes.demo import Demo

MINUTES_POLICY = "Demo: minutes as hours"
MINUTES = 2
"""Minutes until the demo's task is due. The processes call them two hours."""


@transaction.atomic
def make_policy(engine: str) -> None:
    """Make the policy: an approval's only assignee is reminded after a minute, and their manager told after two."""
    if Policy.objects.filter(name=MINUTES_POLICY).exists():
        return
    policy = Policy.objects.create(
        name=MINUTES_POLICY,
        engine=Engine.objects.get(slug=engine),
        clock=Clock.DURATION,
        minutes=MINUTES,
        time=TimeKind.WALL,
    )
    PolicyCondition.objects.create(policy=policy, path="task.kind", operator=Operator.EQUALS, value="approval")
    PolicyCondition.objects.create(policy=policy, path="task.assignee", operator=Operator.EXISTS)
    _step(policy, -1, StepTarget.ASSIGNEE, "task-reminder")
    _step(policy, 0, StepTarget.MANAGER, "task-late")


def _step(policy: Policy, offset: int, target: StepTarget, template: str) -> None:
    PolicyStep.objects.create(
        policy=policy,
        offset=offset,
        time=TimeKind.WALL,
        target=target,
        template=Template.objects.get(slug=template),
        category=Category.objects.get(slug="approvals"),
    )


BRAND = "demo"
LOGO = "wfpush/demo_logo.svg"
OFFICE_POLICY = "Demo: inspections in working hours"
WEEK = {day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
WORKING_MINUTES = 240
"""Working minutes: half a day."""


@transaction.atomic
def make_office(engine: str, people: list[str], base_url: str) -> None:
    """Make the missing rows. `people`: refs of the people who work by the calendar."""
    Brand.objects.get_or_create(
        slug=BRAND,
        defaults={
            "name": "Nordlicht Services",
            "accent": "#0b6e4f",
            "accent_dark": "#7fd6b2",
            "logo_url": logo_at(base_url),
            "from_email": "Nordlicht Services <service@nordlicht.example>",
            "contact_phone": "+49 30 5550100",
            "contact_email": "service@nordlicht.example",
            "contact_address": "Lindenstr. 5, 10969 Berlin",
        },
    )
    office, _made = BusinessCalendar.objects.get_or_create(
        name="Demo: office in Berlin",
        defaults={"timezone": "Europe/Berlin", "week": WEEK, "country": "DE", "subdivision": "BE"},
    )
    for person in Recipient.objects.filter(ref__in=people, engine=None):
        PersonCalendar.objects.get_or_create(recipient=person, defaults={"calendar": office})
    if not Policy.objects.filter(name=OFFICE_POLICY).exists():
        _make_office_policy(Engine.objects.get(slug=engine), office)


def _make_office_policy(engine: Engine, office: BusinessCalendar) -> None:
    """Make the policy: an inspection is due half a working day after its assignment; then the manager is told."""
    policy = Policy.objects.create(
        name=OFFICE_POLICY,
        engine=engine,
        clock=Clock.DURATION,
        minutes=WORKING_MINUTES,
        calendar=office,
        calendar_of=CalendarOf.ASSIGNEE,
    )
    PolicyCondition.objects.create(policy=policy, path="task.kind", operator=Operator.EQUALS, value="field")
    for offset, target, template in ((-60, StepTarget.ASSIGNEE, "task-reminder"), (0, StepTarget.MANAGER, "task-late")):
        PolicyStep.objects.create(
            policy=policy,
            offset=offset,
            target=target,
            template=Template.objects.get(slug=template),
            category=Category.objects.get(slug="field-work"),
        )


def logo_at(base_url: str) -> str:
    return f"{base_url}{settings.STATIC_URL}{LOGO}"


def move_logo(base_url: str) -> None:
    """Set the address of the demo's logo, as the demo may be started at another port. Other logos stay."""
    Brand.objects.filter(slug=BRAND, logo_url__endswith=LOGO).update(logo_url=logo_at(base_url))


ENGINE = "demo"
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
    """The hashes of these passwords in the database. Hashing them again at each start would take a second."""
    has_policy: bool = False
    """True if the policy was made. It is made once; administrators may change or remove it."""
    has_office: bool = False
    """True if the brand, the calendar and the policy by working time were made. They are made once."""

    @classmethod
    def read(cls, path: Path) -> "DemoAccounts":
        return cls(**json.loads(path.read_text(encoding="utf-8"))) if path.is_file() else cls()

    def write(self, path: Path) -> None:
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(asdict(self), file, indent=2)
        fresh.replace(path)


def prepare(path: Path, callback_url: str, base_url: str) -> Demo:
    accounts = ensure(path, callback_url, base_url)
    passwords = shown_passwords(accounts)
    return Demo(
        passwords,
        {
            "WFPUSH_API_KEY": accounts.api_key,
            "WFPUSH_SIGNING_SECRET": accounts.signing_secret,
            "DEMO_ACCOUNTS": json.dumps(passwords),
            "DEMO_BRAND": BRAND,
        },
    )


def ensure(path: Path, callback_url: str, base_url: str) -> DemoAccounts:
    """Make the missing accounts and rows. Passwords of existing people stay, even changed ones. `base_url`: the address
    of wfpush for people, and for the brand's logo."""
    accounts = DemoAccounts.read(path)
    has_key = ApiKey.objects.filter(digest=digest_of(accounts.api_key), revoked_at=None).exists()
    if not has_key or accounts.callback_url != callback_url:
        made = _engine(callback_url)
        accounts.api_key, accounts.signing_secret = made["api_key"], made["signing_secret"]
        accounts.callback_url = callback_url
        accounts.write(path)
    for ref, options in PEOPLE.items():
        if not User.objects.filter(username=ref).exists():
            accounts.passwords[ref] = new_password()
            accounts.write(path)  # first: a password that is not kept cannot be shown again
            call_command("create_person", ref, password=accounts.passwords[ref], stdout=io.StringIO(), **options)
            accounts.hashes[ref] = User.objects.get(username=ref).password
            accounts.write(path)
    if not accounts.has_policy:
        make_policy(ENGINE)
        accounts.has_policy = True
        accounts.write(path)
    if not accounts.has_office:
        make_office(ENGINE, list(PEOPLE), base_url)
        accounts.has_office = True
        accounts.write(path)
    move_logo(base_url)
    return accounts


def new_password() -> str:
    """Return a random password that no validator refuses. Passwords of any letters are sometimes too similar to the
    e-mail address."""
    return f"{secrets.token_hex(4)}-{secrets.token_hex(4)}"


def shown_passwords(accounts: DemoAccounts) -> dict[str, str]:
    """Return each account's present password, or CHANGED if it is not known."""
    hashes = dict(User.objects.filter(username__in=PEOPLE).values_list("username", "password"))
    return {ref: _working_password(accounts, ref, hashes.get(ref, "")) for ref in sorted(PEOPLE)}


def _working_password(accounts: DemoAccounts, ref: str, now: str) -> str:
    password = accounts.passwords.get(ref, "")
    is_same = bool(now) and now == accounts.hashes.get(ref)  # else the hash may be of another algorithm since
    return password if is_same or check_password(password, now) else CHANGED


def _engine(callback_url: str) -> dict[str, str]:
    output = io.StringIO()
    call_command(
        "create_engine", ENGINE, name="Demo engine", callback_url=callback_url, allowed=[THIS_MACHINE], stdout=output
    )
    made: dict[str, str] = json.loads(output.getvalue().strip().splitlines()[-1])
    return made
