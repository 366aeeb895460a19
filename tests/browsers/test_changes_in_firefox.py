"""In Firefox, in every language: what somebody decides about changes before their answer arrives (test_changes.py)."""

from pathlib import Path

import pytest
from selenium.webdriver.common.by import By

from tests.browsers.in_firefox import Line, firefox_at, line_to, opens, signs_in
from tests.browsers.installation import Installation
from tests.browsers.items import answers
from tests.browsers.test_changes import LANGUAGES, LOOKS, becomes, is_approved, is_revised, pays, speaker
from tests.notifications.forms.invoice import invoice_form
from tests.pushlab.firefox import Firefox
from tests.support.waiting import eventually

KEPT = """
return import("/static/wfpush/store.js").then(({stored}) => stored("items", arguments[0])).then(Boolean);
"""


@pytest.mark.long
def test_dave_is_asked_again_in_firefox(installation: Installation, tmp_path: Path) -> None:
    """In one session: to start Firefox takes as long as all of this."""
    with line_to(installation) as line, firefox_at(line, tmp_path / "firefox") as dave:
        for language in LANGUAGES:
            signs_in(dave, installation, speaker(installation, language))
            an_open_item_shows_old_and_new(dave, installation, language)
            a_form_shows_both(dave, installation, language)
            several_leave_out_what_has_changed(dave, installation, language)
            an_answer_that_was_kept_is_asked_for_again(dave, installation, line, language)
            dave.click("form[data-sign-out] button")
            dave.find("#id_username")


def an_open_item_shows_old_and_new(dave: Firefox, here: Installation, language: str) -> None:
    before, now, approve = LANGUAGES[language]
    name = f"Pay the crane ({language})"
    task_id = pays(here, name, assignee=f"reader-{language}")
    opens_item(dave, here, name, language)

    becomes(here, task_id)

    dave.find("#item .amount del", before)
    dave.find("#item .amount [data-slot=first]", now)
    assert dave.find("#item .amount del").aria_role == "deletion"
    news = dave.driver.find_element(By.ID, "news")
    eventually(lambda: name in news.text and before in news.text and now in news.text, "screen readers hear of it")
    look(dave, f"open-{language}")
    dave.click("#item [data-slot=buttons] button", approve)
    dave.find("#item .outcome", approve)
    assert answers(here, name) == []
    dave.click("#item [data-slot=buttons] button", approve)
    is_approved(here, name)


def a_form_shows_both(dave: Firefox, here: Installation, language: str) -> None:
    name = f"Pay the pump ({language})"
    task_id = pays(here, name, assignee=f"reader-{language}", form=invoice_form())
    opens_item(dave, here, name, language)
    dave.type("#value-cost_center", "4711")

    here.send("task.updated", {"task": {"id": task_id}, "variables": {"amount": 2000, "cost_center": "4200"}})

    dave.find(".field[data-name=cost_center] .changed-value", "4200")
    typed, followed = (dave.find(f"#value-{field}").get_attribute("value") for field in ("cost_center", "amount"))
    assert typed == "4711"
    assert followed is not None
    assert followed.startswith("2")
    look(dave, f"form-{language}")


def several_leave_out_what_has_changed(dave: Firefox, here: Installation, language: str) -> None:
    _before, now, approve = LANGUAGES[language]
    names = [f"Pay the {tool} ({language})" for tool in ("saw", "drill")]
    task_id, _other = [pays(here, name, assignee=f"reader-{language}") for name in names]
    for name in names:
        here.waits_for(f"reader-{language}", name)
    opens(dave, "/?select=1")
    for name in names:
        dave.click("label.tick", name)
    dave.click("#several .primary")
    dave.find("main button", approve)
    becomes(here, task_id)
    is_revised(here, names[0])

    dave.click("main button", approve)

    dave.find(".chosen .changes", now)
    look(dave, f"several-{language}")
    assert [answers(here, name) for name in names] == [[], [("approve", "")]]


def an_answer_that_was_kept_is_asked_for_again(dave: Firefox, here: Installation, line: Line, language: str) -> None:
    before, now, approve = LANGUAGES[language]
    name = f"Pay the lift ({language})"
    task_id = pays(here, name, assignee=f"reader-{language}")
    here.waits_for(f"reader-{language}", name)
    opens(dave, "/?q=lift")
    item = dave.find("#found .row", name).get_attribute("data-id")
    eventually(lambda: dave.evaluate(KEPT, item), f"{name} is kept")
    line.cut()
    dave.click(f"#found .row[data-id='{item}'] button", approve)
    dave.find(f"#found .row[data-id='{item}'] .outcome", approve)
    becomes(here, task_id)
    is_revised(here, name)
    line.mend()

    dave.find(f"#found .row[data-id='{item}'] .changes del", before)
    dave.find(f"#found .row[data-id='{item}'] .changes ins", now)
    look(dave, f"kept-{language}")
    assert answers(here, name) == []
    dave.click(f"#found .row[data-id='{item}'] button", approve)
    is_approved(here, name)


# --- helpers ----------------------------------------------------------------------------------------------------------
def opens_item(dave: Firefox, here: Installation, name: str, language: str) -> None:
    here.waits_for(f"reader-{language}", name)
    opens(dave, "/")
    dave.click("#list a", name)
    dave.find("#item-heading", name)


def look(dave: Firefox, name: str) -> None:
    if LOOKS:
        dave.driver.save_screenshot(str(Path(LOOKS) / f"firefox-changes-{name}.png"))
