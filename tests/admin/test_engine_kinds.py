"""An engine kind is its class: what is registered is seen wherever kinds are chosen, called, shown and asked."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client

from notifications.connectors import CONNECTORS, readable
from notifications.connectors.api import Api, unexpected
from notifications.connectors.base import Result
from notifications.connectors.instructions import Instruction
from notifications.connectors.listing import Query
from notifications.connectors.rest import RestConnector
from notifications.intake import mapping
from notifications.models import Engine, EngineAccess
from tests.admin.pages import adding, filled, form_at, list_of, page_of, text_of

ADDRESS = "https://board.acme.example/rest"
TOKENS = "https://board.acme.example/token"


class Kanban(RestConnector):
    """A kind that nobody but this test knows."""

    kind = "kanban"
    label = "Kanban Board"
    preset = {
        "id": "card",
        "type": "'task.assigned'",
        "data.task.id": "card",
        "data.task.name": "title",
        "data.task.assignee": "owner",
    }
    address_example = "https://host/board"
    task_example = "CARD-7"
    token_example = "https://host/board/token"
    sign_ins = ("none", "oauth2")
    listing = Query("/cards", {}, size="count", since="since")

    async def complete(self, api: Api, said: Instruction) -> Result:
        reply = await api.call("POST", f"/cards/{said.task}/done", said.all_variables)
        if not reply.ok:
            raise unexpected(reply)
        return Result("done", reply.status)


@pytest.fixture(autouse=True)
def kanban(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CONNECTORS, Kanban.kind, Kanban())


@pytest.fixture
def board(db: None) -> Engine:
    return Engine.objects.create(slug="board", name="Board", kind="kanban", callback_url=ADDRESS)


def test_the_desk_offers_it_with_its_examples(root: Client, board: Engine) -> None:
    page = text_of(root.get(page_of(board)))
    assert "Its root, such as https://host/board." in page
    assert "Such as https://host/board/token." in page
    assert "Kanban Board" in text_of(root.get(adding(Engine)))
    assert "Kanban Board" in text_of(root.get(list_of(Engine)))


def test_only_its_own_sign_ins_are_taken(root: Client, board: Engine) -> None:
    fields = filled(form_at(root, page_of(board)))
    basic = {"access-0-auth": "basic", "access-0-name": "rest", "access-0-new_secret": "geheim-1"}
    refused = text_of(root.post(page_of(board), fields | basic))
    assert "Kanban Board does not take this way of signing in." in refused
    assert not EngineAccess.objects.exists()
    token = {"access-0-auth": "oauth2", "access-0-name": "c", "access-0-new_secret": "s", "access-0-token_url": TOKENS}
    root.post(page_of(board), fields | token)
    assert EngineAccess.objects.get().auth == "oauth2"


def test_its_preset_is_loaded_on_the_desk(root: Client, board: Engine) -> None:
    said = root.post(page_of(board, "try_mapping"), {"preset": "kanban"}, follow=True)
    assert "is now the preset for Kanban Board" in text_of(said)
    event = mapping.read(board, {"card": "CARD-1", "title": "Inspect", "owner": "bob"})
    assert (event.id, event.data["task"]["assignee"]) == ("CARD-1", "bob")


def test_what_it_would_be_sent_is_shown_by_its_own_code(root: Client, board: Engine) -> None:
    assert f"POST {ADDRESS}/cards/CARD-7/done" in text_of(root.get(page_of(board, "what_would_be_sent")))


def test_a_command_makes_an_engine_of_it(db: None) -> None:
    out = StringIO()
    call_command("create_engine", "second", kind="kanban", stdout=out)
    assert Engine.objects.get(slug="second").kind == "kanban"
    assert json.loads(out.getvalue())["slug"] == "second"


@pytest.mark.parametrize("kind", [kind for kind in CONNECTORS if kind in readable()])
def test_every_kind_with_a_rest_interface_has_what_a_first_user_needs(kind: str) -> None:
    connector = CONNECTORS[kind]
    assert isinstance(connector, RestConnector)
    assert connector.preset, "its open tasks could not be read"
    assert connector.address_example != RestConnector.address_example
    assert connector.sign_ins
