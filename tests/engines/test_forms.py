"""The form of a task comes with it from its engine, as one of ours."""

from notifications.forms.engine_forms import translated
from notifications.forms.fields import form_of
from notifications.intake import mapping
from tests.engines.world import World, kinds
from tests.notifications.forms.engine_forms import CAMUNDA, FLOWABLE


@kinds("flowable", "camunda7", "camunda8")
async def test_a_task_that_has_a_form_brings_it_along(world: World) -> None:
    task, plain = world.open(assignee="bob"), world.open(assignee="bob")
    task.form = FLOWABLE if world.kind.name == "flowable" else CAMUNDA
    listing = world.kind.connector.listing
    rows = await rows_of(world)
    for row in rows:
        await listing.add_form(world.api, row)

    said = {
        row[listing.id]: mapping.translate(list(world.kind.connector.preset.items()), row, source="x") for row in rows
    }
    form = form_of({"task": {"form": translated(said[task.id]["data"]["task"]["form"], {})}})
    assert form is not None and {"amount", "account"} <= set(form.names)
    assert "form" not in said[plain.id]["data"]["task"]


@kinds("flowable", "camunda7", "camunda8")
async def test_a_form_that_the_engine_does_not_give_keeps_no_task_back(world: World) -> None:
    world.open(assignee="bob")
    (row,) = await rows_of(world)
    row |= {"formKey": "gone", "camundaFormRef": {"key": "gone"}, world.kind.connector.listing.id: "2251799813685"}

    await world.kind.connector.listing.add_form(world.api, row, or_name=False)
    assert "form" not in row
    await world.kind.connector.listing.add_form(world.api, row)

    form = form_of({"task": {"form": row["form"]}})
    assert form is not None and [each.words("en") for each in form.unshown] == ["gone (form)"]


async def rows_of(world: World) -> list[dict[str, object]]:
    """The open tasks, read one by one: lists are tried in tests/notifications/engines/test_poll.py."""
    paths = {"flowable": "/runtime/tasks", "camunda7": "/task", "camunda8": "/user-tasks"}
    found = []
    for task in world.engine.book.tasks.values():
        reply = await world.api.call("GET", f"{paths[world.kind.name]}/{task.id}")
        found.append(reply.object)
    return found
