"""What `manage.py up --demo` makes at its first start, and leaves alone at every other."""

import json
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.auth.hashers import MD5PasswordHasher
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.contrib.staticfiles import finders
from django.utils import timezone

from escalations.clocks import due_steps
from escalations.kinds.checks import faults_of
from escalations.management import demo_accounts
from escalations.models import Escalation, PersonCalendar, Policy
from notifications import starter
from notifications.intake import ingest
from notifications.models import Brand, Delivery, Engine, Notification, Recipient
from notifications.routing import pipeline
from notifications.types import InboundEvent, Json
from notifications.wording.colours import READABLE, contrast

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)


@pytest.fixture
def start(db: None, tmp_path: Path) -> Callable[[], demo_accounts.DemoAccounts]:
    starter.ensure(apps)
    return lambda: demo_accounts.ensure(
        tmp_path / "demo.json", "http://127.0.0.1:8001/callback", "http://127.0.0.1:8000"
    )


def assign(**task: object) -> None:
    """The demo's engine asks."""
    said: Json = {"task": {"id": "T-1", "name": "Approve invoice 4711", "kind": "approval", **task}}
    event = InboundEvent(id="e-1", source="demo", type="task.assigned", data=said, digest="d")
    ingest.accept(Engine.objects.get(slug="demo"), [event], timezone.now())
    pipeline.drain()


def titles(who: str) -> list[str]:
    return [item.title for item in Notification.objects.filter(recipient__ref=who)]


def test_bob_is_reminded_after_a_minute_and_carol_hears_after_two(start: Callable[[], object]) -> None:
    start()
    assign(assignee="bob", due_at=(datetime.now(UTC) + timedelta(hours=2)).isoformat())
    began = Escalation.objects.get().started_at

    due_steps.tick(began + MINUTE)
    assert Notification.objects.get(recipient__ref="bob").notice.startswith("Reminder: due ")
    assert (titles("bob"), titles("carol")) == (["Approve invoice 4711"], [])
    due_steps.tick(began + 2 * MINUTE)
    assert titles("carol") == ["Approve invoice 4711"]
    assert Notification.objects.get(recipient__ref="carol").reason == "manager of Bob"
    told = Delivery.objects.filter(recipient=Recipient.objects.get(ref="carol"))
    assert {"live", "email"} <= set(told.values_list("channel", flat=True))


def test_what_waits_for_several_has_time(start: Callable[[], object]) -> None:
    start()
    assign(candidates=["bob", "carol"])

    assert not Escalation.objects.exists()


def test_an_inspection_is_due_in_working_time(start: Callable[[], object]) -> None:
    start()
    assign(assignee="bob", kind="field")
    escalation = Escalation.objects.get()
    assert escalation.policy is not None and escalation.policy.name == demo_accounts.OFFICE_POLICY
    calendar = PersonCalendar.objects.get(recipient__ref="bob").calendar.reckoning()
    due = calendar.add(escalation.started_at, timedelta(minutes=demo_accounts.WORKING_MINUTES))
    reminded = calendar.add(escalation.started_at, timedelta(minutes=demo_accounts.WORKING_MINUTES - 60))
    assert escalation.due_at == reminded, "an hour of working time before"
    due_steps.tick(reminded)
    assert titles("carol") == []
    due_steps.tick(calendar.add(due, MINUTE))
    assert titles("carol") == ["Approve invoice 4711"]


@pytest.mark.parametrize("digits", ["ace", "acde", "0123456789"])
def test_no_password_is_refused_whatever_digits_come(digits: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda size: "".join(islice(cycle(digits), 2 * size)))
    for ref, person in demo_accounts.PEOPLE.items():
        user = User(username=ref, first_name=str(person["name"]), email=str(person["email"]))
        password = demo_accounts.new_password()
        assert set(password) <= {*digits, "-"}
        validate_password(password, user)


def test_the_desk_would_take_the_policies(start: Callable[[], object]) -> None:
    start()
    assert {policy.name for policy in Policy.objects.all()} == {
        demo_accounts.MINUTES_POLICY,
        demo_accounts.OFFICE_POLICY,
    }
    for policy in Policy.objects.all():
        assert faults_of(policy, list(policy.steps.all()), timezone.now()) == []


def test_the_brand_is_readable_and_its_logo_is_there_at_any_port(start: Callable[[], object]) -> None:
    start()
    brand = Brand.objects.get(slug=demo_accounts.BRAND)
    assert contrast(brand.accent, "#ffffff") >= READABLE and contrast(brand.accent_dark, "#121316") >= READABLE
    assert finders.find(brand.logo_url.removeprefix(f"http://127.0.0.1:8000{settings.STATIC_URL}"))
    demo_accounts.move_logo("http://127.0.0.1:9000")
    brand.refresh_from_db()
    assert brand.logo_url.startswith("http://127.0.0.1:9000/static/")
    Brand.objects.update(logo_url="https://acme.example/logo.svg")
    demo_accounts.move_logo("http://127.0.0.1:8000")
    assert Brand.objects.get().logo_url == "https://acme.example/logo.svg"


def test_a_second_start_changes_nothing_that_administrators_changed(start: Callable[[], object]) -> None:
    start()
    Policy.objects.filter(name=demo_accounts.MINUTES_POLICY).update(name="Ours", minutes=60)
    Policy.objects.filter(name=demo_accounts.OFFICE_POLICY).delete()
    Brand.objects.update(name="Our brand")
    start()
    assert [(policy.name, policy.minutes) for policy in Policy.objects.all()] == [("Ours", 60)]
    assert [brand.name for brand in Brand.objects.all()] == ["Our brand"]


# --- the passwords that a start shows -----------------------------------------------------------------------------
def change_password(of: str, to: str) -> None:
    user = User.objects.get(username=of)
    user.set_password(to)
    user.save()


def test_a_password_that_nobody_changed_is_shown_without_hashing_it_again(
    start: Callable[[], demo_accounts.DemoAccounts], monkeypatch: pytest.MonkeyPatch
) -> None:
    start()
    monkeypatch.setattr(MD5PasswordHasher, "verify", lambda *_: pytest.fail("that takes a fifth of a second"))
    accounts = start()

    assert demo_accounts.shown_passwords(accounts) == accounts.passwords
    assert sorted(accounts.passwords) == ["admin", "alice", "bob", "carol"]


def test_a_password_that_was_changed_is_not_shown_and_one_that_was_set_again_is(
    start: Callable[[], demo_accounts.DemoAccounts],
) -> None:
    accounts = start()
    change_password("bob", to="a long walk by the sea")
    change_password("carol", to=accounts.passwords["carol"])
    User.objects.filter(username="admin").delete()
    shown = demo_accounts.shown_passwords(accounts)

    assert (shown["bob"], shown["admin"]) == (demo_accounts.CHANGED, demo_accounts.CHANGED)
    assert (shown["carol"], shown["alice"]) == (accounts.passwords["carol"], accounts.passwords["alice"])


def test_what_a_version_before_has_kept_is_enough(
    start: Callable[[], demo_accounts.DemoAccounts], tmp_path: Path
) -> None:
    passwords = start().passwords
    file = tmp_path / "demo.json"
    kept = json.loads(file.read_text(encoding="utf-8"))
    del kept["hashes"]
    file.write_text(json.dumps(kept), encoding="utf-8")

    assert demo_accounts.shown_passwords(start()) == passwords
