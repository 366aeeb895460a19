"""The engine's pages and its JSON API."""

import re
from html import unescape

import pytest

from tests.demo.recorder import Recorder, problem
from tests.demo.service import Service, eventually

# The JSON API


async def test_a_program_starts_an_invoice_and_reads_where_it_stands(service: Service) -> None:
    started = await service.start(amount=99.5, requester="dave", approvers=["erin"])
    assert started["process"] == "invoice_approval"
    assert started["title"] == "Invoice 4711"
    assert started["state"] == "running"
    (step,) = started["current_steps"]
    assert step == {
        "step": "approve_invoice",
        "name": "Approve the invoice",
        "task": "Approve invoice 4711",
        "task_id": started["open_tasks"][0],
        "waiting_for": "erin",
    }
    assert started["history"][0]["text"] == "Invoice submitted"
    assert await service.instance(started["id"]) | {"events": []} == started | {"events": []}


async def test_numbers_count_up_and_given_ones_are_kept(service: Service) -> None:
    titles = [(await service.start())["title"] for _ in range(2)]
    titles += [(await service.start(number="9000"))["title"], (await service.start())["title"]]
    assert titles == ["Invoice 4711", "Invoice 4712", "Invoice 9000", "Invoice 9001"]


async def test_ids_tell_the_number_and_are_unlike_each_other(service: Service) -> None:
    ids = [(await service.start(number="RE 2026/17"))["id"] for _ in range(3)]
    assert all(re.fullmatch(r"invoice-re-2026-17-[0-9a-f]{6}", each) for each in ids)
    assert len(set(ids)) == 3


async def test_the_list_has_the_newest_first(service: Service) -> None:
    ids = [(await service.start())["id"] for _ in range(3)]
    async with service.client.get("/api/instances") as response:
        items = (await response.json())["items"]
    assert [item["id"] for item in items] == ids[::-1]
    assert items[0]["current_steps"][0]["step"] == "approve_invoice"


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        (
            {"process": "holiday"},
            {"process": "there is none called 'holiday'; there are invoice_approval, site_inspection"},
        ),
        (
            {"process": "site_inspection", "sample": "small"},
            {"sample": "there is none called 'small'; there are roof"},
        ),
        (
            {"process": "invoice_approval", "data": {"amount": "a lot", "colour": "red"}},
            {"amount": "must be a number below 1,000,000,000,000", "colour": "invoice_approval has no such field"},
        ),
        ({"process": "invoice_approval", "data": {"payment_block": 1}}, {"payment_block": "must be true or false"}),
        (
            {"process": "invoice_approval", "data": {"approvers": []}},
            {"approvers": "must be a list of at least one name"},
        ),
        (
            {"process": "invoice_approval", "data": {"requester": None}},
            {"requester": "must be text of 1 to 200 characters"},
        ),
        (
            {"process": "invoice_approval", "data": {"supplier": {"ref": "acme"}}},
            {"supplier": "name must be text of 1 to 200 characters"},
        ),
        (
            {"process": "invoice_approval", "data": {"supplier": "acme"}},
            {"supplier": "must be an object with ref, name, email, locale"},
        ),
    ],
)
async def test_data_that_does_not_fit_is_refused_field_by_field(
    service: Service, body: dict[str, object], errors: dict[str, str]
) -> None:
    async with service.client.post("/api/instances", json=body) as response:
        assert response.status == 422
        assert (await response.json())["errors"] == errors
    assert service.engine.summaries == []


@pytest.mark.parametrize(
    ("content", "content_type", "status"),
    [
        ("{", "application/json", 400),
        ("[]", "application/json", 422),
        ('{"process": "invoice_approval", "data": {"amount": NaN}}', "application/json", 400),
        ("process=invoice_approval", "application/x-www-form-urlencoded", 415),
    ],
)
async def test_what_is_not_a_start_is_refused(service: Service, content: str, content_type: str, status: int) -> None:
    headers = {"Content-Type": content_type}
    async with service.client.post("/api/instances", data=content, headers=headers) as response:
        assert response.status == status
        assert (await response.json())["detail"]


@pytest.mark.parametrize("instance_id", ["invoice-1", "..%2F..%2Fetc", "UPPER"])
async def test_an_instance_nobody_knows_is_404(service: Service, instance_id: str) -> None:
    async with service.client.get(f"/api/instances/{instance_id}") as response:
        assert response.status == 404
    async with service.client.get(f"/instances/{instance_id}") as response:
        assert response.status == 404
        assert "Not found" in await response.text()


# The pages


async def test_the_overview_offers_every_start_and_lists_what_runs(service: Service) -> None:
    await service.start(amount=5)
    page = unescape(await service.page("/"))
    for label in (
        "Start an invoice",
        "Start a large invoice",
        "Start an invoice with missing purchase order",
        "Start an invoice without a cost centre",
        "Start a site inspection",
    ):
        assert f">{label}</button>" in page
    assert "Running (1)" in page
    assert "waiting for Bob or Carol" in page
    assert "Nothing is finished yet." in page


async def test_a_button_starts_an_instance_and_shows_it(service: Service) -> None:
    status, page = await service.press("/start", process="invoice_approval", sample="large")
    assert status == 200
    assert 'data-step="approve_invoice"' in page
    assert "Nordwind Energie AG, purchase order PO-2044" in page
    assert [summary.title for summary in service.engine.summaries] == ["Invoice 4711"]


async def test_an_unknown_button_says_so(service: Service) -> None:
    status, page = await service.press("/start", process="invoice_approval", sample="huge")
    assert status == 422
    assert "Nothing was started" in page


async def test_the_link_in_a_notification_leads_to_the_task(service: Service, wfpush: Recorder) -> None:
    started = await service.start()
    await eventually(lambda: wfpush.of_type("task.assigned"), "the task")
    task = wfpush.of_type("task.assigned")[0]["data"]["task"]
    path = task["url"].removeprefix("http://127.0.0.1:8001")
    async with service.client.get(path, allow_redirects=False) as response:
        assert response.status == 303
        assert response.headers["Location"] == f"/instances/{started['id']}#task-{task['id']}"
    async with service.client.get("/tasks/T-42") as response:
        assert response.status == 404


async def test_only_steps_that_wait_are_marked_as_current(service: Service) -> None:
    started = await service.start()
    path = f"/instances/{started['id']}"
    assert re.findall(r'data-step="(\w+)"', await service.page(path)) == ["approve_invoice"]
    await service.answer(started["open_tasks"][0], "approve")
    page = await service.page(path)
    assert re.findall(r'data-step="(\w+)"', page) == ["invoice_approved"]
    assert 'data-state="finished"' in page
    assert "Finished: Invoice approved." in page


async def test_completing_here_closes_the_task_at_wfpush(service: Service, wfpush: Recorder) -> None:
    started = await service.start()
    (task,) = started["open_tasks"]
    status, page = await service.press(f"/tasks/{task}/complete", action="approve", by="carol", comment="")
    assert status == 200
    assert "Carol answered “Approve” here in the engine: Approve invoice 4711" in page
    completed = await eventually(lambda: wfpush.of_type("task.completed"), "the news of it")
    assert completed[0]["data"]["result"]["by"] == {"ref": "carol", "name": "Carol"}
    assert completed[0]["subject"] == task


async def test_completing_twice_says_who_was_first(service: Service) -> None:
    started = await service.start()
    (task,) = started["open_tasks"]
    await service.answer(task, "approve", "carol")
    status, page = await service.press(f"/tasks/{task}/complete", action="approve", by="bob", comment="")
    assert status == 409
    assert 'role="alert"' in page
    assert "is already completed by Carol." in page


async def test_reassigning_to_carol_tells_wfpush(service: Service, wfpush: Recorder) -> None:
    started = await service.start()
    (task,) = started["open_tasks"]
    status, page = await service.press(f"/tasks/{task}/reassign", to="carol")
    assert status == 200
    assert "waiting for Carol" in page
    assert "Reassign to Carol" not in page
    await eventually(lambda: len(wfpush.of_type("task.assigned")) == 2, "the reassignment")
    assert wfpush.of_type("task.assigned")[1]["data"]["task"]["assignee"] == "carol"


@pytest.mark.parametrize("path", ["/tasks/T-42/complete", "/tasks/T-42/reassign"])
async def test_a_task_nobody_knows_cannot_be_changed(service: Service, path: str) -> None:
    assert (await service.press(path, to="carol", action="approve"))[0] == 404


async def test_what_people_write_is_shown_as_text(service: Service) -> None:
    started = await service.start()
    await service.answer(started["open_tasks"][0], "reject", comment="<script>alert(1)</script>")
    page = await service.page(f"/instances/{started['id']}")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page


async def test_a_page_that_has_not_changed_is_not_sent_again(service: Service) -> None:
    started = await service.start()
    await service.answer(started["open_tasks"][0], "approve")
    async with service.client.get("/") as response:
        headers = {"If-None-Match": response.headers["ETag"]}
    await service.start()
    async with service.client.get("/", headers=headers) as response:
        assert response.status == 200
        headers = {"If-None-Match": response.headers["ETag"]}
    async with service.client.get("/", headers=headers) as response:
        assert response.status == 304


# Documents and files


@pytest.mark.parametrize(
    ("process", "name", "content_type", "begins"),
    [
        ("invoice_approval", "invoice.pdf", "application/pdf", b"%PDF-1.4"),
        ("site_inspection", "work-order.pdf", "application/pdf", b"%PDF-1.4"),
        ("site_inspection", "floor-plan.pdf", "application/pdf", b"%PDF-1.4"),
        ("site_inspection", "safety-checklist.txt", "text/plain", b"Safety checklist"),
    ],
)
async def test_documents_are_real_files(
    service: Service, process: str, name: str, content_type: str, begins: bytes
) -> None:
    started = await service.start(process)
    async with service.client.get(f"/instances/{started['id']}/documents/{name}") as response:
        assert (response.status, response.content_type) == (200, content_type)
        assert (await response.read()).startswith(begins)


async def test_every_document_that_a_task_names_is_served(service: Service, wfpush: Recorder) -> None:
    await service.start("invoice_approval")
    await service.start("site_inspection")
    await eventually(lambda: len(wfpush.of_type("task.assigned")) == 2, "both tasks")
    for event in wfpush.of_type("task.assigned"):
        for document in event["data"]["documents"]:
            async with service.client.get(document["url"].removeprefix("http://127.0.0.1:8001")) as response:
                assert response.status == 200, document


@pytest.mark.parametrize("path", ["/static/server.py", "/static/..%2Fserver.py", "/static/none.css"])
async def test_other_files_are_not_served(service: Service, path: str) -> None:
    async with service.client.get(path) as response:
        assert response.status == 404


@pytest.mark.parametrize("name", ["demo.css", "demo.js", "icon.svg"])
async def test_the_pages_own_files_are_served(service: Service, name: str) -> None:
    async with service.client.get(f"/static/{name}") as response:
        assert response.status == 200


# Who may


@pytest.mark.parametrize("origin", ["https://evil.example", "null", None])
async def test_other_sites_cannot_press_buttons(service: Service, origin: str | None) -> None:
    status, _ = await service.press("/start", origin=origin, process="invoice_approval", sample="small")
    assert status == 403
    assert service.engine.summaries == []


async def test_other_sites_cannot_start_by_the_api(service: Service) -> None:
    headers = {"Origin": "https://evil.example"}
    async with service.client.post("/api/instances", json={"process": "invoice_approval"}, headers=headers) as response:
        assert response.status == 403
    assert service.engine.summaries == []


async def test_a_name_that_points_here_from_outside_is_not_served(service: Service) -> None:
    async with service.client.get("/", headers={"Host": "rebound.example:8001"}) as response:
        assert response.status == 421


@pytest.mark.parametrize("path", ["/", "/nowhere", "/api/instances"])
async def test_pages_run_nothing_that_is_not_theirs(service: Service, path: str) -> None:
    async with service.client.get(path) as response:
        policy = response.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_button_leads_to_what_the_customer_sees(service: Service, wfpush: Recorder) -> None:
    started = await service.start()
    status, page = await service.press(f"/instances/{started['id']}/customer")
    assert (status, "Show what Acme GmbH sees" in (await service.page(f"/instances/{started['id']}"))) == (200, True)
    assert "The page of Acme GmbH" in page
    assert 'href="https://wfpush.example/link/acme"' in page

    wfpush.away = problem(503, "unavailable", "Not now.")
    status, page = await service.press(f"/instances/{started['id']}/customer")
    assert (status, "wfpush says 503: Not now." in page) == (503, True)
