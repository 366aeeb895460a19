"""The page of settings, as people without JavaScript see it: what Bob chooses is what the pipeline does."""

from datetime import UTC, datetime, time
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from notifications.models import (
    Case,
    Category,
    CategoryChoice,
    CategoryDefault,
    Delivery,
    Device,
    Engine,
    MutedCase,
    Preferences,
    QuietHours,
    Recipient,
    Team,
)
from tests.factories import BrandFactory, NotificationFactory, RecipientFactory
from tests.inbox.browser import Page, get, signed_in
from tests.inbox.test_devices_page import device_of
from tests.support.story import Story

EVENING = datetime(2026, 11, 27, 21, 40, tzinfo=UTC)  # a Friday; 22:40 in Berlin
pytestmark = pytest.mark.django_db


@pytest.fixture
def bob(story: Story) -> Recipient:
    Category.objects.update(channels=["live", "webpush", "email"])
    Recipient.objects.filter(ref="bob").update(timezone="Europe/Berlin")
    return Recipient.objects.get(ref="bob")


def settings_of(person: Recipient) -> Page:
    return get(signed_in(person), "/settings")


def box(category: Category, channel: str) -> str:
    return f"c{category.pk}-{channel}"


def test_the_page_says_what_would_happen_now_and_at_night(bob: Recipient) -> None:
    device_of(bob)
    QuietHours.objects.create(recipient=bob, days=list(range(7)), begins=time(23), ends=time(7))
    Category.objects.filter(slug="approvals").update(channels=["live", "email"])

    with time_machine.travel(EVENING, tick=False):
        told = settings_of(bob).part("outlook")
        assert told.startswith("How you are notified Now, Friday 22:40 An urgent task (")
        assert "An urgent task (Approvals and tasks) would come by e-mail." in told
        assert ") would ring Firefox on Linux." in told
        later = told.partition("In the next quiet hours, from Friday 23:00")[2]
        assert "An urgent task (Approvals and tasks) would come by e-mail." in later
        assert "An update (Approvals and tasks) would wait until 07:00, and then come by e-mail." in later
        assert "would wait until 07:00, and then ring Firefox on Linux." in later

    Device.objects.update(silent=True)
    Category.objects.update(channels=["live", "webpush", "email"])
    with time_machine.travel(datetime(2026, 11, 28, 5, tzinfo=UTC), tick=False):
        told = settings_of(bob).part("outlook")
    assert "Now, Saturday 06:00 An urgent task would come without a sound on Firefox on Linux." in told
    assert "Any other task would wait until 07:00, and then come without a sound on Firefox on Linux." in told
    assert "After these quiet hours, from Saturday 07:00" in told
    Device.objects.all().delete()
    Recipient.objects.filter(pk=bob.pk).update(email="")
    assert "Everything would appear in your inbox only." in settings_of(bob).part("outlook")


def test_what_is_decided_when_it_is_sent_is_said_besides(story: Story, bob: Recipient) -> None:
    Category.objects.update(channels=["live", "email"])
    assert "At any time" not in settings_of(bob).part("outlook")
    story.assign()
    MutedCase.objects.create(recipient=bob, case=Case.objects.get())
    Preferences.objects.create(recipient=bob, most_an_hour=5)

    told = settings_of(bob).part("outlook").partition("At any time ")[2]

    assert told == (
        "At most 5 messages an hour would come by each channel; further ones would wait for a digest. Urgent tasks"
        " would not wait. An update about the 1 muted case would appear in your inbox only."
    )
    Category.objects.update(mandatory=["email"])
    assert "muted" not in settings_of(bob).part("outlook"), "of what nobody can do without they hear"


def test_what_bob_chooses_is_what_happens(story: Story, bob: Recipient) -> None:
    approvals = Category.objects.get(slug="approvals")
    page = settings_of(bob).press(
        "Add quiet hours", **{box(approvals, "email"): [], "q0-days": ["4"], "q0-from": "22:00", "q0-until": "07:00"}
    )
    assert "Not saved yet." in page.text and not QuietHours.objects.exists()
    page = page.press(
        "Save", **{"q1-days": ["5", "6"], "q1-from": "00:00", "q1-until": "00:00", "timezone": "asia/tokyo"}
    )

    assert "Saved." in page.text
    assert set(QuietHours.objects.values_list("begins", "ends")) == {(time(22), time(7)), (time(0), time(0))}
    assert CategoryChoice.objects.get().channels == {"email": False}
    bob.refresh_from_db()
    assert bob.timezone == "Asia/Tokyo"
    with time_machine.travel(datetime(2026, 11, 27, 13, 30, tzinfo=UTC), tick=False):  # Friday 22:30 in Tokyo
        story.assign()
        story.happen("case.status_changed", {"case": {"id": "1", "title": "A", "status": "x"}, "recipients": ["bob"]})
        reasons = {row.reason for row in Delivery.objects.filter(channel="email")}
    assert reasons == {"turned off by this person", "quiet hours until 2026-11-30 00:00 JST"}

    with time_machine.travel(datetime(2026, 11, 27, 13, 40, tzinfo=UTC), tick=False):
        page = settings_of(bob).press("Remove: Quiet hours 1").press("Remove: Quiet hours 1").press("Save")
        assert not QuietHours.objects.exists()
        row = Delivery.objects.get(channel="email", state="pending")
        assert (row.due_at, row.reason) == (timezone.now(), "")  # what was held back comes at once
    page = page.press("Restore defaults")
    assert "The defaults are restored." in page.text and not CategoryChoice.objects.exists()


def test_what_administrators_have_chosen_is_said_and_what_is_mandatory_is_locked(bob: Recipient) -> None:
    approvals, updates = Category.objects.filter(slug__in=["approvals", "case-updates"]).order_by("slug")
    Category.objects.filter(pk=updates.pk).update(mandatory=["email"], mandatory_reason="The law asks for it.")
    finance = Team.objects.get(slug="finance")
    CategoryDefault.objects.create(team=finance, category=approvals, channels={"email": False}, frequency="repeats")

    page = settings_of(bob)

    assert "off by default (team Finance)" in page.text
    assert "Default: the first at once, repeats in a digest (team Finance)" in page.text
    assert "Always on. The law asks for it." in page.text
    (locked,) = page.tree.xpath(f"//input[@name='{box(updates, 'email')}']")
    assert locked.get("checked") is not None and locked.get("disabled") is not None
    saved = page.press("Save", **{box(approvals, "email"): "on", box(updates, "email"): []})
    assert "Saved." in saved.text
    assert [(each.category, each.channels) for each in CategoryChoice.objects.all()] == [(approvals, {"email": True})]
    assert "No browser is registered. Turn on notifications in this browser" in page.text
    assert [each.get("type") for each in page.tree.xpath(f"//input[@name='{box(approvals, 'webpush')}']")] == ["hidden"]


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ({"q0-days": ["0"], "q0-from": "22:00"}, "Enter the end."),
        ({"q0-from": "22:00", "q0-until": "07:00"}, "Choose the days."),
        ({"q0-days": ["0"], "q0-from": "25:00", "q0-until": "07:00"}, "Enter a time such as 07:30."),
        (
            {"q0-days": ["0", "1", "2", "3", "4", "5", "6"], "q0-from": "00:00", "q0-until": "00:00"},
            "Leave at least one hour",
        ),
        ({"digest_times": "8:00, noon"}, "Enter a time such as 07:30."),
        ({"digest_times": ", ".join(f"{hour}:00" for hour in range(13))}, "Choose at most 12 times."),
        ({"repeat_pause": "4"}, "Enter a number of minutes from 5 to 1440."),
        ({"most_an_hour": "0"}, "Enter a number from 1 to 1000."),
        ({"timezone": "Middle Earth"}, "Choose a time zone from the list"),
        ({"language": "tlh"}, "Not saved. Correct"),
    ],
)
def test_what_cannot_stay_so_is_said_and_nothing_that_was_typed_is_lost(
    bob: Recipient, typed: dict[str, Any], fault: str
) -> None:
    page = settings_of(bob).press("Save", **{"most_an_hour": "7", **typed})

    assert page.status == 422 and fault in page.text and "Not saved. Correct" in page.text
    for name, value in typed.items():
        if name.endswith("-days"):
            ticked = page.tree.xpath(f"//input[@name='{name}' and @checked]")
            assert [each.get("value") for each in ticked] == value
        elif name != "language":
            assert page.tree.xpath(f"//input[@name='{name}']")[0].get("value") == value
    assert not Preferences.objects.exists() and not QuietHours.objects.exists()


def test_twenty_quiet_hours_fit_and_one_more_does_not(bob: Recipient) -> None:
    for hour in range(20):
        QuietHours.objects.create(recipient=bob, days=[hour % 7], begins=time(hour), ends=time(hour, 30))
    page = settings_of(bob)
    assert len(page.tree.xpath("//fieldset[@class='window']")) == 20
    assert "Saved." in page.press("Save").text
    more = page.press("Add quiet hours")
    refused = more.press("Save", **{"q20-days": ["1"], "q20-from": "22:00", "q20-until": "23:00"})
    assert refused.status == 422 and "Choose quiet hours at most 20 times." in refused.text
    twice = {"q1-days": ["0"], "q1-from": "00:00", "q1-until": "00:30"}
    assert "These quiet hours exist already." in page.press("Save", **twice).text
    assert QuietHours.objects.count() == 20


def test_many_of_everything_take_few_queries(bob: Recipient, django_assert_max_num_queries: Any) -> None:
    for number in range(3):
        Category.objects.create(
            slug=f"more-{number}", name=f"More {number}", channels=["live", "webpush", "email", "sms"]
        )
    for number in range(100):
        device_of(bob, f"Browser {number}")
    client = signed_in(bob)
    get(client, "/settings")  # the first request of a session notes where it is
    with django_assert_max_num_queries(28):
        page = get(client, "/settings")
    assert "Browser 0, Browser 1, Browser 2 and 97 more" in page.part("outlook")
    assert len(page.response.content) < 100_000


def test_another_language_speaks_at_once(bob: Recipient) -> None:
    client = signed_in(bob)
    get(client, "/settings").press("Français")
    bob.refresh_from_db()
    assert (get(client, "/settings").tree.get("lang"), bob.locale) == (
        "fr",
        "fr",
    )  # the foot of the page chooses the same
    page = get(client, "/settings").press("Enregistrer", language="de")

    assert "Gesichert." in page.text and page.title == "Einstellungen · wfpush"
    bob.refresh_from_db()
    assert bob.locale == "de"
    assert bob.history.first().history_user == bob.user


def test_dates_times_and_numbers_are_written_as_in_a_country_of_ones_language(bob: Recipient) -> None:
    late = datetime(2026, 11, 27, 16, 30, tzinfo=UTC)
    NotificationFactory(recipient=bob, due_at=late)
    with time_machine.travel(late, tick=False):
        page = settings_of(bob)
    shown = page.tree.xpath("//select[@name='variety']/option[@value='en-US']")[0].text
    assert shown.startswith("United States: November") and shown.endswith("M · 1,200.5")
    assert "Saved." in page.press("Save", variety="en-US", timezone="America/New_York").text

    bob.refresh_from_db()
    assert bob.locale == "en-US"
    assert settings_of(bob).tree.xpath("//select[@name='variety']/option[@selected]/@value") == ["en-US"]
    with time_machine.travel(datetime(2026, 11, 27, 12, tzinfo=UTC), tick=False):
        assert "today 11:30 AM" in get(signed_in(bob), "/").text
        assert "Now, Friday 7:00 AM" in settings_of(bob).part("outlook")
    page.press("Save", language="de")  # there is no American German
    bob.refresh_from_db()
    assert bob.locale == "de"


def test_a_locale_that_the_page_does_not_offer_stays_until_something_else_is_chosen(bob: Recipient) -> None:
    Recipient.objects.filter(pk=bob.pk).update(locale="it")
    page = settings_of(bob)
    page.press("Save")
    bob.refresh_from_db()
    assert bob.locale == "it"
    page.press("Save", variety="en-IE")
    bob.refresh_from_db()
    assert bob.locale == "en-IE"


def test_what_is_typed_is_told_before_it_is_saved(bob: Recipient) -> None:
    client = Client()
    client.force_login(bob.user)
    typed = {"rows": "1", "q0-days": ["4"], "q0-from": "22:00", "q0-until": "07:00", "repeat_pause": "60"}
    with time_machine.travel(EVENING, tick=False):
        told = client.post("/settings/outlook", {**typed, "language": "en", "timezone": "Europe/Berlin"})
        odd = client.post("/settings/outlook", {**typed, "language": "en", "repeat_pause": "never"})
    assert "Everything would appear in your inbox only." in told.content.decode()  # no check box is ticked
    assert odd.status_code == 204
    assert not QuietHours.objects.exists() and not Preferences.objects.exists()
    assert client.get("/settings/outlook").status_code == 405
    odd_rows = client.post("/settings", {**typed, "rows": "9" * 400, "language": "en"})
    assert odd_rows.status_code == 422


def test_customers_have_the_page_and_strangers_have_not(bob: Recipient, client: Client) -> None:
    assert client.get("/settings").headers["Location"].startswith("/sign-in")
    acme = BrandFactory(slug="acme", name="Acme")
    erin = RecipientFactory(ref="C-9", name="Erin", engine=Engine.objects.get(), brand=acme, email="erin@example.org")
    approvals = Category.objects.get(slug="approvals")
    CategoryDefault.objects.create(brand=acme, category=approvals, channels={"email": False})

    page = get(signed_in(erin), "/").follow("Settings")
    assert "off by default (Acme)" in page.text
    assert "An update (Approvals and tasks) would appear in your inbox only." in page.text
    assert "Customer updates" in page.text and "Field work" not in page.text  # which customers never get
    assert "Saved." in page.press("Save", **{box(approvals, "email"): "on"}).text
    assert CategoryChoice.objects.get().recipient == erin
