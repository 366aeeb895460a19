"""Flow 5, as far as live and e-mail go: an assignment reaches Bob on the road with place, customer and documents."""

from tests.support.world import World

VISIT = {
    "task": {
        "id": "V-7",
        "name": "Inspect the roof",
        "kind": "field",
        "assignee": "bob",
        "actions": ["acknowledge", "complete"],
    },
    "location": {"address": "Main St 5, 80331 München", "lat": 48.1, "lon": 11.6},
    "customer": {"ref": "C-9", "name": "Frau Huber", "phone": "+49 89 123456"},
    "documents": [{"title": "Floor plan", "url": "https://files.example/plan.pdf"}],
}


def test_bob_sees_where_to_go_whom_to_call_and_what_to_read(world: World) -> None:
    world.send("task.assigned", VISIT)
    (item,) = world.inbox("bob")
    assert item["location"]["address"].startswith("Main St 5")
    assert item["customer"]["phone"] == "+49 89 123456"
    assert item["documents"] == [{"title": "Floor plan", "url": "https://files.example/plan.pdf"}]
    page = world.signed_in("bob").get(f"/n/{item['id']}").content.decode()
    assert 'href="tel:+4989123456"' in page or 'href="tel:+49 89 123456"' in page
    assert "Floor plan" in page and "Main St 5" in page
    assert "Main St 5" in world.mail_to("bob")


def test_he_acknowledges_and_completes_it_and_the_engine_hears_both_in_order(world: World) -> None:
    world.send("task.assigned", VISIT)
    world.respond("bob", "acknowledge")
    world.respond("bob", "complete")
    assert [call.data["action"] for call in world.receiver.calls] == ["acknowledge", "complete"]
    assert world.inbox("bob")[0]["outcome"]["engine"] == "delivered"
