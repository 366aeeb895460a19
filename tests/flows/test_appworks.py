"""Bob keeps OpenText's app: its gateway carries what asks him something, and the mail goes where that cannot."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from ipaddress import ip_network
from urllib.parse import urlsplit

import pytest
import time_machine
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from escalations.forecast.dead_ends import dead_ends
from notifications.channel_facts import channels_from_start
from notifications.channels.appworks.facts import KEY_REFUSED
from notifications.models import ActionToken, Category, Recipient, Route, TemplateText
from tests.admin.pages import adding, filled, text_of
from tests.flows.channels import channels, only_bob_is_told, told
from tests.flows.test_1_task_alert import INVOICE
from tests.support.appworks_gateway import KEY, Answer, FakeGateway, gateway_on_loopback
from tests.support.doctor import doctor
from tests.support.world import World


@pytest.fixture
def gateway(settings: Settings) -> Iterator[FakeGateway]:
    settings.OUTBOUND_ALLOWED_CIDRS = [ip_network("127.0.0.0/8")]
    with gateway_on_loopback() as started:
        settings.APPWORKS_GATEWAY = started.settings()
        yield started


@pytest.fixture
def chosen(world: World) -> World:
    """Administrators put the gateway before the mail."""
    channels("appworks", "email")
    return world


# --- what arrives -----------------------------------------------------------------------------------------------------
def test_bob_hears_once_and_the_trace_says_so(chosen: World, gateway: FakeGateway) -> None:
    trace = chosen.send("task.assigned", INVOICE)
    chosen.run()

    ((user, said),) = gateway.taken
    delivery = next(each for each in chosen.get(trace)["deliveries"] if each["channel"] == "appworks")
    assert (user, said["id"]) == ("bob", delivery["id"])
    assert "Approve invoice 4711" in said["header"]
    assert (said["task"], said["case"], said["priority"], said["category"]) == ("T-42", "4711", "urgent", "approvals")
    assert told(chosen, trace) == {
        "live": ("delivered", None),
        "appworks": ("delivered", None),
        "email": ("suppressed", "Reached in another way"),
    }
    assert (delivery["to"], len(delivery["attempts"])) == ("bob", 1)
    assert mail.outbox == []


def test_the_link_opens_the_page_and_an_answer_needs_bob_to_be_signed_in(chosen: World, gateway: FakeGateway) -> None:
    Route.objects.update(answer_from_email=True)  # says nothing of links that go elsewhere
    chosen.send("task.assigned", INVOICE)
    path = urlsplit(gateway.taken[0][1]["link"]).path

    page = Client().get(path)
    assert page.status_code == 200 and b"Approve invoice 4711" in page.content
    Client().post(path, {"action": "acknowledge"})
    Client().post(path, {"action": "approve"})
    assert chosen.get("/api/v1/tasks/T-42")["state"] == "open"
    assert ActionToken.objects.get().actions == []

    bob = chosen.signed_in("bob")
    item = urlsplit(bob.get(path)["Location"]).path
    bob.post(f"{item}/answer", {"action": "approve"})
    chosen.run()
    assert [call.data["via"] for call in chosen.receiver.calls] == ["inbox"]


def test_the_channel_may_have_words_of_its_own_and_never_says_the_long_body(
    chosen: World, gateway: FakeGateway
) -> None:
    route = Route.objects.get(name="Tasks")
    version = route.template.versions.get()
    words = {"title": "Invoice: {{ task.name }}", "body": "The long body", "short_body": "Shortly"}
    TemplateText.objects.create(version=version, language="en", channel="appworks", **words)
    chosen.send("task.assigned", INVOICE)

    said = gateway.taken[0][1]
    assert (said["header"], said["body"]) == ("Invoice: Approve invoice 4711", "€1,200.50\nShortly")


# --- where it cannot go -----------------------------------------------------------------------------------------------
def test_without_a_gateway_the_mail_goes_at_once_and_the_trace_says_why(chosen: World, settings: Settings) -> None:
    settings.APPWORKS_GATEWAY = None
    trace = chosen.send("task.assigned", INVOICE)

    assert told(chosen, trace) == {
        "live": ("delivered", None),
        "appworks": ("suppressed", "No AppWorks Gateway is set up."),
        "email": ("delivered", None),
    }


def test_a_gateway_that_was_taken_away_meanwhile_leaves_it_to_the_mail(
    chosen: World, gateway: FakeGateway, settings: Settings
) -> None:
    gateway.answers = [Answer(503)]
    trace = chosen.send("task.assigned", INVOICE)
    assert told(chosen, trace)["appworks"][0] == "pending"

    settings.APPWORKS_GATEWAY = None
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        chosen.run()
    assert told(chosen, trace)["appworks"] == ("dead", "No AppWorks Gateway is set up any more.")
    assert told(chosen, trace)["email"][0] == "delivered"


def test_a_refused_key_leaves_it_to_the_mail_at_once(chosen: World, gateway: FakeGateway) -> None:
    gateway.answers = [Answer(401, f"No server has {KEY}")]
    trace = chosen.send("task.assigned", INVOICE)
    chosen.run()

    state, reason = told(chosen, trace)["appworks"]
    assert (state, reason) == ("dead", str(KEY_REFUSED(words="401 No server has ***")))
    assert told(chosen, trace)["email"][0] == "delivered"
    assert KEY not in str(chosen.get(trace))


def test_where_no_other_channel_follows_messages_wait_for_the_key_and_the_doctor_says_so(
    world: World, gateway: FakeGateway
) -> None:
    channels("appworks")
    gateway.answers = [Answer(403)]
    trace = world.send("task.assigned", INVOICE)
    assert told(world, trace)["appworks"] == ("pending", str(KEY_REFUSED(words="403")))
    assert "1 messages wait because the AppWorks Gateway refuses us: look at APPWORKS_GATEWAY_KEY." in doctor()

    gateway.answers = []
    with time_machine.travel(timezone.now() + timedelta(minutes=1), tick=False):
        world.run()
    assert told(world, trace)["appworks"] == ("delivered", None)
    assert len(gateway.taken) == 1
    assert "AppWorks" not in doctor().partition("fault")[2]


def test_a_gateway_that_does_not_work_for_an_hour_leaves_it_to_the_mail(chosen: World, gateway: FakeGateway) -> None:
    gateway.answers = [Answer(503, "Down for maintenance")]
    trace = chosen.send("task.assigned", INVOICE)
    began = timezone.now()
    for minutes in range(0, 60, 6):
        with time_machine.travel(began + timedelta(minutes=minutes), tick=False):
            chosen.run()
    state, reason = told(chosen, trace)["appworks"]
    assert (state, mail.outbox) == ("pending", [])
    assert reason and reason.startswith("The AppWorks Gateway does not work")

    for minutes in (66, 72):
        with time_machine.travel(began + timedelta(minutes=minutes), tick=False):
            chosen.run()
    assert told(chosen, trace)["appworks"][0] == "dead"
    assert told(chosen, trace)["email"][0] == "delivered"


def test_a_wait_of_hours_is_not_waited_for_where_the_mail_follows(chosen: World, gateway: FakeGateway) -> None:
    gateway.answers = [Answer(429, headers={"Retry-After": "7200"})]
    trace = chosen.send("task.assigned", INVOICE)
    chosen.run()

    assert told(chosen, trace)["email"][0] == "delivered"


def test_a_message_that_it_does_not_take_leaves_it_to_the_mail(chosen: World, gateway: FakeGateway) -> None:
    gateway.answers = [Answer(400, "Unknown user")]
    trace = chosen.send("task.assigned", INVOICE)
    chosen.run()

    assert told(chosen, trace)["appworks"] == (
        "dead",
        "The AppWorks Gateway refuses the message: 400 Unknown user",
    )
    assert told(chosen, trace)["email"][0] == "delivered"


def test_a_customer_with_bobs_name_is_told_by_mail_and_bob_hears_nothing(chosen: World, gateway: FakeGateway) -> None:
    Recipient.objects.filter(ref="bob").update(ref="robert", active=False)
    customer = {"ref": "bob", "name": "Bob Buyer", "email": "bob@customer.example"}
    trace = chosen.send("request.status_changed", {"case": {"id": "4711", "status": "Shipped"}, "customer": customer})

    assert Recipient.objects.get(ref="bob").external
    assert told(chosen, trace)["appworks"] == ("suppressed", "No user name at the AppWorks Gateway is known.")
    assert [each.to for each in mail.outbox] == [["bob@customer.example"]]
    assert gateway.asked == []


def test_secrets_are_in_no_log(chosen: World, gateway: FakeGateway, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    gateway.answers = [Answer(403, KEY), Answer(500, KEY), Answer(200, KEY)]
    for task_id in ("T-1", "T-2", "T-3"):
        chosen.send("task.assigned", {"task": {**INVOICE["task"], "id": task_id}})

    assert "appworks_key_refused" in caplog.text
    assert KEY not in caplog.text and KEY[:4] not in caplog.text
    assert b"key=5f3c" in gateway.asked[0]


# --- what administrators see ------------------------------------------------------------------------------------------


def test_nobody_is_reached_by_it_who_did_not_choose_it(world: World, settings: Settings) -> None:
    root = Client()
    call_command("create_person", "root", staff=True, password="a long walk", stdout=StringIO())
    assert root.post("/sign-in", {"username": "root", "password": "a long walk"}).status_code == 302

    assert not Category.objects.filter(channels__contains=["appworks"]).exists()
    assert "appworks" not in (*Category().channels, *channels_from_start())
    form = root.get(adding(Category))
    assert filled(form)["channels"] == "live, webpush, fcm, email"
    assert "Known: live, webpush, fcm, email, appworks." in text_of(form)


def test_who_has_the_app_alone_is_no_dead_end(world: World, gateway: FakeGateway, settings: Settings) -> None:
    channels("appworks")
    only_bob_is_told()
    assert dead_ends(timezone.now()) == []

    settings.APPWORKS_GATEWAY = None
    assert [str(line.why) for line in dead_ends(timezone.now())] == [
        "Bob would see it in the inbox only: no device and no e-mail"
    ]


def test_the_doctor_says_where_a_gateway_is_counted_on_or_cannot_be_called(
    chosen: World, gateway: FakeGateway, settings: Settings
) -> None:
    assert f"AppWorks Gateway: {gateway.url}\n" in doctor()
    assert KEY not in doctor()

    settings.OUTBOUND_ALLOWED_CIDRS = []
    assert "APPWORKS_GATEWAY_URL: 127.0.0.1 is a loopback address. wfpush does not call it unless" in doctor()

    settings.APPWORKS_GATEWAY = None
    assert "appworks is among the channels of Approvals" in doctor()
    assert "set APPWORKS_GATEWAY_URL and APPWORKS_GATEWAY_KEY, or take it out." in doctor()
    channels("email")
    assert "AppWorks" not in doctor() and "appworks" not in doctor()
