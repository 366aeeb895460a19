"""Signing in to the desk, locks and how they are opened, users and their people, failed background tasks."""

import re
from datetime import timedelta

import pytest
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django_q.models import Failure

from notifications.inbox.sign_in.session import BACKEND
from notifications.models import Event, Task, Template
from tests.admin.pages import adding, choose, filled, form_at, list_of, page_of, text_of
from tests.admin.world import World
from tests.factories import PASSWORD

LOGIN = "/admin/login/"


def test_who_signs_in_at_the_desk_comes_to_the_desk(db: None) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    client = Client()
    form = client.get(LOGIN, follow=True)
    address = form.redirect_chain[-1][0]
    assert client.post(address, {"username": "root", "password": PASSWORD})["Location"] == "/admin/"
    assert client.get("/admin/")["Content-Type"].startswith("text/html")


def test_the_address_may_be_typed_without_its_slash(root: Client) -> None:
    assert root.get("/admin")["Location"] == "/admin/"


def test_signing_in_leads_to_the_page_that_was_asked_for(day: World, operator: Client) -> None:
    User.objects.create_superuser("root", password=PASSWORD)
    pages = (page_of(Event.objects.get(event_id="e-1")), list_of(Task, "now=late"), reverse("admin:index"))
    for page in pages:
        client = Client()
        address = client.get(page)["Location"]
        assert address == f"{LOGIN}?{urlencode({'next': page}).replace('%2F', '/')}"
        assert client.post(address, {"username": "root", "password": PASSWORD})["Location"] == page
        assert operator.get(address)["Location"] == page, "whoever is signed in already goes there at once"
    for elsewhere in ("https://evil.example/admin/", "//evil.example", f"{LOGIN}?next=/admin/"):
        assert operator.get(f"{LOGIN}?{urlencode({'next': elsewhere})}")["Location"] == "/admin/"


def test_a_role_without_the_right_reads_what_it_may_do(day: World, editor: Client) -> None:
    page = editor.get(page_of(Event.objects.get(event_id="e-1")))
    assert page.status_code == 403
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    shown = text_of(page)
    assert "with the role Template editors, which does not include this page or action." in shown
    assert shown.count("No access to this page") == 2, "in its title and its heading"
    assert "You can change Templates" in shown and "You can view" not in shown
    assert list_of(Template) in page.content.decode() and 'href="/admin/"' in page.content.decode()
    assert editor.get(list_of(Event), headers={"accept": "application/json"}).json()["code"] == "not_allowed"
    assert "No access to this page" not in text_of(Client().get("/admin/nowhere/", follow=True))


def test_the_desk_loads_nothing_from_elsewhere_and_is_framed_by_nobody(root: Client) -> None:
    for page in (root.get("/admin/"), root.get(list_of(User)), Client().get(LOGIN, {"next": "/admin/"})):
        policy = page["Content-Security-Policy"]
        assert "default-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "form-action 'self'" in policy
        assert "script-src 'self' 'unsafe-eval';" in policy, "no inline scripts"


def test_no_script_of_ours_writes_html() -> None:
    scripts = sorted((settings.BASE_DIR / "static" / "wfpush").rglob("*.js"))
    assert len(scripts) > 40
    writes = re.compile(r"(inner|outer)HTML\s*=[^=]|insertAdjacentHTML|document\.write|createContextualFragment")
    assert [script.name for script in scripts if writes.search(script.read_text())] == []


@pytest.mark.parametrize("path", ["/admin-foo", "/administration", "/admin/nowhere", "/admin/nowhere/", "/adminx/"])
def test_what_is_no_page_of_the_desk_has_the_strict_policy(root: Client, path: str) -> None:
    for client in (root, Client()):
        page = client.get(path)
        assert page.status_code in (302, 404)
        assert "unsafe" not in page.headers.get("Content-Security-Policy", "")
        assert page.status_code == 302 or "default-src 'self'" in page["Content-Security-Policy"]


def test_digits_and_short_words_are_no_passwords(world: World, root: Client) -> None:
    bob = User.objects.get(username="bob")
    address = reverse("admin:auth_user_password_change", args=[bob.pk])
    for words in ("83920174", "8392017465", "long walk"):
        fields = {"usable_password": "true", "password1": words, "password2": words}
        assert root.post(address, fields).status_code == 200
        with pytest.raises(CommandError, match="--password"):
            call_command("create_person", "bob", password=words)
    bob.refresh_from_db()
    assert not [words for words in ("83920174", "8392017465", "long walk") if bob.check_password(words)]


def test_a_name_longer_than_any_is_a_wrong_name_and_no_crash(db: None) -> None:
    answer = Client().post(LOGIN, {"username": "x" * 5_000, "password": "guess"})
    assert answer.status_code == 200
    assert "Please enter the correct username and password" in answer.content.decode()


def test_a_session_of_the_desk_stays_ended_when_its_account_is_opened_again(root: Client) -> None:
    """Also of somebody who has no inbox."""
    olga = User.objects.create_superuser("olga", password=PASSWORD)
    laptop = Client()
    laptop.post(LOGIN, {"username": "olga", "password": PASSWORD})
    assert laptop.get(list_of(User)).status_code == 200
    fields = filled(form_at(root, page_of(olga)))
    root.post(page_of(olga), {name: value for name, value in fields.items() if name != "is_active"})
    root.post(page_of(olga), {**fields, "is_active": "on"})

    olga.refresh_from_db()
    assert olga.is_active
    assert laptop.get(list_of(User)).status_code == 302
    assert laptop.post(LOGIN, {"username": "olga", "password": PASSWORD}).status_code == 302
    assert laptop.get(list_of(User)).status_code == 200


def guess(client: Client, times: int) -> list[int]:
    return [client.post(LOGIN, {"username": "root", "password": f"guess {n}"}).status_code for n in range(times)]


def test_guessing_passwords_at_the_desk_is_locked_and_unlocked(root: Client) -> None:
    User.objects.filter(username="root").update(password=User(username="x").password)
    owner = User.objects.get(username="root")
    owner.set_password(PASSWORD)
    owner.save()
    root.force_login(owner, backend=BACKEND)
    answers = guess(Client(), 6)
    assert answers[:4] == [200, 200, 200, 200]
    assert answers[-1] == 429
    assert Client().post(LOGIN, {"username": "root", "password": PASSWORD}).status_code == 429, "even the right one"
    attempts = list(AccessAttempt.objects.filter(username="root"))
    shown = root.get(list_of(AccessAttempt, "locked=yes"))
    assert "locked" in text_of(shown)
    assert "guess" not in shown.content.decode()
    assert "root may sign in again." in text_of(choose(root, attempts, "unlock"))
    assert Client().post(LOGIN, {"username": "root", "password": PASSWORD}).status_code == 302


def test_unlocking_a_nameless_attempt_frees_nobody_else(root: Client) -> None:
    guess(Client(), 1)
    nameless = AccessAttempt.objects.create(username=None, ip_address="203.0.113.7", failures_since_start=9)
    choose(root, [nameless], "unlock")
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["root"]


def test_what_was_typed_is_not_shown(root: Client) -> None:
    guess(Client(), 1)
    attempt = AccessAttempt.objects.get(username="root")
    page = root.get(page_of(attempt)).content.decode()
    assert "guess 0" not in page
    assert "post_data" not in page
    assert root.post(page_of(attempt), {}).status_code == 403


def test_a_user_is_made_with_a_role(world: World, root: Client) -> None:
    fields = {"username": "olga", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
    root.post(adding(User), fields, follow=True)
    olga = User.objects.get(username="olga")
    group = Group.objects.create(name="Night shift")
    root.post(page_of(olga), filled(form_at(root, page_of(olga)), is_staff="on", groups=[group.pk]), follow=True)
    olga.refresh_from_db()
    assert olga.is_staff
    assert list(olga.groups.all()) == [group]
    assert "Night shift" in text_of(root.get(list_of(User)))


def test_a_users_password_is_set_on_a_form_of_its_own_and_never_shown(world: World, root: Client) -> None:
    bob = User.objects.get(username="bob")
    page = root.get(page_of(bob)).content.decode()
    _kind, salt, *rest = bob.password.split("$")
    assert not [part for part in (bob.password, salt[:6], rest[-1][:6]) if part in page]
    address = reverse("admin:auth_user_password_change", args=[bob.pk])
    assert address in page
    words = "another walk by the sea"
    root.post(address, {"password1": words, "password2": words})
    bob.refresh_from_db()
    assert bob.check_password(words)


def test_a_user_shows_the_person_behind_it(world: World, root: Client) -> None:
    assert "Bob Bauer" in text_of(root.get(page_of(world.bob.user)))  # type: ignore[arg-type]
    assert "Bob Bauer" in text_of(root.get(list_of(User)))


def test_a_failed_background_task_is_shown_without_secrets(root: Client) -> None:
    now = timezone.now()
    Failure.objects.create(
        id="f1",
        name="run events",
        func="wfpush.tasks.run_source",
        args=("events",),
        started=now - timedelta(seconds=2),
        stopped=now,
        success=False,
        result="OperationalError at postgres://wfpush:topsecret@db/wfpush",
    )
    shown = text_of(root.get(list_of(Failure)))
    assert "wfpush.tasks.run_source" in shown
    assert "OperationalError" in shown
    page = root.get(page_of(Failure.objects.get())).content.decode()
    assert "topsecret" not in page
    assert root.post(page_of(Failure.objects.get()), {}).status_code == 403
