"""After ENCRYPTION_KEYS went wrong, doctor says which secrets cannot be read, and what to do."""

import signal
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from notifications.connectors.signatures import new_secret
from notifications.models import ConnectedAccount, EngineAccess, PersonalSignIn, SigningSecret
from tests.factories import EngineFactory, RecipientFactory
from tests.support.processes import House
from wfpush.queue import lease_holder
from wfpush.security import lost_secrets
from wfpush.tasks import beat

OLD, NEW = "the old key long enough to be one", "the new key long enough to be one"

with_database = pytest.mark.django_db


@pytest.fixture(autouse=True)
def in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beats are those of a worker."""
    monkeypatch.setenv(lease_holder.WORKER, "worker-1/0123456789ab")


def faults_of_doctor() -> str:
    beat()
    try:
        call_command("doctor", stdout=StringIO())
    except CommandError as fault:
        return str(fault)
    return ""


def secret_of(slug: str) -> None:
    SigningSecret.objects.create(engine=EngineFactory(slug=slug, name=slug.capitalize()), secret=new_secret())


@with_database
def test_a_key_that_is_gone_is_told_with_the_engine_and_what_to_do(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    secret_of("invoices")
    settings.ENCRYPTION_KEYS = [NEW]
    secret_of("contracts")
    said = faults_of_doctor()

    assert "1 fault" in said
    assert "1 of the signing secrets (Invoices) cannot be read: none of ENCRYPTION_KEYS opens" in said
    assert "Put back the key that it was saved under, after the newest one, and restart; or set it anew." in said
    settings.ENCRYPTION_KEYS = [NEW, OLD]
    assert faults_of_doctor() == ""


@with_database
def test_every_kind_of_secret_is_looked_at(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    engine, now = EngineFactory(name="Invoices"), timezone.now()
    EngineAccess.objects.create(engine=engine, auth="none", key="a private key")
    PersonalSignIn.objects.create(engine=engine, client_secret="a client's")
    account = {"engine": engine, "expires_at": now, "connected_at": now, "access_token": "a person's"}
    ConnectedAccount.objects.create(recipient=RecipientFactory(ref="bob"), **account)
    ConnectedAccount.objects.create(recipient=RecipientFactory(ref="carol"), refresh_token="renews", **account)
    SigningSecret.objects.create(engine=engine, secret=new_secret())
    settings.ENCRYPTION_KEYS = [NEW]

    assert [fault.partition(" cannot be read")[0] for fault in lost_secrets.faults()] == [
        "1 of the sign-ins at engines (Invoices)",
        "1 of the signing secrets (Invoices)",
        "1 of the people's sign-ins at engines (Invoices)",
        "2 of the connected accounts (Invoices)",
    ]


@with_database
def test_what_is_empty_or_was_never_encrypted_by_us_is_told_apart(settings: Settings) -> None:
    EngineAccess.objects.create(engine=EngineFactory(), auth="none")
    assert list(lost_secrets.faults()) == []

    secret_of("invoices")
    table = SigningSecret._meta.db_table
    SigningSecret.objects.raw(f"UPDATE {table} SET secret = 'plain' RETURNING id")[0]
    (fault,) = lost_secrets.faults()
    assert fault.startswith("1 of the signing secrets (Invoices) cannot be read")


@with_database
def test_of_very_many_the_oldest_and_the_newest_are_read(settings: Settings) -> None:
    settings.ENCRYPTION_KEYS = [OLD]
    secret_of("oldest")
    settings.ENCRYPTION_KEYS = [NEW]
    for number in range(7):
        secret_of(f"engine-{number}")
    (fault,) = lost_secrets.faults(sample=2)

    assert fault.startswith("1 of the signing secrets (Oldest) cannot be read")


@pytest.mark.long
@pytest.mark.processes
def test_a_worker_says_so_in_its_log_and_starts_but_not_with_a_key_that_is_too_short() -> None:
    with House() as house:
        house.migrate()
        assert house.run("create_engine", "invoices").process.returncode == 0
        short = house.run("worker", ENCRYPTION_KEYS=f"{NEW},short")
        assert "ENCRYPTION_KEYS: key 2 of 2 is shorter than 16 characters. Commas separate keys" in short.said
        worker = house.start("worker", "--grace", "3", ENCRYPTION_KEYS=NEW)
        worker.says("dispatcher_runs")
        worker.signal(signal.SIGTERM)
        assert worker.ends() == 0
        assert "secrets_unreadable" in worker.said
        assert "1 of the signing secrets (Invoices) cannot be read" in worker.said
