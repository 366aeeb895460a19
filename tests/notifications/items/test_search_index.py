"""What is gathered of people with very many items: searches find in it what they would find in the items."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from notifications.inbox import search
from notifications.items import search_index
from notifications.models import Case, Notification, Recipient, SearchedAnew, SearchedPart, Task
from tests.factories import CaseFactory, NotificationFactory, RecipientFactory, TaskFactory
from tests.support.story import Story

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def gathered_from_the_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "GATHERED_FROM", 1)


@pytest.fixture
def bob() -> Recipient:
    """Whose items are gathered: one that Alice has begun, one that is his for Dave."""
    bob, alice = RecipientFactory(ref="bob"), RecipientFactory(ref="alice", name="Alicia")
    case = CaseFactory(title="Purchase of vases")
    vases = TaskFactory(case=case, engine=case.engine, initiator=alice)
    NotificationFactory(recipient=bob, task=vases, title="Approve vases")
    roof = TaskFactory()
    NotificationFactory(recipient=bob, task=roof, title="Visit the roof", on_behalf_of=RecipientFactory(ref="dave"))
    search_index.gather()
    return bob


def found(bob: Recipient, words: str, start: int = 0, end: int = 50) -> list[str]:
    rows = Notification.objects.filter(recipient=bob).order_by("created_at", "id")
    titles = dict(rows.values_list("pk", "title"))
    return [titles[key] for key in search.matching_keys(rows, words, "en", bob, start, end)]


def texts() -> str:
    return "\n".join(text for part in SearchedPart.objects.all() for text in part.texts)


def changed(bob: Recipient, title: str, /, **fields: str) -> None:
    """As everything that changes an item: it gets the next number of its inbox."""
    bob.inbox_seq += 1
    bob.save(update_fields=["inbox_seq"])
    Notification.objects.filter(recipient=bob, title=title).update(seq=bob.inbox_seq, **fields)


def test_items_without_the_words_are_not_read(bob: Recipient) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert found(bob, "nowhere") == []
    assert "'{}'::uuid[]" in asked.captured_queries[-1]["sql"]


def test_only_items_that_may_have_changed_are_read_through(bob: Recipient) -> None:
    changed(bob, "Visit the roof", body="With the vases.")
    with CaptureQueriesContext(connection) as asked:
        assert found(bob, "vases") == ["Approve vases", "Visit the roof"]
    reading = [query["sql"] for query in asked.captured_queries if "$.key_facts" in query["sql"]]
    assert len(reading) == 1
    assert f"'{{{Notification.objects.get(title='Visit the roof').pk.hex}}}'::uuid[]" in reading[0]


def test_new_and_changed_items_are_found_at_once(bob: Recipient) -> None:
    NotificationFactory(recipient=bob, title="Mend the door", task=None)
    changed(bob, "Approve vases", body="It is urgent.")
    assert found(bob, "door") == ["Mend the door"]
    assert found(bob, "urgent") == ["Approve vases"]
    assert [search_index.gather(), search_index.gather()] == [2, 0]


def test_words_that_an_item_had_before_find_it_no_more(bob: Recipient) -> None:
    changed(bob, "Visit the roof", title="Visit the cellar")
    for _ in range(2):
        assert (found(bob, "roof"), found(bob, "cellar")) == ([], ["Visit the cellar"])
        search_index.gather()


def retitle() -> None:
    Case.objects.filter(title="Purchase of vases").update(title="Purchase of Zinnias")


def rename_initiator() -> None:
    Recipient.objects.filter(ref="alice").update(name="Zinnia")


def rename_absent() -> None:
    Recipient.objects.filter(ref="dave").update(name="Zinnia")


def begin_by_another() -> None:
    Task.objects.filter(initiator__ref="alice").update(initiator=RecipientFactory(name="Zinnia"))


@pytest.mark.parametrize(
    ("change", "title"),
    [
        (retitle, "Approve vases"),
        (rename_initiator, "Approve vases"),
        (begin_by_another, "Approve vases"),
        (rename_absent, "Visit the roof"),
    ],
)
def test_what_changes_outside_of_an_item_finds_it_at_once(
    bob: Recipient, change: Callable[[], None], title: str
) -> None:
    change()
    assert found(bob, "zinnia") == [title]

    search_index.gather()
    assert not SearchedAnew.objects.exists()
    assert "ZINNIA" in texts()
    assert found(bob, "zinnia") == [title]
    assert found(bob, "alicia") == ([] if change in (rename_initiator, begin_by_another) else ["Approve vases"])


def test_many_changes_outside_cost_no_more_than_reading_through(
    bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "MOST_CHANGES", 0)
    retitle()
    assert found(bob, "zinnia") == ["Approve vases"]
    monkeypatch.setattr(search_index, "MOST_CHANGES", 1)
    Case.objects.filter(title="Purchase of Zinnias").update(title="Tulips")
    monkeypatch.setattr(search_index, "SECONDS", 0.0)
    for left in (1, 0):
        search_index.gather()
        assert SearchedAnew.objects.count() == left
        assert found(bob, "tulips") == ["Approve vases"]


def test_nothing_is_noted_of_what_is_in_no_inbox_yet() -> None:
    """As of each case that an event makes, which is named in the same transaction."""
    story = Story.begin()
    SearchedAnew.objects.all().delete()
    case = {"id": "C-1", "title": "Purchase of vases"}
    task = {"id": "T-1", "assignee": "bob", "initiator": {"ref": "customer-9", "name": "Nina"}}
    story.happen("task.assigned", {"task": task, "case": case})
    assert story.copy(story.bob, "T-1").case is not None
    assert not SearchedAnew.objects.exists()
    story.happen("task.assigned", {"task": task, "case": case | {"title": "Vases"}})
    assert SearchedAnew.objects.values_list("case_id", flat=True).get() == Case.objects.get().pk


def test_nothing_is_kept_of_deleted_items(bob: Recipient) -> None:
    assert "VISIT THE ROOF" in texts()
    Notification.objects.get(title="Visit the roof").delete()
    assert found(bob, "roof") == []
    search_index.gather()
    assert "ROOF" not in texts()
    assert found(bob, "vases") == ["Approve vases"]
    bob.delete()
    assert texts() == ""


def test_deleted_items_go_before_anything_else_is_done(bob: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many changes there are."""
    monkeypatch.setattr(search_index, "MOST_CHANGES", 1)
    monkeypatch.setattr(search_index, "SECONDS", 0.0)
    retitle()
    rename_initiator()
    Notification.objects.get(title="Visit the roof").delete()
    search_index.gather()
    assert "ROOF" not in texts()


@pytest.mark.parametrize(("changes", "noted"), [(999, 0), (1_000, 1)])
def test_deleting_is_noted_for_who_may_be_gathered_just_now(changes: int, noted: int) -> None:
    """The parts that another transaction makes cannot be seen yet."""
    item = NotificationFactory(recipient=RecipientFactory(ref="carol", inbox_seq=changes - 1))
    item.delete()
    assert SearchedAnew.objects.count() == noted


def test_words_of_the_past_go_with_the_next_run_when_something_outside_changes(bob: Recipient) -> None:
    begin_by_another()
    rename_absent()
    assert "ALICIA" in texts() and "DAVE" in texts()
    search_index.gather()
    assert "ALICIA" not in texts() and "DAVE" not in texts()
    retitle()
    search_index.gather()
    assert "VASES" not in texts().replace("APPROVE VASES", "")


def test_words_of_the_past_go_within_a_day_when_an_item_changes(
    bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "GATHERED_FROM", 2)
    changed(bob, "Visit the roof", title="Visit the cellar")
    assert search_index.gather() == 0
    a_day_passes()
    assert search_index.gather() == 1
    assert "ROOF" not in texts()
    assert found(bob, "cellar") == ["Visit the cellar"]
    changed(bob, "Visit the cellar", title="Visit the garden")
    assert search_index.gather() == 0, "a day begins with each time"


def a_day_passes() -> None:
    SearchedPart.objects.update(at=F("at") - timedelta(days=1))


def test_who_has_no_changes_left_is_looked_at_once_a_day(bob: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where what had changed last was deleted."""
    monkeypatch.setattr(search_index, "GATHERED_FROM", 2)
    bob.inbox_seq += 1
    bob.save()
    a_day_passes()
    assert search_index.behind() == [bob.pk]
    assert search_index.gather() == 0
    assert search_index.behind() == []


@pytest.mark.parametrize("change", ["item", "initiator"])
def test_an_item_that_changes_again_and_again_is_gathered_once(bob: Recipient, change: str) -> None:
    for number in range(12):
        if change == "item":
            changed(bob, "Visit the roof", body=f"Number {number}")
        else:
            Recipient.objects.filter(ref="alice").update(name=f"Number {number}")
        search_index.gather()
        assert found(bob, f"number {number}") == ["Visit the roof" if change == "item" else "Approve vases"]
        assert texts().count("NUMBER") == 1
        assert SearchedPart.objects.count() <= 3


def test_parts_of_few_items_become_large_ones(bob: Recipient) -> None:
    for number in range(12):
        NotificationFactory(recipient=bob, title=f"Item {number}", task=None)
        search_index.gather()
        assert SearchedPart.objects.count() <= 5
    assert found(bob, "item") == [f"Item {number}" for number in range(12)]


def test_many_changes_are_gathered_in_portions_each_of_which_stays(
    bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a directory renames thousands: a run that is ended has done a part of it."""
    starters = [RecipientFactory(name=f"Former {number}") for number in range(9)]
    for number in range(18):
        NotificationFactory(recipient=bob, task=TaskFactory(initiator=starters[number // 2]), title=f"Item {number}")
    search_index.gather()
    Recipient.objects.filter(pk__in=[each.pk for each in starters]).update(name="Zinnia")
    monkeypatch.setattr(search_index, "AT_ONCE", 5)
    monkeypatch.setattr(search_index, "PART", 1)
    left, most, counts = 9, 9, []
    while left:
        count, most = search_index._index_changes(most)
        assert count <= 5 and left - SearchedAnew.objects.count() == count // 2
        left = SearchedAnew.objects.count()
        counts.append(count)
    assert sum(counts) == 18
    assert texts().count("ZINNIA") == 18 and "FORMER" not in texts()
    assert len(found(bob, "zinnia")) == 18


def test_one_change_of_more_than_is_gathered_at_once_has_its_people_gathered_from_the_first_on(
    bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    alice = Recipient.objects.get(ref="alice")
    for number in range(9):
        NotificationFactory(recipient=bob, task=TaskFactory(initiator=alice), title=f"Item {number}")
    NotificationFactory(recipient=RecipientFactory(ref="carol"), title="Mend the door")
    search_index.gather()
    carols = SearchedPart.objects.get(recipient__ref="carol").pk
    monkeypatch.setattr(search_index, "AT_ONCE", 4)
    rename_initiator()
    assert search_index.gather() == 4 + 11
    assert texts().count("ZINNIA") == 10 and "ALICIA" not in texts()
    assert len(found(bob, "zinnia")) == 10
    assert SearchedPart.objects.get(recipient__ref="carol").pk == carols
    assert not SearchedAnew.objects.exists()


def test_people_with_few_items_are_read_through(bob: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "GATHERED_FROM", 1_000)
    carol = RecipientFactory(ref="carol")
    NotificationFactory(recipient=carol, title="Approve vases")
    assert search_index.gather() == 0
    assert found(carol, "vases") == ["Approve vases"]


def test_what_one_run_does_not_reach_the_next_one_does(bob: Recipient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search_index, "SECONDS", 0.0)
    NotificationFactory(recipient=bob, title="Mend the door", task=None)
    assert search_index.gather() == 0
    assert found(bob, "door") == ["Mend the door"]
    monkeypatch.setattr(search_index, "SECONDS", 60.0)
    assert search_index.gather() == 1


def test_many_items_are_gathered_in_several_statements_and_parts(
    bob: Recipient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search_index, "AT_ONCE", 4)
    monkeypatch.setattr(search_index, "PART", 2)
    for number in range(9):
        NotificationFactory(recipient=bob, title=f"Item {number}", task=None)
    assert search_index.gather() == 9
    assert [found(bob, f"item {number}") for number in range(9)] == [[f"Item {number}"] for number in range(9)]
    assert max(len(part.items) for part in SearchedPart.objects.all()) == 2


@pytest.mark.parametrize("gathers", [False, True])
def test_a_word_that_most_items_have_gives_each_of_them_once_in_their_order(
    bob: Recipient, monkeypatch: pytest.MonkeyPatch, gathers: bool
) -> None:
    monkeypatch.setattr(search, "FIRST", 1)
    monkeypatch.setattr(search, "LONGER", 2)
    monkeypatch.setattr(search, "MOST_SORTED", 0)
    noon = datetime(2026, 11, 2, 12, tzinfo=UTC)
    for number in range(20):
        title = f"Item {number}" if number % 3 else f"Other {number}"
        NotificationFactory(recipient=bob, title=title, task=None, created_at=noon - timedelta(hours=number))
    if gathers:
        search_index.gather()
        changed(bob, "Item 4", title="Other 4")
        changed(bob, "Other 6", title="Item 6")
    else:
        SearchedPart.objects.all().delete()
    rows = Notification.objects.filter(recipient=bob, title__startswith="Item").order_by("created_at", "id")
    items = list(rows.values_list("title", flat=True))
    assert found(bob, "item") == items
    assert [*found(bob, "item", 0, 5), *found(bob, "item", 5, 10), *found(bob, "item", 10, 50)] == items
    assert found(bob, "item", 50, 60) == []


@pytest.mark.django_db(transaction=True)
def test_while_another_process_gathers_this_one_does_not() -> None:
    bob = RecipientFactory(ref="bob")
    NotificationFactory(recipient=bob, title="Approve vases")
    with closing(connection.copy()) as other, transaction.atomic(), connection.cursor() as cursor:
        assert search_index._try_lock()
        with other.cursor() as elsewhere:
            elsewhere.execute("SELECT pg_try_advisory_xact_lock(hashtextextended('wfpush searched', 0))")
            assert elsewhere.fetchone() == (False,)
        cursor.execute("SELECT 1")
    assert search_index.gather() == 1
