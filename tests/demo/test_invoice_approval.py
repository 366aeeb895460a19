"""The invoice process, each of its paths as a story."""

from pathlib import Path

import pytest

from demo.callbacks import Answer
from notifications.forms import definition
from tests.demo.story import BASE_URL, Story, person


@pytest.fixture
def invoice(tmp_path: Path) -> Story:
    return Story(tmp_path, "invoice_approval")


@pytest.fixture
def large_invoice(tmp_path: Path) -> Story:
    return Story(tmp_path, "invoice_approval", "large")


@pytest.fixture
def invoice_without_order(tmp_path: Path) -> Story:
    return Story(tmp_path, "invoice_approval", "missing_po")


def test_the_approvers_read_all_they_need(invoice: Story) -> None:
    (event,) = invoice.events("task.assigned")
    task = event.data["task"]
    assert task["name"] == "Approve invoice 4711"
    assert task["description"] == "Acme GmbH, purchase order PO-2041, cost centre 4100 Facilities."
    assert (task["kind"], task["initiator"], task["priority"]) == ("approval", "alice", "normal")
    assert task["candidates"] == ["bob", "carol"]
    assert task["due_at"] == "2026-11-23T11:00:00.000000Z"
    assert task["actions"] == ["acknowledge", "approve", "reject", "request_info"]
    assert task["url"] == f"{BASE_URL}/tasks/{task['id']}"
    assert event.subject == task["id"]
    assert event.data["variables"]["amount"] == 1200.5
    assert event.data["variables"]["currency"] == "EUR"
    assert event.data["case"]["title"] == "Invoice 4711"
    assert event.data["documents"][0]["url"] == f"{BASE_URL}/instances/{invoice.id}/documents/invoice.pdf"


def test_one_approval_ends_a_small_invoice(invoice: Story) -> None:
    invoice.answer("Bob", "approve", "approve_invoice")
    assert invoice.record.state == "finished"
    assert invoice.waiting == {}
    assert invoice.told[-1] == "Invoice approved"
    assert "Bob answered “Approve”: Approve invoice 4711" in invoice.told


def test_alice_hears_every_milestone(invoice: Story) -> None:
    invoice.answer("Carol", "approve", "approve_invoice")
    events = invoice.events("case.status_changed")
    assert [event.data["case"]["status"] for event in events] == ["submitted", "under_review", "approved", "completed"]
    assert all(event.data["recipients"] == ["alice"] for event in events)


def test_the_supplier_hears_in_german_about_a_request_of_its_own(invoice: Story) -> None:
    invoice.answer("Bob", "approve", "approve_invoice")
    assert invoice.statuses("request.status_changed") == ["received", "assigned", "completed"]
    event = invoice.events("request.status_changed")[0]
    assert event.data["recipients"] == [
        {"ref": "acme", "name": "Acme GmbH", "email": "rechnungen@acme.example", "locale": "de"}
    ]
    assert event.data["case"]["title"] == "Rechnung 4711"
    assert event.data["case"]["id"] == "R-1"
    assert event.data["case"]["id"] != invoice.events("case.status_changed")[0].data["case"]["id"]


def test_an_english_supplier_reads_english(invoice_without_order: Story) -> None:
    assert invoice_without_order.events("request.status_changed")[0].data["case"]["title"] == "Invoice 4711"


def test_a_large_invoice_needs_bob_and_then_carol(large_invoice: Story) -> None:
    assert large_invoice.waiting == {"approve_invoice": ["bob"]}
    assert large_invoice.task("approve_invoice").data["task"]["assignee"] == "bob"
    large_invoice.answer("Bob", "approve", "approve_invoice")
    assert large_invoice.waiting == {"approve_as_manager": ["carol"]}
    assert large_invoice.task("approve_as_manager").data["task"]["priority"] == "high"
    assert "approved" not in large_invoice.statuses("case.status_changed")
    large_invoice.answer("Carol", "approve", "approve_as_manager")
    assert large_invoice.record.state == "finished"


def test_an_invoice_of_ten_times_the_managers_limit_is_urgent(tmp_path: Path) -> None:
    urgent, high = (Story(tmp_path / str(amount), "invoice_approval", amount=amount) for amount in (50_000, 49_999))
    assert urgent.task("approve_invoice").data["task"]["priority"] == "urgent"
    assert high.task("approve_invoice").data["task"]["priority"] == "high"


def test_a_large_invoice_has_a_first_approver_even_when_only_the_manager_may_approve(tmp_path: Path) -> None:
    story = Story(tmp_path, "invoice_approval", "large", approvers=["carol"])
    assert story.waiting == {"approve_invoice": ["carol"]}


def test_what_carol_rejects_as_manager_goes_back_to_alice(large_invoice: Story) -> None:
    large_invoice.answer("Bob", "approve", "approve_invoice")
    large_invoice.answer("Carol", "reject", "approve_as_manager", "Too expensive")
    assert large_invoice.waiting == {"correct_invoice": ["alice"]}


def test_a_rejection_brings_alice_the_comment_and_then_a_new_round(invoice: Story) -> None:
    first_round = invoice.task("approve_invoice").id
    invoice.answer("Bob", "reject", "approve_invoice", "Wrong total")
    task = invoice.task("correct_invoice")
    assert task.name == "Correct invoice 4711"
    assert "Bob rejected it: “Wrong total”" in task.data["task"]["description"]
    rejected = invoice.events("case.status_changed")[-1]
    assert rejected.data["case"]["status"] == "rejected"
    assert rejected.data["message"] == "Bob writes: “Wrong total”"
    invoice.answer("Alice", "resubmit", "correct_invoice", "Total corrected")
    assert invoice.waiting == {"approve_invoice": ["bob", "carol"]}
    assert invoice.task("approve_invoice").id != first_round
    invoice.answer("Carol", "approve", "approve_invoice")
    assert invoice.statuses("request.status_changed") == ["received", "assigned", "updated", "assigned", "completed"]
    news = invoice.events("request.status_changed")[2].data["message"]
    assert news == "Die Rechnung wurde korrigiert und wird erneut geprüft."
    assert invoice.record.state == "finished"


def test_alice_may_withdraw_a_rejected_invoice_and_the_approvers_hear_it(invoice: Story) -> None:
    invoice.answer("Bob", "reject", "approve_invoice", "Not ours")
    invoice.answer("Alice", "withdraw", "correct_invoice")
    assert invoice.record.state == "finished"
    assert invoice.told[-1] == "Invoice withdrawn"
    assert invoice.events("case.status_changed")[-1].data["recipients"] == ["bob", "carol"]


def test_a_missing_purchase_order_is_an_exception_for_finance(invoice_without_order: Story) -> None:
    (raised,) = invoice_without_order.events("exception.raised")
    exception = raised.data["exception"]
    assert exception["code"] == "missing_po"
    assert exception["summary"] == "Lakeside Printing Ltd sent no purchase order"
    assert exception["recommended_action"] == "Find the purchase order of Lakeside Printing Ltd, or reject the invoice."
    assert raised.data["case"]["id"] == invoice_without_order.id
    assert invoice_without_order.waiting == {"add_purchase_order": ["finance"]}
    task = invoice_without_order.task("add_purchase_order").data
    assert task["task"]["kind"] == "exception"
    assert task["exception"] == exception


def test_once_the_order_is_there_the_exception_is_resolved_and_the_invoice_goes_on(
    invoice_without_order: Story,
) -> None:
    invoice_without_order.answer("Carol", "supply", "add_purchase_order", "PO-7")
    (resolved,) = invoice_without_order.events("exception.resolved")
    assert resolved.data["exception"]["summary"] == "The purchase order is there: PO-7"
    assert invoice_without_order.waiting == {"approve_invoice": ["bob", "carol"]}
    assert "purchase order PO-7" in invoice_without_order.task("approve_invoice").data["task"]["description"]


def test_its_number_is_asked_for_by_a_form(invoice_without_order: Story) -> None:
    form = invoice_without_order.task("add_purchase_order").data["task"]["form"]
    faults: list[dict[str, str]] = []
    definition.check(form, "", faults)
    assert faults == []

    invoice_without_order.answer("Carol", "supply", "add_purchase_order", values={"purchase_order": "PO-8"})
    assert "purchase order PO-8" in invoice_without_order.task("approve_invoice").data["task"]["description"]


def test_a_copy_of_the_order_is_there_for_whoever_approves(invoice_without_order: Story) -> None:
    copy = {"id": "0d6f1d3e-2f43-4a8e-9d0c-6f1f0a3b5c7e", "name": "po-8.pdf", "type": "application/pdf", "size": 9000}
    values = {"purchase_order": "PO-8", "order_copy": [copy]}
    invoice_without_order.answer("Carol", "supply", "add_purchase_order", values=values)
    documents = invoice_without_order.task("approve_invoice").data["documents"]
    assert [document["title"] for document in documents] == ["Invoice 4711 (PDF)", "Order: po-8.pdf"]
    assert documents[1]["url"] == f"http://demo.example/instances/{invoice_without_order.id}/files/{copy['id']}"


def test_an_order_number_of_three_characters_is_refused_and_the_task_stays(invoice_without_order: Story) -> None:
    task_id = invoice_without_order.task("add_purchase_order").id
    verdict = invoice_without_order.verdict("Bob", "supply", task_id, "PO7")
    assert (verdict.status, verdict.detail) == (422, "A purchase order number has at least 4 characters.")
    assert invoice_without_order.waiting == {"add_purchase_order": ["finance"]}


def test_finance_may_reject_what_has_no_order(invoice_without_order: Story) -> None:
    invoice_without_order.answer("Carol", "reject", "add_purchase_order", "Nobody ordered this")
    assert invoice_without_order.events("exception.resolved")
    assert invoice_without_order.waiting == {"correct_invoice": ["alice"]}


def test_an_invoice_without_cost_centre_goes_straight_back_to_alice(tmp_path: Path) -> None:
    story = Story(tmp_path, "invoice_approval", "no_cost_center")
    assert story.task("correct_invoice").name == "Add the cost centre to invoice 4711"
    story.answer("Alice", "resubmit", "correct_invoice", "4100 Facilities")
    assert story.task("approve_invoice").data["variables"]["cost_center"] == "4100 Facilities"


def test_bobs_question_goes_to_alice_and_her_answer_back_to_his_task(invoice: Story) -> None:
    approval = invoice.task("approve_invoice").id
    invoice.answer("Bob", "request_info", "approve_invoice", "Which project?")
    assert invoice.waiting == {"approve_invoice": ["bob", "carol"], "approval_answer_question": ["alice"]}
    question = invoice.task("approval_answer_question")
    assert question.name == "Answer Bob's question"
    assert question.data["task"]["description"] == "Bob asks about “Approve invoice 4711”: Which project?"
    invoice.answer("Alice", "answer", "approval_answer_question", "The new roof")
    (supplied,) = invoice.events("task.info_supplied")
    assert supplied.data["info"] == "The new roof"
    assert supplied.data["task"]["id"] == supplied.subject == approval
    assert invoice.waiting == {"approve_invoice": ["bob", "carol"]}
    invoice.answer("Bob", "approve", "approve_invoice")
    assert invoice.record.state == "finished"


def test_carols_question_waits_until_bobs_is_answered(invoice: Story) -> None:
    invoice.answer("Bob", "request_info", "approve_invoice", "Which project?")
    invoice.answer("Carol", "request_info", "approve_invoice", "Who ordered it?")
    assert invoice.task("approval_answer_question").name == "Answer Bob's question"
    invoice.answer("Alice", "answer", "approval_answer_question", "The new roof")
    assert invoice.task("approval_answer_question").name == "Answer Carol's question"
    invoice.answer("Alice", "answer", "approval_answer_question", "I did")
    assert [event.data["info"] for event in invoice.events("task.info_supplied")] == ["The new roof", "I did"]


def test_when_carol_decides_alice_need_not_answer_any_more(invoice: Story) -> None:
    invoice.answer("Bob", "request_info", "approve_invoice", "Which project?")
    invoice.answer("Carol", "request_info", "approve_invoice", "Who ordered it?")
    question = invoice.task("approval_answer_question").id
    invoice.answer("Carol", "approve", "approve_invoice")
    (cancelled,) = invoice.events("task.cancelled")
    assert cancelled.data["task"] == {"id": question}
    assert invoice.record.tasks[question].state == "cancelled"
    assert invoice.record.state == "finished"
    assert invoice.record.messages == []


def test_questions_reach_alice_in_the_managers_round_too(large_invoice: Story) -> None:
    large_invoice.answer("Bob", "approve", "approve_invoice")
    large_invoice.answer("Carol", "request_info", "approve_as_manager", "Is there a cheaper one?")
    assert large_invoice.waiting["manager_approval_answer_question"] == ["alice"]


def test_seeing_a_task_changes_nothing_but_the_story(invoice: Story) -> None:
    before = invoice.waiting
    invoice.answer("Bob", "acknowledge", "approve_invoice")
    assert invoice.waiting == before
    assert invoice.told[-1] == "Bob has seen it: Approve invoice 4711"


def test_a_refusal_is_repeated_even_when_things_have_changed_since(invoice: Story) -> None:
    task_id = invoice.task("approve_invoice").id
    refused = invoice.verdict("Bob", "reject", task_id, key="answer-of-bob")
    assert refused.status == 422
    invoice.answer("Carol", "approve", "approve_invoice")
    assert invoice.verdict("Bob", "reject", task_id, key="answer-of-bob") == refused


def test_bobs_answer_after_carols_is_told_who_was_first(invoice: Story) -> None:
    task_id = invoice.task("approve_invoice").id
    invoice.answer("Carol", "approve", "approve_invoice")
    verdict = invoice.verdict("Bob", "reject", task_id, "Too late")
    assert (verdict.status, verdict.detail) == (409, "“Approve invoice 4711” is already completed by Carol.")
    assert invoice.record.state == "finished"


@pytest.mark.parametrize(
    ("action", "comment", "reason"),
    [
        ("reject", " ", "“Reject” needs a comment."),
        ("request_info", "", "“Ask for information” needs a comment."),
        ("burn", "x", "“Approve invoice 4711” does not offer “burn”, only acknowledge, approve, reject, request_info."),
    ],
)
def test_impossible_answers_are_refused_with_the_reason(invoice: Story, action: str, comment: str, reason: str) -> None:
    verdict = invoice.verdict("Bob", action, invoice.task("approve_invoice").id, comment)
    assert (verdict.status, verdict.detail) == (422, reason)
    assert invoice.waiting == {"approve_invoice": ["bob", "carol"]}
    assert invoice.told[-1] == f"Refused Bob's answer: {reason}"


def test_the_model_itself_refuses_to_pay_a_blocked_supplier(tmp_path: Path) -> None:
    story = Story(tmp_path, "invoice_approval", payment_block=True)
    task_id = story.task("approve_invoice").id
    verdict = story.verdict("Bob", "approve", task_id)
    blocked = "Payments to Acme GmbH are blocked: reject the invoice or ask for information."
    assert (verdict.status, verdict.detail) == (422, blocked)
    assert story.verdict("Bob", "reject", task_id, "Blocked").status == 200


def test_completing_in_the_engine_tells_wfpush_who_did_it_and_goes_on(invoice: Story) -> None:
    task_id = invoice.task("approve_invoice").id
    verdict = invoice.change("complete_here", Answer(task_id, "approve", person("Carol")))
    assert verdict.status == 200
    (completed,) = invoice.events("task.completed")
    at = "2026-11-23T09:00:00.000000Z"
    assert completed.data["result"] == {"action": "approve", "by": {"ref": "carol", "name": "Carol"}, "at": at}
    assert completed.data["task"] == {"id": task_id}
    assert invoice.record.state == "finished"
    assert invoice.verdict("Bob", "approve", task_id).status == 409


def test_completing_in_the_engine_obeys_the_same_rules(invoice: Story) -> None:
    task_id = invoice.task("approve_invoice").id
    assert invoice.change("complete_here", Answer(task_id, "reject", person("Bob"))).status == 422
    assert invoice.change("complete_here", Answer(task_id, "acknowledge", person("Bob"))).status == 422
    assert invoice.events("task.completed") == []
    assert invoice.waiting == {"approve_invoice": ["bob", "carol"]}


def test_a_task_given_to_carol_waits_for_carol_alone(invoice: Story) -> None:
    task_id = invoice.task("approve_invoice").id
    invoice.now.forward(minutes=5)
    assert invoice.change("reassign", task_id, person("Carol")).status == 200
    assert invoice.waiting == {"approve_invoice": ["carol"]}
    first, second = invoice.events("task.assigned")
    assert second.data["task"]["assignee"] == "carol"
    assert "candidates" not in second.data["task"]
    assert second.data["task"]["id"] == first.data["task"]["id"]
    assert second.time > first.time
