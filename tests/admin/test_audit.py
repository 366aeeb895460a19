"""The audit list: everything that somebody does at the desk is in it, and nobody can change it."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications.models import Callback, CallbackState, Case, Category, Delivery, Engine, Event
from notifications.roles import AUDITORS, OPERATORS
from tests.admin.addresses import Address, ask
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.test_roles_everywhere import CALCULATING, NEEDS, actions_of_lists, ours
from tests.admin.world import World
from tests.support.left_out import misnamed
from wfpush.identifiers import uuid7

WRITES = ("INSERT", "UPDATE", "DELETE")
UNCOUNTED = ('"django_admin_log"', '"django_session"', '"axes_')


def entry(who: User, row: Model, flag: int = CHANGE, said: str = "Did it", ago: timedelta = timedelta()) -> LogEntry:
    kind = ContentType.objects.get_for_model(row)
    return LogEntry.objects.create(
        user=who,
        content_type=kind,
        object_id=str(row.pk),
        object_repr=str(row),
        action_flag=flag,
        change_message=said,
        action_time=timezone.now() - ago,
    )


@pytest.fixture
def auditor(db: None) -> Client:
    return signed_in(member_of(AUDITORS))


# --- the list -------------------------------------------------------------------------------------------------------
def test_it_says_who_did_what_on_what_and_when(day: World, auditor: Client, operator: Client) -> None:
    answer = Callback.objects.get(state=CallbackState.WAITING)
    operator.post(page_of(answer, "mark_handled"), {"reason": "By phone."})
    told = text_of(auditor.get(list_of(LogEntry)))
    assert "member-of-operators" in told and "Marked as handled by hand: By phone." in told and str(answer) in told
    assert page_of(answer) in auditor.get(list_of(LogEntry)).content.decode()


def test_it_is_filtered_by_person_kind_object_and_day(day: World, auditor: Client, root: Client) -> None:
    alice, bob = User.objects.get(username="alice"), User.objects.get(username="bob")
    category, case = Category.objects.all()[0], Case.objects.all()[0]
    entry(alice, category, ADDITION, "made a category")
    entry(bob, category, DELETION, "removed a category", timedelta(days=1))
    entry(bob, case, CHANGE, "changed a case", timedelta(days=40))

    def found(query: str) -> set[str]:
        page = auditor.get(list_of(LogEntry, query))
        return {each.change_message for each in page.context["cl"].result_list}

    yesterday = timezone.localtime(timezone.now() - timedelta(days=1)).strftime("%Y-%m-%d")
    assert found(f"who={bob.pk}") == {"removed a category", "changed a case"}
    assert found("kind=added") == {"made a category"}
    assert found(f"of={ContentType.objects.get_for_model(Case).pk}") == {"changed a case"}
    assert found("day=today") == {"made a category"}
    assert found("day=yesterday") == found(f"day={yesterday}") == {"removed a category"}
    assert found("day=month") == {"made a category", "removed a category"}
    assert len(found("day=nonsense")) == 3
    assert found(f"q={case.pk}") >= {"changed a case"}
    assert found("q=bob") == {"removed a category", "changed a case"}
    assert found("q=4711") == ({"changed a case"} if "4711" in str(case) else set())


def test_nobody_changes_it(day: World, root: Client) -> None:
    made = entry(User.objects.get(username="alice"), day.team)
    assert root.post(page_of(made), {"change_message": "nothing"}).status_code == 403
    assert root.post(page_of(made).replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    assert "delete_selected" not in root.get(list_of(LogEntry)).content.decode()


def test_who_is_in_it_cannot_be_deleted_with_their_entries(day: World, root: Client) -> None:
    User.objects.create_user("clerk", is_staff=True)
    clerk = User.objects.get(username="clerk")
    entry(clerk, day.team)
    address = page_of(clerk).replace("/change/", "/delete/")
    assert root.post(address, {"post": "yes"}).status_code == 403
    assert LogEntry.objects.filter(user=clerk).exists()


def test_it_is_read_by_index_however_long_it_is(day: World, auditor: Client) -> None:
    """The newest page, one person's, and words of a name."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_admin_log (action_time, object_id, object_repr, action_flag, change_message, user_id) "
            "SELECT now() - n * interval '1 second', n::text, 'row ' || n, 2, '', %s FROM generate_series(1, 20000) n",
            [User.objects.get(username="alice").pk],
        )
        cursor.execute("ANALYZE django_admin_log")
    for query in ("", "q=row", "q=12345"):
        with CaptureQueriesContext(connection) as asked:
            assert auditor.get(list_of(LogEntry, query)).status_code == 200
        reading = [
            each["sql"] for each in asked if 'FROM "django_admin_log"' in each["sql"] and "COUNT" not in each["sql"]
        ]
        with connection.cursor() as cursor:
            for statement in reading:
                cursor.execute(f"EXPLAIN {statement}")
                plan = "\n".join(line for (line,) in cursor.fetchall())
                assert "Seq Scan on django_admin_log" not in plan, plan


# --- that everything is in it ---------------------------------------------------------------------------------------
GIVEN: dict[str, dict[str, Any]] = {
    "scimdirectory new_token": {"old_ones_end": "24"},
    "scimdirectory allow": {"count": 5},
    "eventsubscription new_secret": {"old_ones_end": "24"},
    "callback mark_handled": {"reason": "by phone"},
    "engine connect": {"name": "Another", "slug": "another", "kind": "generic"},
    "case hold": {"why": "a lawsuit"},
    "recipient erase": {"ref": "C-9"},
}
"""What forms need, so that they do something."""

IDLE = {
    "brand remove_push_keys": "no key of the brand is without a browser behind a newer one",
    "user password_change": "the password would have to be a good one",
    "engine connect": "its form needs more; tests/admin/test_engine_wizard.py fills it in",
    "engine connect_key": "the same",
    "engine connect_event": "the same",
    "engine connect_light": "the same",
    "engine connect_mapping": "the same",
    "engine connect_answers": "the same",
    "engine try_mapping": "a preset would have to be chosen",
    "engine test_connection": "its engine has no connection to test",
    "identityprovider forget_identities": "nobody has signed in there; in notifications/sign_on/tests somebody has",
    "recipient preferences": "its form needs more; tests/admin/test_reaching.py fills it in",
    "recipient import_rows": "a file would have to be chosen",
    "recipient import_preview": "the same",
    "caselist import_rows": "the same",
    "caselist import_preview": "the same",
    "team import_rows": "the same",
    "team import_preview": "the same",
    "route rule": "its form is a whole rule",
    "route new_rule": "the same",
    "templateversion roll_back": "it is the version that is published",
    "templateversion publish": "the same",
    "templateversion send_to_me": "the account is nobody's who gets messages",
    "style": "it only shows how the desk looks",
    "style_inbox": "the same, of the inbox",
}
"""Pages that do nothing here, with the reason. All others do something, or this test would test nothing."""


@pytest.fixture
def owner(evening: World) -> User:
    """Another account is the last one, so that nobody deletes their own."""
    Engine.objects.update(callback_disabled_at=timezone.now())
    for row in (Event.objects.filter(status="failed"), Delivery.objects.filter(state="dead")):
        assert row.count() == 1
    made = User.objects.create_superuser("owner")
    member_of(OPERATORS)
    return made


def writes_of(act: Callable[[], Any]) -> tuple[bool, bool]:
    """Whether it changed a table, and whether it left an entry. It is undone."""
    with transaction.atomic():
        known = LogEntry.objects.count()
        with CaptureQueriesContext(connection) as asked:
            act()
        sql = [each["sql"] for each in asked]
        changed = any(each.startswith(WRITES) and not any(table in each for table in UNCOUNTED) for each in sql)
        logged = LogEntry.objects.count() > known
        transaction.set_rollback(True)
    return changed, logged


def address_of(address: Address) -> str:
    """Of a row to which it can be done, where the last one is not such a row."""
    rows: dict[str, Model] = {
        "event replay_this": Event.objects.get(status="failed"),
        "delivery replay_this": Delivery.objects.get(state="dead"),
    }
    return page_of(rows[address.key], address.name) if address.key in rows else address.path


def given(address: Address) -> dict[str, Any]:
    question = {"key": uuid7(), "seen": 99, "as_of": timezone.now().isoformat()} if address.name == "again" else {}
    return {"post": "yes", **question, **GIVEN.get(address.key, {})}


def test_every_page_that_changes_or_sends_something_leaves_an_entry(owner: User) -> None:
    silent, idle = [], set()
    for each in ours():
        if each.key in CALCULATING or each.name in NEEDS:
            continue
        changed, logged = writes_of(partial(ask, owner, address_of(each), "POST", **given(each)))
        silent += [each.key] if changed and not logged else []
        idle |= set() if changed else {each.key}
    assert silent == []
    assert misnamed(idle, set(IDLE)) == set()


def test_every_action_on_chosen_rows_that_changes_something_leaves_an_entry(owner: User) -> None:
    silent, done = [], set()
    for model, name, pk in actions_of_lists():
        fields = {"action": name, "_selected_action": pk, "post": "yes", "index": "0"}
        changed, logged = writes_of(partial(ask, owner, list_of(model), "POST", **fields))
        silent += [f"{model._meta.model_name} {name}"] if changed and not logged else []
        done |= {name} if changed else set()
    assert silent == []
    assert done >= {"delete_selected", "void", "test", "remove", "disable"}
