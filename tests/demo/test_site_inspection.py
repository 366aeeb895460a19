"""The inspection process, as stories."""

from pathlib import Path

import pytest

from notifications.forms import definition
from notifications.forms.fields import form_of
from tests.demo.story import Story


@pytest.fixture
def inspection(tmp_path: Path) -> Story:
    return Story(tmp_path, "site_inspection")


def test_bob_is_sent_to_the_site_with_all_he_needs(inspection: Story) -> None:
    (event,) = inspection.events("task.assigned")
    assert inspection.waiting == {"inspect_site": ["bob"]}
    assert event.data["task"]["name"] == "Inspect the roof at Maximilianstraße 12, 80539 München"
    assert event.data["task"]["kind"] == "field"
    assert event.data["location"] == {"address": "Maximilianstraße 12, 80539 München", "lat": 48.1391, "lon": 11.5802}
    assert event.data["customer"] == {"ref": "lindner", "name": "Hausverwaltung Lindner", "phone": "+49 89 5550 1234"}
    titles = [document["title"] for document in event.data["documents"]]
    assert titles == ["Work order (PDF)", "Floor plan (PDF)", "Safety checklist"]


def test_a_report_is_reviewed_and_the_customer_hears_of_every_step(inspection: Story) -> None:
    inspection.answer("Bob", "report", "inspect_site", "Two tiles are loose")
    assert inspection.waiting == {"review_report": ["carol"]}
    assert inspection.task("review_report").data["task"]["description"] == "Bob writes: “Two tiles are loose”"
    inspection.answer("Carol", "approve", "review_report")
    assert inspection.record.state == "finished"
    assert inspection.statuses("request.status_changed") == ["received", "assigned", "updated", "completed"]
    assert inspection.statuses("case.status_changed") == ["submitted", "under_review", "completed"]
    assert inspection.events("request.status_changed")[0].data["case"]["title"] == "Besichtigung 4711"


def test_a_thin_report_goes_back_to_bob_as_a_new_task(inspection: Story) -> None:
    first_visit = inspection.task("inspect_site").id
    inspection.answer("Bob", "report", "inspect_site", "Looks fine")
    inspection.answer("Carol", "reject", "review_report", "Photographs, please")
    task = inspection.task("inspect_site")
    assert task.id != first_visit
    assert task.data["task"]["description"] == "Carol sent the report back: “Photographs, please”"


def test_photos_and_a_signature_are_asked_for_by_a_form(inspection: Story) -> None:
    data = inspection.task("inspect_site").data
    faults: list[dict[str, str]] = []
    definition.check(data["task"]["form"], "", faults)
    assert faults == []
    form = form_of(data)
    assert form is not None and [field.kind for field in form] == ["photo", "signature"]


def test_a_second_report_names_its_own_photos_only(inspection: Story) -> None:
    for photo in ("0d6f1d3e-2f43-4a8e-9d0c-6f1f0a3b5c7e", "5b0c2a7e-8d34-4b6e-9a11-2f7f3c9d0e41"):
        file = {"id": photo, "name": "roof.jpg", "type": "image/jpeg", "size": 9000}
        inspection.answer("Bob", "report", "inspect_site", "Two tiles are loose", values={"photos": [file]})
        documents = inspection.task("review_report").data["documents"]
        assert len(documents) == 4
        assert documents[3]["url"].endswith(photo)
        inspection.answer("Carol", "reject", "review_report", "Nearer, please")


def test_a_report_without_words_is_refused(inspection: Story) -> None:
    verdict = inspection.verdict("Bob", "report", inspection.task("inspect_site").id)
    assert (verdict.status, verdict.detail) == (422, "“Send the report” needs a comment.")


def test_bob_asks_the_dispatcher_from_the_site(inspection: Story) -> None:
    inspection.answer("Bob", "request_info", "inspect_site", "Where is the key?")
    assert inspection.waiting["inspection_answer_question"] == ["alice"]
    inspection.answer("Alice", "answer", "inspection_answer_question", "With the caretaker")
    assert inspection.events("task.info_supplied")[0].data["info"] == "With the caretaker"


def test_carol_asks_bob_about_his_report(inspection: Story) -> None:
    inspection.answer("Bob", "report", "inspect_site", "Two tiles are loose")
    inspection.answer("Carol", "request_info", "review_report", "Which ones?")
    assert inspection.waiting["review_answer_question"] == ["bob"]
