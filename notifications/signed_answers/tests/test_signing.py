"""Bob signs answers with his passkey: what is asked, recorded and told, and forgeries that no browser would send."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from fido2.utils import websafe_decode

from notifications.inbox.sign_in.session import BACKEND
from notifications.items import undo_window
from notifications.models import Callback, Category, Notification, Response
from notifications.people import recipient_tokens
from notifications.second_factors.tests.authenticator import SoftAuthenticator
from notifications.signed_answers import statements
from notifications.signed_answers.bundles import Bundle, faults_of
from notifications.signed_answers.challenges import LIFE
from notifications.signed_answers.models import AnswerSignature, SignatureRule, SigningChallenge
from notifications.signed_answers.tests.signer import HERE, HOST, JSON, Signer, open_inbox, post, rule
from tests.factories import EngineFactory
from tests.inbox.browser import get
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payments")]


@pytest.fixture
def item(story: Story) -> Notification:
    story.assign(actions=["approve", "reject", "acknowledge", "request_info"], initiator="alice")
    return story.copy(story.bob)


def refusal(response: Any) -> tuple[int, str, str]:
    body = response.json()
    return response.status_code, body["code"], body.get("why", "")


MISSING, EXPIRED = (403, "signature_required", "missing"), (403, "signature_required", "expired")
DIFFERS, WRONG = (403, "signature_required", "differs"), (403, "signature_required", "wrong")


# --- the way of an answer ---------------------------------------------------------------------------------------------
def test_an_unsigned_answer_is_refused_and_a_signed_one_is_recorded_as_it_was_signed(
    bob: Signer, item: Notification
) -> None:
    assert refusal(bob.answer(item, comment="Fine.")) == MISSING
    assert not Response.objects.exists()

    body = bob.sign_and_answer(item, comment="Fine.").json()

    assert body["assurance"] == "passkey"
    response = Response.objects.get()
    assert (response.comment, response.assurance) == ("Fine.", "passkey")
    row = AnswerSignature.objects.get(response=response)
    members = json.loads(row.statement)
    assert faults_of(Bundle.of(row)) == []
    assert (members["engine"], members["task"], members["person"]) == ("invoices", "T-42", "bob")
    assert (members["action"], members["comment"], members["revision"]) == ("approve", "Fine.", item.revision)
    assert (members["origin"], len(members["content"]), len(members["nonce"])) == (HERE, 64, 22)


def test_the_statement_is_what_the_challenge_is_the_digest_of(bob: Signer, item: Notification) -> None:
    issued = bob.challenge(item, comment="Grüße\n“€”", values={})
    (text,) = issued["statements"]
    assert text == json.dumps(json.loads(text), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert websafe_decode(issued["options"]["publicKey"]["challenge"]) == statements.challenge_of(text)
    assert issued["options"]["publicKey"]["userVerification"] == "required"
    assert issued["options"]["publicKey"]["rpId"] == HOST


def test_the_engine_gets_the_assurance_the_digest_and_the_fingerprint(bob: Signer, item: Notification) -> None:
    bob.sign_and_answer(item)
    data = json.loads(Callback.objects.get().body)["data"]
    bundle = Bundle.of(AnswerSignature.objects.get())
    assert data["assurance"] == "passkey"
    assert data["signature"]["public_key_sha256"] == bundle.fingerprint
    assert data["signature"]["statement_sha256"] == statements.sha256(bundle.statement.encode())


def test_repeating_the_request_repeats_the_answer_and_uses_nothing_up(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    assert bob.answer(item, signature).status_code == 201
    assert bob.answer(item, signature).status_code == 200
    assert Response.objects.count() == 1


def test_it_can_be_taken_back_and_signed_again(
    bob: Signer, item: Notification, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(undo_window, "HELD", timedelta(seconds=60))
    bob.sign_and_answer(item)
    token = {"X-CSRFToken": bob.browser.cookies["csrftoken"].value}
    assert bob.browser.delete(f"/api/v1/notifications/{item.pk}/responses", headers=token).status_code == 204
    assert refusal(bob.answer(item, comment="After all.")) == MISSING
    bob.sign_and_answer(item, comment="After all.")
    assert list(Response.objects.order_by("pk").values_list("counts", flat=True)) == [False, True]
    assert AnswerSignature.objects.count() == 2


@pytest.mark.parametrize(("action", "comment"), [("acknowledge", ""), ("request_info", "Which one?")])
def test_what_does_not_end_the_task_needs_no_signature(
    bob: Signer, item: Notification, action: str, comment: str
) -> None:
    assert bob.answer(item, action=action, comment=comment).status_code == 201


# --- which answers ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("conditions", "fields", "signed"),
    [
        ([("variables.amount", "gt", "1000")], {}, True),
        ([("variables.amount", "gt", "10000")], {}, False),
        ([("variables.amount", "gt", "1000"), ("variables.currency", "eq", "CHF")], {}, False),
        ([("case.title", "contains", "invoice"), ("event.engine", "eq", "invoices")], {}, True),
        ([], {"actions": ["approve"]}, True),
        ([], {"actions": ["reject", "pay"]}, False),
        ([], {"enabled": False}, False),
    ],
    ids=str,
)
def test_rules_name_tasks_and_answers(
    bob: Signer, item: Notification, payments: SignatureRule, conditions: Any, fields: Any, signed: bool
) -> None:
    payments.delete()
    rule(*conditions, **fields)
    assert bob.answer(item).status_code == (403 if signed else 201)


def test_rules_name_engines_and_categories(
    bob: Signer, item: Notification, story: Story, payments: SignatureRule
) -> None:
    SignatureRule.objects.update(engine=EngineFactory())
    payments.save()
    payments.engine, payments.category = story.engine, Category.objects.exclude(pk=item.category_id).first()
    payments.save()
    assert bob.answer(item).status_code == 201
    story.assign("T-43")
    payments.category = item.category
    payments.save()
    assert bob.answer(story.copy(story.bob, "T-43")).status_code == 403


FORM = {
    "schema": {"type": "object", "properties": {"amount": {"type": "number"}, "iban": {"type": "string"}}},
    "ui": {"fields": {"iban": {"sensitive": True}}},
}


@pytest.mark.parametrize(("entered", "status"), [(90_000, 403), (2_000, 201)])
def test_a_rule_holds_for_what_the_person_enters_too(
    bob: Signer, story: Story, payments: SignatureRule, entered: int, status: int
) -> None:
    payments.delete()
    rule(("variables.amount", "gt", "10000"))
    story.assign("T-50", form=FORM)
    assert bob.answer(story.copy(story.bob, "T-50"), values={"amount": entered}).status_code == status


def test_a_rule_of_a_category_holds_for_copies_that_steps_put_into_another(
    bob: Signer, item: Notification, story: Story, payments: SignatureRule
) -> None:
    payments.category = item.category
    payments.save()
    story.assign("T-51", candidates=["bob", "carol"])
    own = story.copy(story.carol, "T-51")
    other = Category.objects.exclude(pk=item.category_id).first()
    Notification.objects.filter(pk=own.pk).update(category=other)
    assert refusal(Signer(story.carol).answer(own)) == MISSING


def test_what_ends_nothing_is_never_stored_as_signed(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    assert bob.answer(item, signature, action="acknowledge").status_code == 201
    assert not AnswerSignature.objects.exists()


def test_numbers_that_canonical_json_cannot_hold_are_refused_before_the_passkey_is_asked(
    bob: Signer, item: Notification
) -> None:
    answer = {"notification": str(item.pk), "action": "approve", "variables": {"account": 1e16}}
    response = post(bob.browser, "/api/v1/signatures", {"answers": [answer]})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_answer")


def test_the_desk_shows_no_sensitive_value(bob: Signer, story: Story) -> None:
    story.assign("T-52", form=FORM)
    bob.sign_and_answer(story.copy(story.bob, "T-52"), values={"amount": 12, "iban": "DE89370400440532013000"})
    row = AnswerSignature.objects.get()
    assert "DE89370400440532013000" in row.statement
    browser = Client()
    browser.force_login(User.objects.create_superuser("root"), backend=BACKEND)
    page = browser.get(f"/admin/signed_answers/answersignature/{row.pk}/change/").content.decode()
    assert "invoices" in page and "DE89370400440532013000" not in page


# --- forgeries --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "answer",
    [{"comment": "Changed."}, {"action": "reject", "comment": ""}, {"variables": {"account": "DE00"}}],
    ids=str,
)
def test_another_answer_than_the_signed_one_is_refused(
    bob: Signer, item: Notification, story: Story, answer: dict[str, Any]
) -> None:
    story.let_people_set("account")
    signature = bob.sign(bob.challenge(item, comment="Why not."))
    sent = {"comment": "Why not.", **answer}
    sent |= {"comment": "No."} if sent["action" if "action" in sent else "comment"] == "reject" else {}
    assert refusal(bob.answer(item, signature, **sent)) == DIFFERS
    assert not Response.objects.exists()


def test_an_answer_is_refused_if_the_content_changed_after_it_was_signed(
    bob: Signer, item: Notification, story: Story
) -> None:
    signature = bob.sign(bob.challenge(item))
    story.happen("task.updated", {"task": {"id": "T-42"}, "variables": {"amount": 99_000, "currency": "EUR"}}, minute=5)
    assert refusal(bob.answer(item, signature))[:2] == (409, "changed")
    now = story.copy(story.bob)
    assert now.revision != item.revision
    assert refusal(bob.answer(now, signature)) == DIFFERS


def test_an_answer_is_refused_if_the_stored_content_was_altered(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    content = item.task.contents.get(revision=item.revision) if item.task is not None else None
    assert content is not None
    content.content["values"] = {"variables.amount": 1}
    content.save()
    assert refusal(bob.answer(item, signature)) == DIFFERS


def test_the_challenge_of_another_person_is_refused(bob: Signer, story: Story) -> None:
    story.assign(assignee=None, candidates=["bob", "carol"])
    carol = Signer(story.carol)
    hers, his = story.copy(story.carol), story.copy(story.bob)
    assert refusal(bob.answer(his, bob.sign(carol.challenge(hers)))) == EXPIRED
    assert refusal(bob.answer(his, carol.sign(bob.challenge(his)))) == WRONG


def test_the_challenge_of_another_session_is_refused(bob: Signer, item: Notification) -> None:
    issued = bob.challenge(item, browser=open_inbox(bob.person))
    assert refusal(bob.answer(item, bob.sign(issued))) == EXPIRED


def test_the_challenge_of_another_item_is_refused(bob: Signer, item: Notification, story: Story) -> None:
    story.assign("T-43")
    signature = bob.sign(bob.challenge(story.copy(story.bob, "T-43")))
    assert refusal(bob.answer(item, signature)) == EXPIRED


def test_a_challenge_counts_once_even_for_a_refused_answer(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    assert refusal(bob.answer(item, signature, comment="Other.")) == DIFFERS
    assert refusal(bob.answer(item, signature)) == EXPIRED


def test_a_signature_is_refused_when_its_time_is_over(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    with time_machine.travel(timezone.now() + LIFE + timedelta(seconds=1)):
        assert refusal(bob.answer(item, signature)) == EXPIRED


@pytest.mark.parametrize(
    "changes",
    [
        {"origin": "https://wfpush.evil.example"},
        {"origin": "http://localhost:9000"},
        {"rp_id": "evil.example"},
        {"verifies": False},
        {"id": b"another key"},
        {"key": SoftAuthenticator(HERE, HOST).key},
    ],
    ids=["another site", "another port", "another rp", "without verification", "unknown key", "another private key"],
)
def test_forged_signatures_are_refused(bob: Signer, item: Notification, changes: dict[str, Any]) -> None:
    issued = bob.challenge(item)
    for name, value in changes.items():
        setattr(bob.key, name, value)
    assert refusal(bob.answer(item, bob.sign(issued))) == WRONG
    assert not Response.objects.exists()


def test_another_challenge_than_that_of_the_answer_is_refused(bob: Signer, item: Notification) -> None:
    one, other = bob.challenge(item), bob.challenge(item)
    signature = {**bob.sign(one), "challenge": other["id"]}
    assert refusal(bob.answer(item, signature)) == WRONG


def test_the_answer_to_a_sign_in_is_no_signature(bob: Signer, item: Notification) -> None:
    issued = bob.challenge(item)
    sign_in: Any = Client().get("/sign-in/passkey", headers={"Accept": "application/json"})
    credential = json.loads(bob.key.get(sign_in.json()["request_options"]))
    assert refusal(bob.answer(item, {"challenge": issued["id"], "credential": credential})) == WRONG


@pytest.mark.parametrize("credential", [{}, {"id": "AA", "rawId": "AA", "response": {}}, {"response": 7}], ids=str)
def test_what_is_no_signature_is_refused(bob: Signer, item: Notification, credential: Any) -> None:
    issued = bob.challenge(item)
    assert refusal(bob.answer(item, {"challenge": issued["id"], "credential": credential})) == WRONG


def test_a_copied_passkey_is_refused_by_its_counter(bob: Signer, item: Notification, story: Story) -> None:
    story.assign("T-43")
    story.assign("T-44")
    bob.key.count = 10
    bob.sign_and_answer(item)
    bob.key.count = 10
    copied = story.copy(story.bob, "T-43")
    assert refusal(bob.answer(copied, bob.sign(bob.challenge(copied)))) == WRONG
    bob.key.count = 11
    bob.sign_and_answer(story.copy(story.bob, "T-44"))


def test_a_shared_passkey_has_no_counter(bob: Signer, item: Notification, story: Story) -> None:
    story.assign("T-43")
    bob.passkey.instance.delete()
    bob = Signer(bob.person, SoftAuthenticator(HERE, HOST, count=None))
    bob.sign_and_answer(item)
    bob.sign_and_answer(story.copy(story.bob, "T-43"))


def test_a_removed_passkey_signs_nothing(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    bob.passkey.instance.delete()
    response = bob.answer(item, signature)
    assert refusal(response) == WRONG
    assert response.json()["has_passkey"] is False


def test_a_closed_account_signs_nothing(bob: Signer, item: Notification) -> None:
    signature = bob.sign(bob.challenge(item))
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    assert bob.answer(item, signature).status_code in (401, 403)
    assert not Response.objects.exists()


# --- who cannot sign --------------------------------------------------------------------------------------------------
def test_tokens_neither_answer_nor_get_a_challenge(bob: Signer, item: Notification) -> None:
    _row, token = recipient_tokens.new_token(bob.person, label="script", now=timezone.now())
    program: Any = Client(headers={"Authorization": f"Bearer {token}"})
    body = {"action": "approve", "revision": item.revision}
    assert refusal(program.post(f"/api/v1/notifications/{item.pk}/responses", body, **JSON)) == MISSING
    answers = [{"notification": str(item.pk), "action": "approve"}]
    assert refusal(program.post("/api/v1/signatures", {"answers": answers}, **JSON))[:2] == (403, "not_allowed")
    signature = bob.sign(bob.challenge(item))
    signed = {**body, "signature": signature}
    assert refusal(program.post(f"/api/v1/notifications/{item.pk}/responses", signed, **JSON)) == EXPIRED


def test_somebody_without_a_passkey_is_told_where_to_set_one_up(bob: Signer, item: Notification) -> None:
    bob.passkey.instance.delete()
    page = get(bob.browser, f"/n/{item.pk}")
    assert "This needs a passkey, and you have none yet: Approve, Reject." in page.text
    assert page.link("Set up a passkey") == "/security/passkeys/add"
    told = page.press("Approve")
    assert told.status == 403
    assert "Set one up under “Sign-in security”." in told.text
    assert bob.answer(item).json()["has_passkey"] is False


def test_without_javascript_the_page_says_what_is_missing(bob: Signer, item: Notification) -> None:
    page = get(bob.browser, f"/n/{item.pk}")
    assert "You confirm this with your passkey: Approve, Reject." in page.text
    told = page.press("Approve", comment="Mine to keep.")
    assert told.status == 403
    assert "needs your passkey, and a browser with JavaScript. Nothing was sent." in told.text
    assert "Mine to keep." in told.text
    assert not Response.objects.exists()


def test_nothing_is_said_or_asked_without_a_rule(bob: Signer, story: Story, payments: SignatureRule) -> None:
    payments.delete()
    story.assign()
    item = story.copy(story.bob)
    assert "passkey" not in get(bob.browser, f"/n/{item.pk}").part("item")
    assert all("signature" not in action for action in item.actions)
    assert bob.answer(item).json()["assurance"] is None


def test_challenges_of_unknown_items_are_not_issued(bob: Signer, item: Notification, story: Story) -> None:
    carol = Signer(story.carol)
    answers = [{"notification": str(item.pk), "action": "approve"}]
    assert refusal(post(carol.browser, "/api/v1/signatures", {"answers": answers}))[:2] == (404, "not_found")
    assert not SigningChallenge.objects.exists()
