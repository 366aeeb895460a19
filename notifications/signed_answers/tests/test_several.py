"""Bob answers several items with one signature, and each answer is verified by itself."""

import json
from typing import Any

import pytest

from notifications.models import Notification, Response
from notifications.signed_answers.bundles import Bundle, faults_of
from notifications.signed_answers.models import AnswerSignature, SigningChallenge
from notifications.signed_answers.tests.signer import Signer
from notifications.types import Json
from tests.inbox.browser import Page, get
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payments")]


@pytest.fixture
def items(story: Story) -> list[Notification]:
    for number in (1, 2, 3):
        story.assign(f"T-{number}", name=f"Approve invoice {number}")
    return sorted(story.inbox(story.bob), key=lambda each: each.title)


def press(
    bob: Signer, items: list[Notification], signature: Json | None, comment: str = "All right."
) -> dict[str, str]:
    """Answer the items on their page, as its script does. Return what it says of each."""
    page = get(bob.browser, "/several?" + "&".join(f"n={each.pk}" for each in items))
    fields: dict[str, Any] = {"comment": comment}
    fields |= {"signature": json.dumps(signature)} if signature is not None else {}
    return outcomes(page.press("Approve", **fields))


def outcomes(page: Page) -> dict[str, str]:
    rows = page.tree.xpath("//*[@class='chosen']/li")
    return {row.find("a").text_content().strip()[-1]: row.find("p").text_content() for row in rows}


def test_one_signature_is_for_all_and_each_is_verified_by_itself(bob: Signer, items: list[Notification]) -> None:
    signature = bob.sign(bob.challenge(*items, comment="All right."))
    told = press(bob, items, signature)
    assert all("Approved." in each for each in told.values())
    rows = list(AnswerSignature.objects.all())
    assert len({row.statement for row in rows}) == 3
    assert len({(row.listing, row.signature) for row in rows}) == 1
    assert [faults_of(Bundle.of(row)) for row in rows] == [[], [], []]
    assert set(Response.objects.values_list("assurance", flat=True)) == {"passkey"}


def test_the_page_says_that_it_asks_for_the_passkey_and_loads_the_script(
    bob: Signer, items: list[Notification]
) -> None:
    page = get(bob.browser, f"/several?n={items[0].pk}&n={items[1].pk}")
    assert "You confirm this with your passkey: Approve, Reject." in page.text
    assert "signing" in page.tree.xpath("//script/@data-modules")[0].split()
    signed = page.tree.xpath("//button[@data-signature]/@value")
    assert signed == ["approve", "reject"]


def test_without_a_signature_none_is_answered(bob: Signer, items: list[Notification]) -> None:
    told = press(bob, items, None)
    assert all("needs your passkey, and a browser with JavaScript" in each for each in told.values())
    assert not Response.objects.exists()


def test_one_that_changed_is_left_out_and_the_others_count(
    bob: Signer, items: list[Notification], story: Story
) -> None:
    signature = bob.sign(bob.challenge(*items, comment="All right."))
    shown = {each.pk: each.revision for each in items}
    story.happen("task.updated", {"task": {"id": "T-2"}, "variables": {"amount": 99_000, "currency": "EUR"}}, minute=5)
    answered = [bob.answer(each, signature, comment="All right.", revision=shown[each.pk]) for each in items]
    assert [each.status_code for each in answered] == [201, 409, 201]
    assert set(Response.objects.values_list("task__task_id", flat=True)) == {"T-1", "T-3"}


def test_one_that_was_altered_is_left_out_and_the_others_count(bob: Signer, items: list[Notification]) -> None:
    signature = bob.sign(bob.challenge(*items, comment="All right."))
    comments = ["All right.", "Pay it twice.", "All right."]
    answered = [bob.answer(each, signature, comment=comment) for each, comment in zip(items, comments, strict=True)]
    assert [each.status_code for each in answered] == [201, 403, 201]
    assert answered[1].json()["why"] == "differs"


def test_an_item_that_is_not_in_the_list_is_not_signed(bob: Signer, items: list[Notification]) -> None:
    signature = bob.sign(bob.challenge(*items[:2], comment="All right."))
    answered = [bob.answer(each, signature, comment="All right.") for each in items]
    assert [each.status_code for each in answered] == [201, 201, 403]


def test_a_statement_that_is_moved_to_another_list_is_refused(bob: Signer, items: list[Notification]) -> None:
    """Somebody who writes to the database lets an earlier signature pass for another answer."""
    signature = bob.sign(bob.challenge(*items[:2], comment="All right."))
    other = SigningChallenge.objects.get(group=bob.challenge(items[2], comment="All right.")["id"])
    listing = SigningChallenge.objects.get(group=signature["challenge"], notification=items[0]).listing
    SigningChallenge.objects.filter(pk=other.pk).update(group=signature["challenge"], listing=listing)
    answered = bob.answer(items[2], signature, comment="All right.")
    assert (answered.status_code, answered.json()["why"]) == (403, "wrong")
