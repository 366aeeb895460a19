"""People's tokens end: they are renewed in time, once, and where they cannot be, their answers wait."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from asgiref.sync import async_to_sync
from django.utils import timezone

from notifications.connectors.oauth2 import AccessRefused
from notifications.engines import callback, connected_accounts
from notifications.models import (
    Callback,
    CallbackAttempt,
    CallbackState,
    ConnectedAccount,
    PersonalSignIn,
)
from tests.accounts.conftest import Acme, text_of
from wfpush.concurrency.threads import in_database_thread
from wfpush.net.http import OutboundError
from wfpush.net.http import Response as HttpResponse

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("rotates", [True, False])
def test_tokens_are_renewed_before_they_end(acme: Acme, rotates: bool) -> None:
    acme.people.rotates = rotates
    acme.connect()
    for _ in range(3):
        acme.time_passes()
        theirs = acme.assign()
        acme.world.respond("bob", "approve")
        assert [done.by for done in theirs.completions] == ["bob@acme.example"]
    assert acme.people.renewals == 3
    assert acme.account().expires_at > timezone.now()


def test_a_token_that_the_engine_takes_no_more_is_renewed_once(acme: Acme) -> None:
    acme.connect()
    acme.people.expire_all()
    theirs = acme.assign()
    acme.world.respond("bob", "approve")
    assert len(theirs.completions) == acme.people.renewals == 1
    assert CallbackAttempt.objects.count() == 1


def test_what_has_ended_waits_for_bob_and_wakes_no_operator(acme: Acme) -> None:
    acme.connect()
    acme.people.revoke_all()
    theirs = acme.assign()
    acme.world.respond("bob", "approve")
    assert theirs.is_open
    account, row = acme.account(), Callback.objects.get()
    assert not account.works
    assert "Token is not active" in account.end_reason
    assert (row.state, row.alert, row.detail) == (
        CallbackState.WAITING, "", "The person has to connect their account again.",
    )  # fmt: skip
    acme.again()
    assert acme.outcome()["connect"] == acme.row.name, "and everybody reads so"
    page = " ".join(text_of(acme.bob.get("/accounts")).split())
    assert "Your sign-in there has ended. Your answers wait until you have connected it." in page
    assert "Connect again" in page
    acme.connect()
    acme.world.run()
    assert [done.by for done in theirs.completions] == ["bob@acme.example"]


def test_without_a_way_to_renew_it_ends_with_its_token(acme: Acme) -> None:
    acme.people.gives_refresh = False
    acme.connect()
    theirs = acme.assign()
    acme.world.respond("bob", "approve")
    assert len(theirs.completions) == 1
    acme.time_passes()
    acme.assign()
    acme.world.respond("bob", "approve")
    assert acme.account().end_reason == "The engine does not allow longer sessions."
    assert acme.engine_says() == "waiting"


def test_a_renewal_whose_reply_is_lost_ends_where_tokens_work_once(acme: Acme) -> None:
    acme.connect()
    acme.time_passes()
    acme.people.answers = [(503, {})]
    acme.assign()
    acme.world.respond("bob", "approve")
    assert acme.account().works
    acme.again()
    assert not acme.account().works
    assert acme.engine_says() == "waiting"


def test_a_token_server_that_is_away_costs_nothing_but_time(acme: Acme) -> None:
    acme.connect()
    acme.time_passes()
    theirs = acme.assign()
    acme.people.away = True
    acme.world.respond("bob", "approve")
    assert acme.account().works
    assert (acme.account().renewing_until, theirs.is_open) == (None, True)
    assert callback._door.breaker.paused() == []
    acme.people.away = False
    acme.again()
    assert len(theirs.completions) == 1


def test_a_wrong_client_is_somebodys_to_mend_and_ends_no_account(acme: Acme) -> None:
    acme.connect()
    acme.time_passes()
    theirs = acme.assign()
    PersonalSignIn.objects.update(client_id="somebody-else")
    acme.world.respond("bob", "approve")
    assert "Unknown client" in Callback.objects.get().alert
    assert acme.account().works
    PersonalSignIn.objects.update(client_id="wfpush-for-people")
    acme.again()
    assert len(theirs.completions) == 1


def test_an_answer_of_somebody_who_has_disconnected_since_waits(acme: Acme) -> None:
    acme.connect()
    theirs = acme.assign()
    acme.bob.post("/accounts/invoices/disconnect")
    acme.world.respond("bob", "approve")
    assert theirs.is_open
    assert "once they have connected" in Callback.objects.get().detail


# --- one at a time ----------------------------------------------------------------------------------------------------
def test_two_answers_at_once_renew_once(acme: Acme) -> None:
    acme.connect()
    tasks = [acme.assign("bob"), acme.assign("bob")]
    acme.time_passes()
    acme.bob_approves_all()
    acme.world.run()
    assert [len(task.completions) for task in tasks] == [1, 1]
    assert acme.people.renewals == 1


def tokens() -> connected_accounts.Tokens:
    return connected_accounts.Tokens(ConnectedAccount.objects.get().pk)


def asked(answer: Callable[[], HttpResponse]) -> str:
    async def ask(url: str, said: dict[str, str]) -> HttpResponse:
        return answer()

    return async_to_sync(tokens().token)(ask, "")


def test_another_process_that_is_renewing_is_waited_for(acme: Acme) -> None:
    acme.connect()
    acme.time_passes()
    ConnectedAccount.objects.update(renewing_until=timezone.now() + timedelta(seconds=50))
    with pytest.raises(AccessRefused, match="just being renewed") as refused:
        asked(lambda: pytest.fail("nobody is asked"))
    assert (refused.value.later, refused.value.wait) == (True, connected_accounts.SOON)
    ConnectedAccount.objects.update(renewing_until=timezone.now() - timedelta(seconds=1))
    acme.assign()
    acme.world.respond("bob", "approve")
    assert acme.engine_says() == "delivered", "whoever had the turn is dead"


def test_who_connects_anew_while_the_old_is_renewed_keeps_the_new(acme: Acme) -> None:
    acme.connect()
    acme.time_passes()

    def meanwhile() -> HttpResponse:
        ConnectedAccount.objects.update(
            access_token="new",
            refresh_token="newer",
            renewing_until=None,
            expires_at=timezone.now() + timedelta(hours=1),
        )
        return HttpResponse(200, {}, b'{"access_token": "old", "refresh_token": "older"}', False, 0.0)

    assert asked_in_thread(meanwhile) == "old"
    account = acme.account()
    assert (account.access_token, account.refresh_token) == ("new", "newer")


def asked_in_thread(answer: Callable[[], HttpResponse]) -> str:
    async def ask(url: str, said: dict[str, str]) -> HttpResponse:
        return await in_database_thread(answer)

    return async_to_sync(tokens().token)(ask, "")


def test_a_broken_line_lets_go_of_the_turn(acme: Acme) -> None:
    acme.connect()
    acme.time_passes()

    def broken() -> HttpResponse:
        raise OutboundError("connection_failed", "The connection was lost.", may_have_arrived=True)

    with pytest.raises(AccessRefused, match="connection was lost"):
        asked(broken)
    assert acme.account().renewing_until is None
