"""No way of answering goes round the signature: pages, API, links, lock screens, portals, questions and messages."""

import ast
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.answers import proofs
from notifications.answers.respond import respond, take, take_with_token
from notifications.answers.submission import Answer
from notifications.channels import payload
from notifications.errors import SignatureRequired
from notifications.items import action_tokens
from notifications.models import FourEyesRule, Notification, Response
from notifications.signed_answers.models import AnswerSignature, SignatureRule
from notifications.signed_answers.tests.signer import JSON, Signer, open_inbox, post, rule
from notifications.wording.message import message_of
from tests.factories import RecipientFactory, action_token
from tests.inbox.browser import get
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payments")]
A_DAY = timedelta(days=1)
UNSAVED = "notifications/engines/connection_test.py"
"""It makes the answer of a test call, which is never stored."""


@pytest.fixture
def item(story: Story) -> Notification:
    story.assign(candidates=["bob", "carol"])
    return story.copy(story.bob)


def test_there_is_one_place_that_records_answers_and_it_has_the_guard() -> None:
    """Every `Response(…)` of the product: a new writer of answers fails here until it goes through the guard."""
    root = settings.BASE_DIR
    makers = {
        str(path.relative_to(root))
        for app in ("notifications", "escalations", "wfpush")
        for path in (root / app).rglob("*.py")
        if "tests" not in path.parts and "migrations" not in path.parts and _makes_answers(path)
    }
    assert makers - {UNSAVED} == {"notifications/answers/recording.py"}
    assert not {".save(", ".insert(", ".create("} & set(re.findall(r"\.\w+\(", (root / UNSAVED).read_text("utf-8")))
    source = (root / "notifications/answers/recording.py").read_text("utf-8")
    assert source.index("proofs.check(decision)") < source.index("_response(decision, context, proof)")


def _makes_answers(path: Path) -> bool:
    tree = ast.parse(path.read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    is_ours = any(
        each.name == "Response" for node in imports if "notifications.models" in str(node.module) for each in node.names
    )
    calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
    written = {ast.unparse(call) for call in calls}
    creates = {f"Response.objects.{name}" for name in ("create", "bulk_create", "get_or_create", "update_or_create")}
    return is_ours and bool(written & {"Response", *creates})


def _by_token(story: Story, item: Notification) -> Any:
    token = action_token(item, expires_at=timezone.now() + A_DAY)
    return take_with_token(token, Answer("approve", revision=item.revision), now=timezone.now())


def _by_page_of_a_token(story: Story, item: Notification) -> Any:
    token = action_token(item, expires_at=timezone.now() + A_DAY)
    return take_with_token(token, Answer("approve", revision=item.revision), now=timezone.now(), on_page=True)


WAYS: dict[str, Any] = {
    "respond": lambda story, item: respond(item, Answer("approve"), now=timezone.now()),
    "take": lambda story, item: take(story.bob, item.pk, Answer("approve"), now=timezone.now()),
    "token": _by_token,
    "page of a token": _by_page_of_a_token,
}


@pytest.mark.parametrize("way", WAYS)
def test_no_function_records_an_unsigned_answer(story: Story, item: Notification, way: str) -> None:
    with pytest.raises(SignatureRequired) as refused:
        WAYS[way](story, item)
    assert refused.value.extra == {"why": "missing", "has_passkey": False}
    assert not Response.objects.exists()


def test_the_api_refuses_the_token_of_a_lock_screen_with_its_code(story: Story, item: Notification) -> None:
    token = action_token(item, expires_at=timezone.now() + A_DAY)
    response: Any = Client().post("/api/v1/responses", {"token": token, "action": "approve"}, **JSON)
    assert (response.status_code, response.json()["code"]) == (403, "signature_required")


def test_a_signature_does_not_pass_with_a_token(story: Story, item: Notification, bob: Signer) -> None:
    token = action_token(item, expires_at=timezone.now() + A_DAY)
    body = {"token": token, "action": "approve", "signature": bob.sign(bob.challenge(item))}
    response: Any = Client().post("/api/v1/responses", body, **JSON)
    assert (response.status_code, response.json()["code"]) == (403, "signature_required")


def test_messages_open_the_item_and_have_no_token_for_what_is_signed(
    story: Story, item: Notification, payments: SignatureRule
) -> None:
    assert [each["action"] for each in item.actions if "signature" in each] == ["approve", "reject"]
    assert action_tokens.answerable_by("webpush", item) == ["request_info", "acknowledge"]
    buttons = {each["action"]: each for each in map(payload._button, message_of(item).actions)}
    assert buttons["approve"]["signature"] == "required"
    assert "signature" not in buttons["acknowledge"]


def test_the_api_says_which_answers_are_signed(story: Story, item: Notification, bob: Signer) -> None:
    shown = bob.browser.get(f"/api/v1/notifications/{item.pk}").json()
    assert {each["action"]: each.get("signature") for each in shown["actions"]} == {
        "approve": "required",
        "reject": "required",
        "request_info": None,
        "acknowledge": None,
    }


def test_an_emails_page_leads_to_the_sign_in(story: Story, payments: SignatureRule) -> None:
    """Also of an e-mail that was sent before the rule was made."""
    payments.delete()
    story.assign(candidates=["bob", "carol"])
    item = story.copy(story.bob)
    Notification.objects.update(answer_from_email=True)
    address = f"/a/{action_token(item, expires_at=timezone.now() + A_DAY)}"
    assert "Approve" in [button.text_content() for button in get(Client(), address).tree.iter("button")]
    rule()
    page = get(Client(), address)
    assert [button.text_content() for button in page.tree.iter("button")] == ["Acknowledge"]
    assert page.link("Sign in to approve").startswith("/sign-in?next=%2Fn%2F")


def test_a_customers_portal_says_that_the_account_can_have_no_passkey(story: Story) -> None:
    customer = RecipientFactory(ref="c-1", name="Noll", engine=story.engine, user=None)
    story.assign(assignee="c-1")
    item = story.copy(customer)
    browser = open_inbox(customer)
    page = get(browser, f"/n/{item.pk}")
    assert "This needs a passkey, which your account cannot have" in page.text
    response = post(browser, f"/api/v1/notifications/{item.pk}/responses", {"action": "approve"})
    assert (response.status_code, response.json()["has_passkey"]) == (403, False)
    assert not Response.objects.exists()


def test_a_stand_in_signs_with_their_own_passkey(story: Story, item: Notification) -> None:
    carol = Signer(story.carol)
    mine = story.copy(story.carol)
    carol.sign_and_answer(mine)
    assert json.loads(AnswerSignature.objects.get().statement)["person"] == "carol"
    assert story.states() == {"bob": "answered", "carol": "answered"}


def test_four_eyes_refuse_before_anybody_is_asked_to_sign(story: Story) -> None:
    FourEyesRule.objects.create(name="Two")
    story.assign(candidates=["bob", "carol"], initiator="bob")
    bob = Signer(story.bob)
    response = bob.answer(story.copy(story.bob))
    assert (response.status_code, response.json()["code"]) == (403, "not_allowed")


def test_without_a_rule_an_answer_asks_the_database_nothing_more(
    story: Story, payments: SignatureRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    payments.delete()
    story.assign("T-1")
    story.assign("T-2")
    story.assign("T-3")
    story.answer(story.bob, "approve", task_id="T-1")  # the configuration is compiled
    with CaptureQueriesContext(connection) as with_feature:
        story.answer(story.bob, "approve", task_id="T-2")
    monkeypatch.setattr(proofs, "check", lambda decision: None)
    with CaptureQueriesContext(connection) as without:
        story.answer(story.bob, "approve", task_id="T-3")
    assert len(with_feature) == len(without)
