"""Retention rules, legal holds, export and erasure at the desk: what is asked, said, refused, and written down."""

import json
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from notifications.models import Case, Recipient
from notifications.retention.models import Erasure, LegalHold, RetentionRule
from notifications.roles import ADMINISTRATORS
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import list_of, page_of, text_of
from tests.admin.world import World

pytestmark = pytest.mark.django_db


def test_an_administrator_says_how_long_things_are_kept(world: World) -> None:
    admin = signed_in(member_of(ADMINISTRATORS))
    add = reverse("admin:retention_retentionrule_add")
    said: Any = {"category": "", "items_days": "400", "addresses_days": "", "events_days": "60", "devices_days": ""}
    assert admin.post(add, said).status_code == 302
    assert "There is a rule for all others already." in text_of(admin.post(add, said))
    assert "greater than or equal to 31" in text_of(admin.post(add, {**said, "items_days": "30"}))
    category = world.engine and RetentionRule._meta.get_field("category").related_model.objects.first()
    wrong = admin.post(add, {**said, "category": str(category.pk)})
    assert "These have no category" in text_of(wrong)
    shown = text_of(admin.get(list_of(RetentionRule)))
    assert "all other categories" in shown and "400 days" in shown and "forever" in shown


def test_a_hold_is_placed_on_a_case_and_lifted(day: World, root: Client) -> None:
    case = Case.objects.get(case_id="4711")
    assert "Nothing of this case is pruned" in text_of(root.get(page_of(case, "hold")))
    assert root.post(page_of(case, "hold"), {"why": ""}).status_code == 200 and not LegalHold.objects.exists()
    root.post(page_of(case, "hold"), {"why": "A lawsuit"})
    hold = LegalHold.objects.get()
    assert (hold.case, hold.why, hold.by) == (case, "A lawsuit", User.objects.get(username="root"))
    assert "A lawsuit" in text_of(root.get(page_of(case)))
    listed = root.get(list_of(LegalHold))
    assert "in force" in text_of(listed)
    assert re.search(rf'<a href="{page_of(hold)}[^>]*>\s*A lawsuit', listed.content.decode()), "its link has a name"
    root.post(page_of(hold, "lift"))
    hold.refresh_from_db()
    assert hold.lifted_at and hold.lifted_by == hold.by
    assert "It was lifted before." in text_of(root.post(page_of(hold, "lift"), follow=True))


def test_a_person_is_exported_with_an_entry_in_the_audit_list(day: World, root: Client) -> None:
    asked = text_of(root.get(page_of(day.bob, "export_data")))
    assert "all data about Bob Bauer" in asked
    answer = root.post(page_of(day.bob, "export_data"))
    said = json.loads(b"".join(answer.streaming_content))  # type: ignore[attr-defined]
    assert said["ref"] == "bob" and said["answers"][0]["comment"] == "Fine with me."
    assert LogEntry.objects.filter(change_message="Exported all data of the person").count() == 1


def test_a_person_is_erased_after_a_look_and_their_ref(day: World, root: Client) -> None:
    LegalHold.objects.create(case=Case.objects.get(case_id="4711"), why="A lawsuit", since=day.now)
    page = text_of(root.get(page_of(day.bob, "erase")))
    for said in (
        "This cannot be undone", "1 case is under a legal hold", "Comments and values of 1 answers", "Devices: 1",
        "Notifications:", "Erase permanently",
    ):  # fmt: skip
        assert said in page, said
    wrong = root.post(page_of(day.bob, "erase"), {"ref": "alice"})
    assert "That is not their ref" in text_of(wrong) and not Erasure.objects.exists()

    done = root.post(page_of(day.bob, "erase"), {"ref": "bob"}, follow=True)

    erasure = Erasure.objects.get()
    assert "under way" in text_of(done) and erasure.by == User.objects.get(username="root")
    bob = Recipient.objects.get(pk=day.bob.pk)
    assert bob.ref.startswith("erased-") and not (bob.name or bob.email or bob.active)
    entry = LogEntry.objects.get(change_message="Ordered the erasure of a person")
    assert "Bob" not in entry.object_repr
    assert root.get(page_of(bob, "erase")).url == page_of(erasure)  # type: ignore[attr-defined]
    assert bob.ref in text_of(root.get(list_of(Erasure)))


def test_nobody_erases_themselves_or_who_has_more_rights(day: World, root: Client) -> None:
    me = Recipient.objects.create(ref="me", name="Me", user=User.objects.get(username="root"))
    assert "You cannot erase yourself" in text_of(root.get(page_of(me, "erase"), follow=True))
    admin = signed_in(member_of(ADMINISTRATORS))
    assert "Only those with all rights" in text_of(admin.post(page_of(me, "erase"), {"ref": "me"}, follow=True))
    assert not Erasure.objects.exists()
