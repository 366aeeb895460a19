"""Flow 8, as far as live and e-mail go: an urgent approval is answered with its token, without opening the app."""

import json
import re

from notifications.models import Route
from tests.support.world import World


def test_an_approval_with_the_messages_token_moves_the_process_on(world: World) -> None:
    Route.objects.filter(name="Tasks").update(answer_from_email=True)
    world.send(
        "task.assigned",
        {"task": {"id": "T-42", "name": "Approve invoice 4711", "priority": "urgent", "assignee": "bob"}},
    )
    token = token_in(world.mail_to("bob"))
    said = respond(world, token, "approve")
    assert said[0] == 201 and said[1]["engine"] == "waiting"
    world.run()
    assert world.receiver.calls[0].data["action"] == "approve"
    assert respond(world, token, "approve")[0] == 200
    assert respond(world, token, "reject", "No")[1]["code"] == "already_answered"
    world.run()
    assert len(world.receiver.calls) == 1


def test_where_the_route_allows_it_the_mails_page_takes_the_final_answer(world: World) -> None:
    Route.objects.filter(name="Tasks").update(answer_from_email=True)
    world.send("task.assigned", {"task": {"id": "T-42", "name": "Approve invoice 4711", "assignee": "bob"}})
    world.client.post(f"/a/{token_in(world.mail_to('bob'))}", {"action": "approve"}, follow=True)
    world.run()
    assert world.receiver.calls[0].data["action"] == "approve"


def token_in(text: str) -> str:
    found = re.search(r"/a/(wfa_[\w-]+)", text)
    assert found is not None
    return found[1]


def respond(world: World, token: str, action: str, comment: str = "") -> tuple[int, dict[str, object]]:
    body = {"token": token, "action": action, "comment": comment}
    answer = world.client.post("/api/v1/responses", json.dumps(body), content_type="application/json")
    return answer.status_code, json.loads(answer.content)
