from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.inbox.cards import WAITING_SHOWN, buttons, card, listing
from notifications.models import Recipient
from notifications.types import Action
from tests.factories import DECISIONS, NotificationFactory, RecipientFactory, TaskFactory

pytestmark = pytest.mark.django_db


def test_what_needs_an_answer_stands_in_the_order_of_its_need() -> None:
    bob, now = RecipientFactory(ref="bob"), timezone.now()
    for title, priority, due in [
        ("whenever", "normal", None),
        ("in an hour", "normal", now + timedelta(hours=1)),
        ("long ago", "normal", now - timedelta(days=1)),
        ("unimportant", "low", now - timedelta(days=9)),
        ("at once", "urgent", None),
        ("important", "high", now + timedelta(days=30)),
    ]:
        NotificationFactory(recipient=bob, title=title, priority=priority, due_at=due)

    titles = [each.notification.title for each in listing(bob, now).waiting.cards]

    assert titles == ["at once", "important", "long ago", "in an hour", "whenever", "unimportant"]


def test_updates_are_newest_first_and_what_is_over_is_done() -> None:
    bob, now = RecipientFactory(ref="bob"), timezone.now()
    NotificationFactory(recipient=bob, task=None, title="received", created_at=now - timedelta(hours=2))
    NotificationFactory(recipient=bob, task=None, title="under review", created_at=now - timedelta(hours=1))
    for state in ("answered", "withdrawn", "expired"):
        NotificationFactory(recipient=bob, state=state, title=state)

    found = listing(bob, now)

    assert [each.notification.title for each in found.updates] == ["under review", "received"]
    assert [each.notification.title for each in found.done] == ["expired", "withdrawn", "answered"]
    assert found.waiting.cards == []


def test_somebody_elses_items_are_nowhere() -> None:
    NotificationFactory(recipient=RecipientFactory(ref="carol"))

    found = listing(RecipientFactory(ref="bob"), timezone.now())

    assert (found.waiting.count, found.unread, found.seq) == (0, 0, 0)


def test_a_long_list_says_how_much_more_there_is() -> None:
    bob = RecipientFactory(ref="bob")
    task = TaskFactory()
    for _ in range(WAITING_SHOWN + 3):
        NotificationFactory(recipient=bob, task=TaskFactory(engine=task.engine, case=task.case))

    found = listing(bob, timezone.now()).waiting

    assert (len(found.cards), found.more, found.count) == (WAITING_SHOWN, 3, WAITING_SHOWN + 3)
    assert listing(bob, timezone.now(), everything=True).waiting.more == 0


def test_the_list_asks_the_database_the_same_few_questions_however_long_it_is(
    django_assert_max_num_queries: object,
) -> None:
    bob = RecipientFactory(ref="bob")

    def asked() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            found = listing(Recipient.objects.select_related("brand").get(pk=bob.pk), timezone.now())
            assert all(each.notification.task.state and each.notification.category.slug for each in found.waiting.cards)
        return len(queries)

    NotificationFactory(recipient=bob)
    few = asked()
    for _ in range(5):
        NotificationFactory(recipient=bob)

    assert asked() == few


def action(name: str, effect: str = "final", comment: str = "none") -> Action:
    return Action(name, name.title(), effect, comment)  # type: ignore[arg-type]


def test_one_button_stands_out_and_it_is_the_one_that_moves_the_work_on() -> None:
    found = buttons([Action.from_json(each) for each in DECISIONS])

    assert [each.label for each in found] == ["Approve", "Reject…", "Ask for information…", "Acknowledge"]
    assert [each.primary for each in found] == [True, False, False, False]


def test_taking_away_is_never_what_stands_out() -> None:
    only_reject = buttons([action("reject"), action("acknowledge", "acknowledge")])

    assert [(each.action.name, each.primary) for each in only_reject] == [("acknowledge", True), ("reject", False)]
    assert [each.primary for each in buttons([action("reject"), action("delete")])] == [False, False]


def test_who_has_acknowledged_is_not_asked_to_do_so_again() -> None:
    bob, carol = RecipientFactory(ref="bob"), RecipientFactory(ref="carol")
    said = {"action": "acknowledge", "by": bob.as_person(), "at": timezone.now().isoformat(), "engine": "delivered"}
    task = TaskFactory(state="acknowledged", outcome=said)

    names = {
        person.ref: [each.action.name for each in card(copy, person, timezone.now()).buttons]
        for person in (bob, carol)
        for copy in [NotificationFactory(recipient=person, task=task, outcome=said)]
    }

    assert "acknowledge" not in names["bob"]
    assert "acknowledge" in names["carol"]


def test_a_card_says_for_whom_it_is_if_not_for_the_reader() -> None:
    bob, carol = RecipientFactory(ref="bob", name="Bob"), RecipientFactory(ref="carol")

    own, for_bob = (
        card(NotificationFactory(recipient=carol, on_behalf_of=who), carol, timezone.now()) for who in (None, bob)
    )

    assert (own.lines, for_bob.lines) == ([], ["for Bob"])
