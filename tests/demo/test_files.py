"""Photos, signatures and other files that people send along: kept before the answer counts, and shown in the story."""

from aiohttp import web

from tests.demo.recorder import Recorder
from tests.demo.service import Json, Service, callback_body, described, message_body, signed

PHOTO, SIGNED = "0d6f1d3e-2f43-4a8e-9d0c-6f1f0a3b5c7e", "5b0c2a7e-8d34-4b6e-9a11-2f7f3c9d0e41"
CONTENT = {PHOTO: b"\xff\xd8\xff photo", SIGNED: b"\x89PNG signature"}
VALUES = {
    "photos": [described(PHOTO, "Ziegel Süd.jpg", "image/jpeg")],
    "signed": [described(SIGNED, "signature.png", "image/png")],
}


async def report(service: Service, task: str) -> tuple[int, Json]:
    body = callback_body(task, "report", comment="Two tiles are loose", variables=VALUES)
    return await service.call_back(body, signed(body, "r-1"))


async def test_photos_and_signature_of_a_report_are_kept_and_shown(service: Service, wfpush: Recorder) -> None:
    wfpush.files = dict(CONTENT)
    started = await service.start("site_inspection")
    assert await report(service, started["open_tasks"][0]) == (200, {"detail": "taken"})

    wfpush.files.clear()  # from here on they are the engine's own
    page = await service.page(f"/instances/{started['id']}")
    for file_id, name, kind in ((PHOTO, "Ziegel Süd.jpg", "image/jpeg"), (SIGNED, "signature.png", "image/png")):
        address = f"/instances/{started['id']}/files/{file_id}"
        assert f'<img src="{address}"' in page and f"<span>{name}</span>" in page
        async with service.client.get(address) as response:
            assert (response.status, response.content_type) == (200, kind)
            assert await response.read() == CONTENT[file_id]


async def test_whoever_reviews_the_report_finds_them_among_its_documents(service: Service, wfpush: Recorder) -> None:
    wfpush.files = dict(CONTENT)
    started = await service.start("site_inspection")
    await report(service, started["open_tasks"][0])
    events = (await service.instance(started["id"]))["events"]
    review = [event for event in events if event["type"] == "task.assigned"][-1]["data"]
    assert review["task"]["assignee"] == "carol"
    assert [document["title"] for document in review["documents"]][-2:] == [
        "Photo: Ziegel Süd.jpg",
        "Signature: signature.png",
    ]
    for document in review["documents"]:
        async with service.client.get(document["url"].removeprefix("http://127.0.0.1:8001")) as response:
            assert response.status == 200, document


async def test_an_answer_whose_files_cannot_be_read_counts_once_they_can(service: Service, wfpush: Recorder) -> None:
    wfpush.files = dict(CONTENT)
    started = await service.start("site_inspection")
    wfpush.away = web.Response(status=502)
    status, answer = await report(service, started["open_tasks"][0])
    assert status == 503 and answer["detail"].startswith("A file cannot be read: wfpush says 502")
    assert (await service.instance(started["id"]))["open_tasks"] == started["open_tasks"]

    wfpush.away = None
    assert (await report(service, started["open_tasks"][0]))[0] == 200


async def test_files_of_a_question_and_its_reply_stand_with_them(service: Service, wfpush: Recorder) -> None:
    wfpush.files = dict(CONTENT)
    started = await service.start()
    (task,) = started["open_tasks"]
    asks = callback_body(task, "request_info", comment="Is it this one?", asked="alice", attachments=VALUES["photos"])
    replies = message_body(task, "Yes, signed.", attachments=VALUES["signed"])
    assert (await service.call_back(asks, signed(asks, "r-1")))[0] == 200
    assert (await service.call_back(replies, signed(replies, "m-1")))[0] == 200
    story = (await service.instance(started["id"]))["history"]
    assert {entry["comment"]: [file["id"] for file in entry["files"]] for entry in story if entry["files"]} == {
        "Is it this one?": [PHOTO],
        "Yes, signed.": [SIGNED],
    }


async def test_a_file_is_served_with_its_own_instance_only(service: Service, wfpush: Recorder) -> None:
    wfpush.files = dict(CONTENT)
    started, other = await service.start("site_inspection"), await service.start("site_inspection")
    await report(service, started["open_tasks"][0])
    for path in (f"{other['id']}/files/{PHOTO}", f"{started['id']}/files/{PHOTO[:-1]}0", f"{started['id']}/files/lock"):
        async with service.client.get(f"/instances/{path}") as response:
            assert response.status == 404, path
