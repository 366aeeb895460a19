"""A person with a passkey, who signs answers by the API as the inbox's script does."""

import json
from dataclasses import dataclass, field
from typing import Any

from allauth.mfa.webauthn.internal.auth import WebAuthn
from django.contrib.auth.models import User
from django.test import Client

from notifications.models import Notification, Recipient
from notifications.second_factors.tests.authenticator import SoftAuthenticator
from notifications.signed_answers.models import SignatureRule, SignatureRuleCondition
from notifications.types import Json
from tests.inbox.browser import signed_in

HERE, HOST = "http://localhost:8000", "localhost"
JSON: Any = {"content_type": "application/json"}


def rule(*conditions: tuple[str, str, str], **fields: Any) -> SignatureRule:
    made = SignatureRule.objects.create(**{"name": "Payments", **fields})
    for path, operator, value in conditions:
        SignatureRuleCondition.objects.create(rule=made, path=path, operator=operator, value=value)
    return made


def give_passkey(user: User, key: SoftAuthenticator) -> WebAuthn:
    options = {"publicKey": {"challenge": "AAAA", "user": {"id": "MQ"}}}
    return WebAuthn.add(user, "Phone", json.loads(key.create(options)))


def open_inbox(person: Recipient) -> Client:
    """Return a browser that has the inbox open, and its CSRF token."""
    browser = signed_in(person)
    browser.get("/")
    return browser


def post(browser: Client, address: str, body: Json) -> Any:
    """Send JSON as a script of the inbox does."""
    return browser.post(address, body, **JSON, headers={"X-CSRFToken": browser.cookies["csrftoken"].value})


@dataclass
class Signer:
    person: Recipient
    key: SoftAuthenticator = field(default_factory=lambda: SoftAuthenticator(HERE, HOST))

    def __post_init__(self) -> None:
        assert isinstance(self.person.user, User)
        self.user = self.person.user
        self.passkey = give_passkey(self.user, self.key)
        self.browser = open_inbox(self.person)

    def challenge(self, *items: Notification, browser: Client | None = None, **answer: Any) -> Json:
        """Ask for a challenge for the same answer to these items. It must be issued."""
        answers = [
            {"notification": str(item.pk), "action": "approve", "revision": item.revision, **answer} for item in items
        ]
        response = post(browser or self.browser, "/api/v1/signatures", {"answers": answers})
        assert response.status_code == 201, response.content
        issued: Json = response.json()
        return issued

    def sign(self, challenge: Json) -> Json:
        """Return the `signature` of an answer."""
        return {"challenge": challenge["id"], "credential": json.loads(self.key.get(challenge["options"]))}

    def answer(
        self, item: Notification, signature: Json | None = None, browser: Client | None = None, **answer: Any
    ) -> Any:
        body = {"action": "approve", "revision": item.revision, **answer}
        body |= {"signature": signature} if signature is not None else {}
        address = f"/api/v1/notifications/{item.pk}/responses"
        return post(browser or self.browser, address, body)

    def sign_and_answer(self, item: Notification, **answer: Any) -> Any:
        """Answer as the inbox does; the answer must be recorded."""
        response = self.answer(item, self.sign(self.challenge(item, **answer)), **answer)
        assert response.status_code == 201, response.content
        return response
