"""An answer goes in its person's own name: when they have connected, when not, and where it may go."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from notifications.engines import callback, calls, connected_accounts
from notifications.models import (
    Callback,
    CallbackAttempt,
    CallbackState,
    ConnectedAccount,
    Engine,
    EngineAccess,
    PersonalSignIn,
    Recipient,
    Response,
)
from tests.accounts.conftest import Acme, text_of
from tests.engines.guards import SERVICE
from tests.engines.server import LOST_AFTER, Fault
from tests.engines.world import KINDS, Kind
from tests.support.length import some

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("kind", some(KINDS, 2), ids=lambda kind: kind.name)
def test_every_kind_is_told_in_bobs_own_name(made: Callable[..., Acme], kind: Kind) -> None:
    acme = made(kind)
    acme.connect()
    theirs = acme.assign()
    acme.world.respond("bob", "approve", "Fine.")
    (done,) = theirs.completions
    assert done.by == "bob@acme.example"
    assert done.variables["wfpush_by"] == "bob"
    assert acme.engine_says() == acme.engine_says("carol") == "delivered"


@pytest.mark.parametrize("kind", some(KINDS, 2), ids=lambda kind: kind.name)
def test_a_lost_reply_is_looked_up_by_our_own_sign_in(made: Callable[..., Acme], kind: Kind) -> None:
    acme = made(kind)
    acme.connect()
    theirs = acme.assign()
    acme.engine.break_next(LOST_AFTER)
    acme.world.respond("bob", "approve")
    acme.again()
    assert len(theirs.completions) == 1
    assert acme.engine_says() == ("delivered" if kind.told_by else "handled")


def test_without_a_sign_in_of_ours_people_look_up_themselves(acme: Acme) -> None:
    EngineAccess.objects.all().delete()
    acme.connect()
    theirs = acme.assign()
    acme.engine.break_next(LOST_AFTER)
    acme.world.respond("bob", "approve")
    acme.again()
    assert [done.by for done in theirs.completions] == ["bob@acme.example"]
    assert acme.engine_says() == "delivered"


def test_an_answer_waits_until_its_person_has_connected_and_goes_at_once_then(acme: Acme) -> None:
    theirs = acme.assign()
    page = text_of(acme.bob.get("/"))
    sentence = "takes answers in your own name. Yours wait until you have connected your account there."
    assert f"{acme.row} {sentence}" in page
    acme.world.respond("bob", "approve")
    acme.again()
    assert theirs.is_open
    assert acme.engine_says() == "waiting"
    row = Callback.objects.get()
    assert row.detail == "It is sent in Bob's own name, once they have connected their account."
    assert (row.alert, row.attempts, row.first_attempt_at, CallbackAttempt.objects.count()) == ("", 0, None, 0)
    assert "1 answer of yours waits for it." in text_of(acme.bob.get("/accounts"))
    sentence = f"It waits until you have connected your account at {acme.row}."
    assert f"Approved. {sentence}" in text_of(acme.bob.get("/"))
    assert (acme.outcome()["connect"], acme.outcome("carol")["connect"]) == (acme.row.name, acme.row.name)
    assert "1 answer that waited is on its way." in acme.connect()
    assert sentence not in text_of(acme.bob.get("/"))
    acme.world.run()
    assert [done.by for done in theirs.completions] == ["bob@acme.example"]
    assert acme.engine_says() == "delivered"
    assert "takes answers in your own name" not in text_of(acme.bob.get("/"))


def test_the_answer_itself_says_that_it_waits_for_the_account(acme: Acme) -> None:
    acme.assign()
    assert "connect" not in acme.world.respond("bob", "acknowledge"), "it decides nothing, and waits for nobody"
    told = acme.world.respond("bob", "approve")
    assert (told["engine"], told["connect"]) == ("waiting", acme.row.name)
    acme.connect()
    acme.assign()
    assert "connect" not in acme.world.respond("bob", "approve")


def test_only_who_has_something_to_answer_there_is_asked_to_connect(acme: Acme) -> None:
    acme.assign("bob")
    carol = acme.world.signed_in("carol")
    assert "takes answers in your own name" not in text_of(carol.get("/"))
    item = acme.world.inbox("bob")[0]["id"]
    assert text_of(acme.bob.get(f"/n/{item}")).count("takes answers in your own name") == 2, "list and item"


def test_where_both_will_do_our_own_sign_in_stands_in(made: Callable[..., Acme]) -> None:
    acme = made(mode="either")
    first = acme.assign()
    assert "takes answers in your own name" not in text_of(acme.bob.get("/"))
    acme.world.respond("bob", "approve")
    acme.connect()
    second = acme.assign()
    acme.world.respond("bob", "approve")
    ConnectedAccount.objects.update(ended_at=timezone.now())
    third = acme.assign()
    acme.world.respond("bob", "approve")
    by = [task.completions[0].by for task in (first, second, third)]
    assert by == [SERVICE, "bob@acme.example", SERVICE]


def test_questions_are_asked_in_their_name_too(acme: Acme) -> None:
    acme.connect()
    acme.assign()
    acme.world.respond("bob", "request_info", "Which supplier?")
    assert acme.people.let_in == ["bob@acme.example"]


def test_it_waits_for_its_person_however_long_that_takes(acme: Acme) -> None:
    theirs = acme.assign()
    acme.world.respond("bob", "approve")
    Callback.objects.update(first_attempt_at=timezone.now() - timedelta(days=30))
    for _ in range(3):
        acme.again()
    assert Callback.objects.get().state == CallbackState.WAITING
    acme.connect()
    acme.world.run()
    assert len(theirs.completions) == 1


def test_nobody_who_has_left_is_waited_for(acme: Acme) -> None:
    acme.assign()
    acme.world.respond("bob", "approve")
    Recipient.objects.filter(ref="bob").update(active=False)
    acme.again()
    alert = Callback.objects.get().alert
    assert alert == "Bob is no longer active and cannot connect an account. Inform the engine by hand."


def test_what_decides_nothing_goes_by_our_own_sign_in_and_holds_up_nobody(acme: Acme) -> None:
    theirs = acme.assign()
    acme.world.respond("bob", "acknowledge")
    acme.world.respond("bob", "request_info", "Which supplier?")
    assert acme.people.let_in == [SERVICE, SERVICE]
    assert any("Which supplier?" in comment for comment in theirs.comments)
    assert acme.engine_says() == "delivered"


def test_who_may_not_do_it_there_is_told_and_others_may(acme: Acme) -> None:
    acme.connect()
    theirs = acme.assign()
    words = b'{"message": "Bob is no candidate", "exception": "No"}'
    acme.engine.break_next(Fault(status=403, body=words, content_type="application/json"))
    acme.world.respond("bob", "approve")
    refused = "Their account may not do this in the engine. Bob is no candidate"
    assert (acme.outcome()["engine"], acme.outcome()["detail"]) == ("refused", refused)
    assert theirs.is_open
    PersonalSignIn.objects.update(mode="either")
    acme.world.respond("carol", "approve")
    assert [done.by for done in theirs.completions] == [SERVICE]


def test_camunda_7_without_history_completes_in_bobs_name_all_the_same(made: Callable[..., Acme]) -> None:
    acme = made(next(kind for kind in KINDS if kind.name == "camunda7"))
    acme.connect()
    theirs = acme.assign()
    words = b'{"type": "InvalidRequestException", "message": "History is not enabled"}'
    acme.engine.break_next(Fault(status=403, body=words, content_type="application/json", roles=("comment",)))
    acme.world.respond("bob", "approve", "Fine.")
    assert [done.by for done in theirs.completions] == ["bob@acme.example"]


def test_what_an_engine_repeats_of_a_shared_token_is_hidden(acme: Acme) -> None:
    acme.connect()
    tasks = [acme.assign("bob"), acme.assign("bob")]
    token = acme.account().access_token
    words = f'{{"message": "No such token: {token}", "exception": "x"}}'.encode()
    acme.engine.break_next(*[Fault(status=400, body=words, content_type="application/json")] * 2)
    acme.bob_approves_all()
    acme.world.run()
    assert len(tasks) == 2
    details = [row.detail for row in Callback.objects.all()]
    assert all("No such token" in detail for detail in details), details
    assert not any(token in detail for detail in details)


def test_nobody_who_is_not_connected_takes_the_one_try_of_an_engine_that_was_away(acme: Acme) -> None:
    acme.connect(acme.world.signed_in("bob"))
    waits, goes = acme.assign("carol"), acme.assign("bob")
    acme.world.respond("carol", "approve")
    acme.engine.break_next(*[Fault(status=503, roles=("command", "query"))] * calls.FAILURES)
    acme.world.respond("bob", "approve")
    for _ in range(calls.FAILURES - 1):
        acme.again()
    assert goes.is_open
    for row in Callback.objects.order_by("position"):  # Carol's is due before, whenever it is tried
        age = timedelta(hours=2 if row.response.recipient.ref == "carol" else 1)  # type: ignore[union-attr]
        Callback.objects.filter(pk=row.pk).update(due_at=timezone.now() - age, lease_until=None, lease_token=None)
    callback._door.breaker._troubles.clear()
    acme.world.run()
    assert (waits.is_open, goes.is_open) == (True, False)


def test_another_mode_lets_go_what_waits(acme: Acme) -> None:
    theirs = acme.assign()
    acme.world.respond("bob", "approve")
    PersonalSignIn.objects.update(mode="service")
    connected_accounts.mode_changed(acme.row, timezone.now())
    assert "connect" not in acme.outcome()
    acme.world.run()
    assert [done.by for done in theirs.completions] == [SERVICE]


@pytest.mark.parametrize("where", ["engine", "token server"])
def test_tokens_do_not_follow_an_engine_to_another_host(acme: Acme, where: str) -> None:
    acme.connect()
    if where == "engine":
        Engine.objects.update(callback_url="")
        Engine.objects.update(callback_url="http://127.0.0.2:9/elsewhere")
    else:
        PersonalSignIn.objects.update(token_url="http://127.0.0.2:9/elsewhere")
    acme.assign()
    acme.world.respond("bob", "approve")
    account = acme.account()
    assert account.end_reason == "The engine's address has changed."
    assert (account.access_token, account.refresh_token) == ("", "")
    assert acme.engine_says() == "waiting"
    assert "127.0.0.2" not in str(acme.people.let_in)


def test_nothing_of_it_is_in_the_answer_that_is_kept(acme: Acme) -> None:
    acme.connect()
    acme.assign()
    acme.world.respond("bob", "approve")
    kept = f"{Response.objects.values_list()} {Callback.objects.values_list()} {CallbackAttempt.objects.values_list()}"
    assert not any(secret in kept for secret in acme.people.secrets)
