"""People connect their accounts by a browser: the way there and back, and every other answer that can come back."""

from contextlib import ExitStack
from datetime import timedelta
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone

from notifications.connectors.oauth2 import LONGEST_LIFE, read_grant
from notifications.models import ConnectedAccount, Engine, PersonalSignIn, Recipient
from tests.accounts.conftest import Acme, text_of
from tests.support.authorization import CLIENT_SECRET
from tests.support.length import some
from wfpush.net.http import Response
from wfpush.security.redaction import redact_text
from wfpush.web import waiting_threads

YEAR = 365 * 24 * 3600

pytestmark = pytest.mark.django_db(transaction=True)


def test_bob_connects_his_account_and_may_take_it_back(acme: Acme) -> None:
    page = acme.bob.get("/accounts")
    assert "Not connected yet. Your answers wait until you have connected it." in " ".join(text_of(page).split())
    assert "form-action 'self';" in f"{page['Content-Security-Policy']};"
    assert "is connected as bob@acme.example. Your answers there are given in your own name." in acme.connect()
    account = acme.account()
    assert (account.recipient.ref, account.name, account.engine) == ("bob", "bob@acme.example", acme.row)
    assert "Connected as bob@acme.example since" in text_of(acme.bob.get("/accounts"))
    assert "is no longer connected" in text_of(acme.bob.post("/accounts/invoices/disconnect", follow=True))
    assert not ConnectedAccount.objects.exists()


def test_who_has_no_engine_to_connect_is_not_asked_to(acme: Acme) -> None:
    assert 'href="/accounts"' in text_of(acme.bob.get("/"))
    PersonalSignIn.objects.update(mode="service")
    assert 'href="/accounts"' not in text_of(acme.bob.get("/"))
    assert "There are no accounts to connect" in text_of(acme.bob.get("/accounts"))
    assert acme.bob.post("/accounts/invoices/connect").status_code == 404


def test_what_was_given_can_be_taken_back_when_nobody_needs_it_any_more(acme: Acme) -> None:
    acme.connect()
    PersonalSignIn.objects.update(mode="service", authorize_url="")
    assert 'href="/accounts"' in text_of(acme.bob.get("/"))
    assert "Connected as bob@acme.example" in text_of(acme.bob.get("/accounts"))
    assert "There are no accounts to connect" in text_of(acme.bob.post("/accounts/invoices/disconnect", follow=True))


def test_each_way_there_has_a_state_and_a_challenge_of_its_own(acme: Acme) -> None:
    ways = [parse_qs(urlsplit(acme.begun(acme.bob)).query) for _ in range(2)]
    assert all(ways[0][name] != ways[1][name] for name in ("state", "code_challenge"))
    assert ways[0]["redirect_uri"] == [f"{settings.BASE_URL}/accounts/invoices/return"]


def test_three_tabs_may_be_signing_in_at_once(acme: Acme) -> None:
    ways = [acme.begun(acme.bob) for _ in range(4)]
    assert "started elsewhere, or too long ago" in text_of(acme.bob.get(acme.returned(ways[0]), follow=True))
    assert "is connected" in text_of(acme.bob.get(acme.returned(ways[1]), follow=True))


def test_a_token_server_that_does_not_answer_takes_a_few_threads_at_most(acme: Acme) -> None:
    host = urlsplit(acme.row.personal.token_url).hostname
    way = acme.begun(acme.bob)
    with ExitStack() as held:
        for number in range(settings.DATABASE_POOL // waiting_threads.SHARE // 2):
            held.enter_context(waiting_threads.slots.hold(person=-number, host=host))
        said = text_of(acme.bob.get(acme.returned(way), follow=True))

    assert "Many people are connecting accounts at the moment." in said
    assert not ConnectedAccount.objects.exists()
    assert "is connected" in acme.connect()


# --- what may come back instead ---------------------------------------------------------------------------------------
def test_not_allowing_it_connects_nothing(acme: Acme) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(acme.begun(acme.bob)).query).items()}
    back = urlsplit(acme.people.back(asked, error="access_denied", error_description="Call 0800 4711 at once"))
    said = text_of(acme.bob.get(f"{back.path}?{back.query}", follow=True))
    assert f"Not connected: {acme.row} did not allow it." in said
    assert "0800" not in said


@pytest.mark.parametrize("error", ["server_error", "", "<script>"])
def test_other_errors_are_said_in_our_words(acme: Acme, error: str) -> None:
    asked = {name: values[0] for name, values in parse_qs(urlsplit(acme.begun(acme.bob)).query).items()}
    back = urlsplit(acme.people.back(asked, error=error))
    said = text_of(acme.bob.get(f"{back.path}?{back.query}", follow=True))
    assert "could not sign you in. Please try again, or contact your administrator." in said
    assert "<script>" not in said


def test_a_code_counts_once_and_in_the_browser_that_asked(acme: Acme) -> None:
    back = acme.returned(acme.begun(acme.bob))
    carol = acme.world.signed_in("carol")
    assert "started elsewhere" in text_of(carol.get(back, follow=True))
    assert "is connected" in text_of(acme.bob.get(back, follow=True))
    acme.account().delete()
    assert "started elsewhere" in text_of(acme.bob.get(back, follow=True))
    assert not ConnectedAccount.objects.exists()


def test_who_has_signed_in_as_somebody_else_meanwhile_gets_nothing(acme: Acme) -> None:
    back = acme.returned(acme.begun(acme.bob))
    session = acme.bob.session
    session["connecting"] = [{**session["connecting"][0], "recipient": Recipient.objects.get(ref="carol").pk}]
    session.save()
    assert "started elsewhere" in text_of(acme.bob.get(back, follow=True))
    assert not ConnectedAccount.objects.exists()


def test_a_code_of_another_engine_is_not_taken(acme: Acme) -> None:
    other = Engine.objects.create(slug="other", name="Other", kind="flowable", callback_url="http://127.0.0.1:9/x")
    PersonalSignIn.objects.create(
        engine=other,
        mode="person",
        authorize_url="https://id.example/a",
        token_url="https://id.example/t",
        client_id="x",
    )
    back = acme.returned(acme.begun(acme.bob)).replace("/invoices/", "/other/")
    assert "started elsewhere" in text_of(acme.bob.get(back, follow=True))
    assert not ConnectedAccount.objects.exists()


def test_after_a_quarter_of_an_hour_it_is_begun_anew(acme: Acme) -> None:
    back = acme.returned(acme.begun(acme.bob))
    session = acme.bob.session
    past = (timezone.now() - timedelta(minutes=16)).isoformat()
    session["connecting"] = [{**session["connecting"][0], "at": past}]
    session.save()
    assert "started elsewhere, or too long ago" in text_of(acme.bob.get(back, follow=True))


def test_strangers_sign_in_here_first(acme: Acme) -> None:
    back = acme.returned(acme.begun(acme.bob))
    answer = Client().get(back)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/sign-in?next=%2Faccounts%2Finvoices%2Freturn")
    assert Client().post("/accounts/invoices/connect")["Location"] == "/sign-in?next=%2Faccounts"


def test_who_is_signed_in_there_as_somebody_else_is_told_so(acme: Acme) -> None:
    acme.people.user = "carol@example.org"
    said = acme.connect()
    assert "You are signed in there as carol@example.org, who is somebody else here." in said
    assert not ConnectedAccount.objects.exists()
    acme.people.user = "shared@acme.example"
    assert "is connected" in acme.connect()
    assert "who is somebody else here" in acme.connect(acme.world.signed_in("carol"))
    assert acme.account().recipient.ref == "bob"
    assert "is connected" in acme.connect(), "anew, as before"


def test_what_came_back_is_in_no_log(acme: Acme) -> None:
    back = "/accounts/invoices/return?code=c0de-of-bob-4711&state=st4te-of-bob"
    for text in (f"GET {back} 500", quote(back, safe="")):
        assert not any(each in redact_text(text) for each in ("c0de-of-bob", "st4te-of-bob"))


# --- the token server -------------------------------------------------------------------------------------------------
def test_a_token_server_that_fails_is_said_and_nothing_is_kept(acme: Acme) -> None:
    acme.people.answers = [(503, {})]
    assert "did not let us in: The token server gave no token (503)." in acme.connect()
    PersonalSignIn.objects.update(token_url="http://127.0.0.1:9/token")
    assert "could not be reached. Please try again." in acme.connect()
    assert not ConnectedAccount.objects.exists()


def test_a_wrong_client_secret_is_said_without_it(acme: Acme) -> None:
    acme.people.answers = [(401, {"error": "invalid_client", "error_description": f"not {CLIENT_SECRET}"})]
    said = acme.connect()
    assert "refuses our credentials: not …" in said
    assert CLIENT_SECRET not in said


@pytest.mark.parametrize("id_token", some([None, 7, "", "a.b", "e30.e30.x", "e30.!!!.x", "e30.WyJub25lIl0.x"], 3))
def test_a_name_that_cannot_be_read_is_none(acme: Acme, id_token: object) -> None:
    acme.people.answers = [(200, {"access_token": "t", "expires_in": 60, "id_token": id_token})]
    assert "is connected" in acme.connect()
    assert acme.account().name == ""
    assert "Connected since" in text_of(acme.bob.get("/accounts"))


@pytest.mark.parametrize(
    ("said", "seconds"),
    some([(60, 30), ("3600", 3570), (None, 30), (True, 30), ("soon", 30), (-5, 0), (1e12, YEAR), (2**80, YEAR)], 4),
)
def test_a_token_lasts_as_long_as_the_server_says_and_a_year_at_most(acme: Acme, said: object, seconds: int) -> None:
    acme.people.answers = [(200, {"access_token": "t", "expires_in": said})]
    acme.connect()
    account = acme.account()
    lasts = (account.expires_at - account.connected_at).total_seconds()
    assert lasts == pytest.approx(seconds, abs=31)


@pytest.mark.parametrize("said", ["Infinity", "NaN", "-Infinity"])
def test_numbers_that_are_none_are_taken_for_something_sensible(said: str) -> None:
    grant = read_grant(Response(200, {}, f'{{"access_token": "t", "expires_in": {said}}}'.encode(), False, 0.0), ())
    assert 0 <= grant.life <= LONGEST_LIFE


def test_no_secret_is_in_the_database_in_plain(acme: Acme) -> None:
    acme.connect()
    raw = ConnectedAccount.objects.extra(select={"raw": "access_token || refresh_token"}).get()
    assert not any(secret in raw.raw for secret in acme.people.secrets)
    assert {acme.account().access_token, acme.account().refresh_token} <= acme.people.secrets
