"""Items drawn at random: card, item, mail, lock screen and API show every key fact that they may show, and none of
another's item; lock screens show none that is sensitive."""

import html
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from itertools import count
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from hypothesis import given
from hypothesis import strategies as some

from notifications.channels import payload
from notifications.channels.appworks import transport as appworks
from notifications.channels.email.transport import mail_of
from notifications.channels.sms.alphabet import plain
from notifications.channels.sms.transport import text_of
from notifications.items.inbox_json import inbox_json
from notifications.models import EventVariable, FactKind, Notification, Recipient, Template, TemplateVersion
from notifications.types import Json, PushMessage
from notifications.wording.key_facts import facts_of
from notifications.wording.message import message_of
from tests.support.length import examples
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.soak]

ODD = ["<b>", "&amp;", '"', "\u202e", "\n", "Ü", "漢字", "مرحبا", "😀", "{{ x }}", " · ", "€", "x" * 300]
TOKENS = count(1)
LINK = "https://push.example/a/wfa_x"


@dataclass
class Fact:
    kind: str
    value: Any
    sensitive: bool
    in_title: bool


def token() -> str:
    """A word that no other fact has."""
    return f"tok{next(TOKENS)}en"


VALUES: dict[str, some.SearchStrategy[Any]] = {
    "text": some.lists(some.sampled_from(ODD), max_size=3).map(lambda odd: token() + " ".join(odd)),
    "person": some.sampled_from(["name", "ref"]).map(lambda member: {member: token()}),
    "money": some.integers(1, 10**12).map(lambda cents: cents / 100) | some.just("a lot"),
    "number": some.integers(0, 10**9),
    "date": some.dates(datetime(2000, 1, 1).date(), datetime(2100, 1, 1).date()).map(str),
    "datetime": some.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: f"{at.isoformat()}Z"),
}


@some.composite
def facts(draw: some.DrawFn) -> list[Fact]:
    kinds = draw(some.lists(some.sampled_from(FactKind.values), min_size=1, max_size=6))
    return [Fact(kind, draw(VALUES[kind]), draw(some.booleans()), draw(some.booleans())) for kind in kinds]


ITEMS = some.lists(some.tuples(some.sampled_from(["bob", "carol"]), facts()), min_size=2, max_size=3)
READERS = some.tuples(
    some.sampled_from(["en", "de", "de-AT", "fr"]), some.sampled_from(["UTC", "Europe/Berlin", "America/New_York"])
)


@pytest.fixture
def story() -> Iterator[Story]:
    yield Story.begin()
    client_of.cache_clear()


@examples(200, 6, shrinks=False)
@given(items=ITEMS, reader=READERS)
def test_every_fact_is_shown_where_it_may_be(story: Story, items: list[tuple[str, list[Fact]]], reader: Any) -> None:
    Notification.objects.all().delete()
    Recipient.objects.filter(ref__in=["bob", "carol"]).update(locale=reader[0], timezone=reader[1])
    version = Template.objects.get(slug="task").versions.get(state="published")
    copies = [sent(story, version, number, who, named) for number, (who, named) in enumerate(items)]

    for copy, named in copies:
        others = {word for other, _ in copies if other.pk != copy.pk for word in words_of(other)}
        written = facts_of(copy)
        assert len(written) == len(named)
        for place, shown in readable(copy):
            for each in written:
                assert each.text in shown, f"{place} does not show {each}"
            assert not {word for word in others if word in shown}, place
        hidden = [each.text for each in written if each.fact.sensitive and "tok" in each.text]
        for place, shown in of_everybody(copy):
            for each in written:
                assert each.fact.sensitive or parts(shown, each.text), (place, each)
            assert not [text for text in hidden if parts(shown, text)], place
            assert not {word for word in others if word in shown}, place


def sent(story: Story, version: TemplateVersion, number: int, who: str, named: list[Fact]) -> tuple[Notification, Any]:
    """A task of that person arrives, whose template names these facts."""
    version.facts.all().delete()
    EventVariable.objects.filter(path__startswith="variables.drawn").delete()
    assigned = EventVariable.objects.filter(event_type__name="task.assigned")[:1].get().event_type
    variables: Json = {"currency": "EUR"}
    for at, fact in enumerate(named):
        variables[f"drawn{at}"] = fact.value
        version.facts.create(position=at, path=f"variables.drawn{at}", kind=fact.kind, labels={"en": f"Label {at}"})
        assigned.variables.create(path=f"variables.drawn{at}", sensitive=fact.sensitive)
    in_title = [fact.value for fact in named if fact.in_title and not fact.sensitive and isinstance(fact.value, str)]
    task = {"id": f"T-{uuid4()}", "name": f"Approve {next(iter(in_title), number)}"[:150], "assignee": who}
    story.happen("task.assigned", {"task": task, "variables": variables})
    copy = story.copy(Recipient.objects.get(ref=who), task["id"])
    return Notification.objects.select_related("recipient", "task__engine", "category").get(pk=copy.pk), named


@cache
def client_of(person: Recipient) -> Client:
    client = Client()
    client.force_login(person.user)
    return client


def words_of(copy: Notification) -> set[str]:
    return {word for each in facts_of(copy) for word in re.findall(r"tok\d+en", each.text)}


# --- where facts are shown ------------------------------------------------------------------------------------------
def readable(copy: Notification) -> Iterator[tuple[str, str]]:
    """What only the person reads."""
    client = client_of(copy.recipient)
    page = client.get("/").content.decode()
    (row,) = re.findall(rf'(?s)<li class="row"[^>]* id="n-{copy.pk}".*?</li>', page)
    yield "row", html.unescape(row)
    item = client.get(f"/n/{copy.pk}").content.decode()
    yield "item", html.unescape(re.findall(r"(?s)<article.*?</article>", item)[0])
    mail = mail_of("bob@example.org", message_of(copy), uuid4(), LINK)
    yield "mail", str(mail.body)
    yield "mail as HTML", html.unescape(str(mail.alternatives[0].content))
    told = inbox_json(copy)
    yield "API", "\n".join(each["text"] for each in told["key_facts"])
    yield "glance", f"{told['glance']['first']}\n{told['glance']['others']}"


def of_everybody(copy: Notification) -> Iterator[tuple[str, str]]:
    """What lock screens show."""
    message = message_of(copy, with_facts=False)
    push = PushMessage(
        kind="message", message=message, tag="t", link=LINK, token="", ttl=60, at=datetime.now(UTC), state="open",
        unread=1, device="d",
    )  # fmt: skip
    said = payload.declared(payload.members(push))
    yield "push", f"{said['title']}\n{said['body']}"
    yield "text message", text_of(message, LINK, 100)
    form: Json = appworks.members(message, uuid4(), LINK)
    if len(message.on_lock_screens) < appworks.MAX_BODY and len(message.title) < appworks.MAX_HEADER:
        yield "AppWorks", f"{form['header']}\n{form['body']}"
    assert json.loads(json.dumps(said))["notification"]["body"].startswith(said["body"][:150].rstrip())


def parts(shown: str, text: str) -> set[str]:
    """The text as it is shown: typography is simpler in text messages."""
    return {each for each in (text, plain(text)) if each in shown}
