"""What somebody decides about changes while they look at it, or before their answer arrives: they are asked again."""

import os
import re
from itertools import count, product
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browsers.conftest import SignIn
from tests.browsers.installation import Installation
from tests.browsers.items import answers, card, opened
from tests.browsers.test_peace_looks import SIZES
from tests.browsers.worker import is_kept
from tests.notifications.forms.invoice import VARIABLES, invoice_form
from tests.support.length import some
from tests.support.waiting import eventually

_numbers = count(1)
LOOKS = os.environ.get("WFPUSH_LOOKS", "")
LANGUAGES = {
    "en": ("€1,000.00", "€10,000.00", "Approve"),
    "de": ("1.000,00 €", "10.000,00 €", "Genehmigen"),
    "fr": ("1 000,00 €", "10 000,00 €", "Approuver"),
    "es": ("1.000,00 €", "10.000,00 €", "Aprobar"),
}


def pays(installation: Installation, name: str, amount: int = 1000, **task: Any) -> str:
    task_id = task.pop("id", f"P-{next(_numbers)}")
    said = {"id": task_id, "name": name, "assignee": "dave", "kind": "approval", **task}
    installation.send("task.assigned", {"task": said, "variables": {**VARIABLES, "amount": amount, "currency": "EUR"}})
    return task_id


def speaker(installation: Installation, language: str) -> str:
    """Somebody who reads everything in that language."""
    ref = f"reader-{language}"
    if ref not in installation.passwords:
        installation.account(ref, "Dave")
        people = f"Recipient.objects.filter(ref={ref!r})"
        installation.set_up(f"from notifications.models import Recipient; print({people}.update(locale={language!r}))")
    return ref


def becomes(installation: Installation, task_id: str, amount: int = 10_000) -> None:
    installation.send("task.updated", {"task": {"id": task_id}, "variables": {"amount": amount}})


async def look(page: Page, name: str) -> None:
    """Keep pictures on a phone and a desk, light and dark."""
    if not LOOKS:
        return
    before = page.viewport_size
    for (size, viewport), scheme in product(SIZES.items(), ("light", "dark")):
        await page.set_viewport_size(viewport)  # type: ignore[arg-type]
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        await page.screenshot(path=str(Path(LOOKS) / f"changes-{name}-{size}-{scheme}.png"), animations="disabled")
    await page.emulate_media(color_scheme="light")
    await page.set_viewport_size(before)  # type: ignore[arg-type]


def pane(page: Page) -> Locator:
    return page.locator("#item")


async def test_an_open_item_shows_old_and_new_and_asks_again(installation: Installation, sign_in: SignIn) -> None:
    task_id = pays(installation, "Pay the crane")
    installation.waits_for("dave", "Pay the crane")
    dave = await sign_in("dave", again=True)
    await opened(dave, "Pay the crane")

    becomes(installation, task_id)

    amount = pane(dave).locator(".amount")
    await expect(amount.locator("del")).to_have_text("€1,000.00")
    await expect(amount.locator("[data-slot=first]")).to_have_text("€10,000.00")
    await expect(dave.locator("#news")).to_have_text("Pay the crane: Changed: Amount: €1,000.00 → €10,000.00")
    await expect(pane(dave).locator(".changes")).to_contain_text("This has changed.")
    tree = await pane(dave).aria_snapshot()
    assert re.search(r"before:.*\n?.*deletion: €1,000.00", tree), tree
    await look(dave, "open")

    await pane(dave).get_by_role("button", name="Approve", exact=True).click()
    said = "Look at the changes, then press “Approve” again."
    await expect(pane(dave).locator(".outcome")).to_have_text(said)
    assert answers(installation, "Pay the crane") == []

    await pane(dave).get_by_role("button", name="Approve", exact=True).click()
    await expect(pane(dave).locator(".outcome")).to_contain_text("Approved.")
    is_approved(installation, "Pay the crane")


async def test_a_card_in_the_list_asks_again_too(installation: Installation, sign_in: SignIn) -> None:
    task_id = pays(installation, "Pay the digger")
    installation.waits_for("dave", "Pay the digger")
    dave = await sign_in("dave", phone=True, again=True)

    becomes(installation, task_id)

    mine = card(dave, "Pay the digger")
    await expect(mine.locator(".changes")).to_contain_text("€1,000.00")
    await look(dave, "card")
    await mine.get_by_role("button", name="Approve").click()
    await expect(mine.locator(".outcome")).to_contain_text("then press “Approve” again")
    assert answers(installation, "Pay the digger") == []


@pytest.mark.parametrize("language", some(LANGUAGES, 1))
async def test_an_answer_that_was_kept_is_asked_for_again(
    installation: Installation, sign_in: SignIn, language: str
) -> None:
    before, now, approve = LANGUAGES[language]
    name = f"Pay the lift {language}"
    who = speaker(installation, language)
    task_id = pays(installation, name, assignee=who)
    dave = await sign_in(who, phone=True)
    await is_kept(dave, name)
    await dave.context.set_offline(True)
    await card(dave, name).get_by_role("button", name=approve, exact=True).click()
    becomes(installation, task_id)
    is_revised(installation, name)
    await dave.context.set_offline(False)

    changes = card(dave, name).locator(".changes")
    await expect(changes.locator("del")).to_have_text(before)
    await expect(changes.locator("ins")).to_have_text(now)
    await look(dave, f"kept-{language}")
    assert answers(installation, name) == []
    await card(dave, name).get_by_role("button", name=approve, exact=True).click()
    is_approved(installation, name)


async def test_a_form_follows_where_nothing_was_typed_and_shows_both_where_something_was(
    installation: Installation, sign_in: SignIn
) -> None:
    task_id = pays(installation, "Pay the pump", form=invoice_form())
    installation.waits_for("dave", "Pay the pump")
    dave = await sign_in("dave", again=True)
    await opened(dave, "Pay the pump")
    amount, center = dave.locator("#value-amount"), dave.locator("#value-cost_center")
    await expect(amount).to_have_value("1,000.00")
    await center.fill("4711")

    installation.send("task.updated", {"task": {"id": task_id}, "variables": {"amount": 2000, "cost_center": "4200"}})

    await expect(amount).to_have_value("2,000.00")
    await expect(center).to_have_value("4711")
    await expect(pane(dave).locator(".field[data-name=cost_center]")).to_contain_text("now: 4200")
    await look(dave, "form")
    await _fifty_updates_take_nothing_away(installation, dave, task_id)


async def _fifty_updates_take_nothing_away(installation: Installation, dave: Page, task_id: str) -> None:
    """Of the open item and its row: first while a remark is written, then within the form that follows."""
    remark, center = dave.locator("#remark"), dave.locator("#value-cost_center")
    await dave.get_by_text("Add a comment").click()
    await dave.locator("#item .menu summary").press("Enter")
    await dave.locator("#until").fill("2099-01-01T10:00")
    await remark.fill("Half a sentence")
    amount = 2000
    for writing, begun in ((remark, "Half a sentence"), (center, "4711")):
        await writing.evaluate("box => { box.focus(); box.setSelectionRange(1, 3); }")
        for _ in range(25):
            amount += 1
            installation.send("task.updated", {"task": {"id": task_id}, "variables": {"amount": amount}})
        await expect(dave.locator("#value-amount")).to_have_value(f"{amount:,}.00")
        await expect(card(dave, "Pay the pump")).to_contain_text(f"{amount:,}.00")

        await expect(writing).to_be_focused()
        assert await writing.evaluate("box => [box.value, box.selectionStart, box.selectionEnd]") == [begun, 1, 3]
        await expect(remark).to_have_value("Half a sentence")
        await expect(center).to_have_value("4711")
        await expect(dave.locator("#until")).to_have_value("2099-01-01T10:00")
        assert await dave.locator("#item details[open]").count() == 2


async def test_several_leave_out_what_has_changed(installation: Installation, sign_in: SignIn) -> None:
    names = ["Pay the saw", "Pay the drill"]
    task_id, _other = (pays(installation, name) for name in names)
    for name in names:
        installation.waits_for("dave", name)
    dave = await sign_in("dave", again=True)
    await dave.get_by_role("link", name="Choose several").click()
    for name in names:
        await dave.get_by_role("checkbox", name=f"Choose {name}").check()
    await dave.locator("#several .primary").click()
    becomes(installation, task_id)
    is_revised(installation, names[0])

    await dave.get_by_role("button", name="Approve (2)", exact=True).click()

    row = dave.get_by_role("listitem").filter(has=dave.get_by_role("link", name="Pay the saw"))
    await expect(row.locator(".changes")).to_contain_text("€10,000.00")
    await look(dave, "several")
    assert (answers(installation, names[0]), answers(installation, names[1])) == ([], [("approve", "")])


def is_approved(installation: Installation, name: str) -> None:
    """Return when it is."""
    eventually(lambda: answers(installation, name) == [("approve", "")], f"{name} is approved")


def is_revised(installation: Installation, name: str) -> None:
    """Return when it is."""
    query = f"SELECT 1 FROM notifications_notification WHERE title = '{name}' AND revised_at IS NOT NULL"
    eventually(lambda: installation.house.rows(query), f"{name} has changed")
