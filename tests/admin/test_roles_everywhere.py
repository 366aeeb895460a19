"""Every address of the desk, for every role: what it shows, what it changes; and that auditors change nothing."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from notifications.roles import (
    ADMINISTRATORS,
    AUDITORS,
    CONNECTION_OWNERS,
    EDITORS,
    OPERATORS,
    RULE_EDITORS,
    roles,
)
from tests.admin.addresses import OWN, Address, addresses, ask
from tests.admin.conftest import member_of, signed_in
from tests.admin.pages import list_of
from tests.admin.world import World
from tests.support.left_out import misnamed
from tests.support.length import some

NEEDS = {
    "changelist": ("view", "change"),
    "change": ("view", "change"),
    "history": ("view", "change"),
    "simple_history": ("view", "change"),
    "add": ("add",),
    "delete": ("delete",),
}
"""What pages of every model need: one of these rights."""

SLOW = {"history", "simple_history", "delete"}
"""Pages that are only asked for by who may not open them; that they open is tested elsewhere."""

ALL = set(roles())
CONNECTING = {ADMINISTRATORS, CONNECTION_OWNERS}
WRITING = {ADMINISTRATORS, EDITORS}
SENDING = {ADMINISTRATORS, OPERATORS}
RULING = {ADMINISTRATORS, OPERATORS, RULE_EDITORS, AUDITORS}

PAGES: dict[str, set[str]] = {
    "index": ALL,
    "search": ALL,
    "autocomplete": set(),
    "style": WRITING,
    "style_inbox": WRITING,
    "user password_change": set(),
    "apikey revoke": CONNECTING,
    "operatorkey revoke": {ADMINISTRATORS},
    "signingsecret end_now": CONNECTING,
    "eventsubscription new_secret": CONNECTING,
    "eventsubscription send_failed": SENDING,
    "outgoingevent send_again": SENDING,
    "connectedaccount take_out": CONNECTING,
    "engine test_connection": CONNECTING,
    "engine try_mapping": CONNECTING,
    "engine enable_answers": CONNECTING,
    "engine connect": CONNECTING,
    "engine connect_key": CONNECTING,
    "engine connect_event": CONNECTING,
    "engine connect_light": CONNECTING,
    "engine connect_mapping": CONNECTING,
    "engine connect_answers": CONNECTING,
    "engine what_would_be_sent": {*CONNECTING, OPERATORS, AUDITORS},
    "engine paths": CONNECTING,
    "recipient preferences": {ADMINISTRATORS, OPERATORS, AUDITORS},
    "event again": SENDING,
    "event replay_this": SENDING,
    "delivery again": SENDING,
    "delivery replay_this": SENDING,
    "callback again": SENDING,
    "callback replay_this": SENDING,
    "callback mark_handled": SENDING,
    "device test_this": SENDING,
    "device remove_this": SENDING,
    "recipient send_link": {ADMINISTRATORS},
    "identityprovider preview_groups": {ADMINISTRATORS, AUDITORS},
    "identityprovider forget_identities": {ADMINISTRATORS},
    "factor remove_all": {ADMINISTRATORS},
    "notification engagement": {*SENDING, AUDITORS},
    "recipient why_not_notified": {*SENDING, AUDITORS},
    "recipient why_not": {*SENDING, AUDITORS},
    "recipient export_data": {ADMINISTRATORS},
    "recipient erase": {ADMINISTRATORS},
    "case hold": {ADMINISTRATORS},
    "legalhold lift": {ADMINISTRATORS},
    "scimdirectory new_token": {ADMINISTRATORS},
    "scimdirectory allow": {ADMINISTRATORS},
    "recipient import_rows": {ADMINISTRATORS},
    "recipient import_preview": {ADMINISTRATORS},
    "recipient export_rows": RULING - {RULE_EDITORS},
    "brand new_push_key": {ADMINISTRATORS},
    "brand remove_push_keys": {ADMINISTRATORS},
    "caselist import_rows": {ADMINISTRATORS, RULE_EDITORS},
    "caselist import_preview": {ADMINISTRATORS, RULE_EDITORS},
    "caselist export_rows": RULING,
    "team import_rows": {ADMINISTRATORS},
    "team import_preview": {ADMINISTRATORS},
    "team export_rows": RULING - {RULE_EDITORS},
    "rota offer_calendar": {ADMINISTRATORS},
    "rota end_calendar": {ADMINISTRATORS},
    "route paths": ALL - {CONNECTION_OWNERS},
    "route rule": {ADMINISTRATORS, RULE_EDITORS},
    "route new_rule": {ADMINISTRATORS, RULE_EDITORS},
    "route dry_run": RULING,
    "route dry_run_here": RULING,
    "escalation sla": RULING,
    "escalation simulator": RULING - {RULE_EDITORS},
    "escalation dead_ends": RULING,
    "policy test": RULING - {RULE_EDITORS},
    "template edit_draft": WRITING,
    "templateversion preview": {*WRITING, AUDITORS},
    "templateversion compare_with": {*WRITING, AUDITORS},
    "templateversion publish": WRITING,
    "templateversion send_to_me": WRITING,
    "templateversion draft_from": WRITING,
    "templateversion roll_back": WRITING,
    "templateversion changelist": ALL,  # leads to the list of templates
}
"""Who may open the pages that are not of every model. A new page has to be named here."""

CALCULATING = {
    "index",
    "search",
    "autocomplete",
    "route dry_run",
    "route dry_run_here",
    "route paths",
    "identityprovider preview_groups",
    "recipient export_data",
    "recipient export_rows",
    "recipient why_not_notified",
    "recipient why_not",
    "caselist export_rows",
    "team export_rows",
    "notification engagement",
    "escalation simulator",
    "escalation sla",
    "escalation dead_ends",
    "policy test",
    "engine what_would_be_sent",
    "engine paths",
    "templateversion preview",
    "templateversion compare_with",
    "templateversion changelist",
}
"""Pages whose forms only ask something: their POST shows an answer, to whoever may open them."""

UNCOUNTED = re.compile("django_session|axes_.*|django_admin_log")
"""Tables that signing in and staying signed in write to; and the audit list, which keeps that somebody has exported."""


@pytest.fixture
def members(evening: World) -> dict[str, User]:
    """Somebody of each role, in a world with the rows that addresses need; the last user has all rights."""
    found = {name: member_of(name) for name in roles()}
    User.objects.create_superuser("owner")
    return found


def is_open(code: int) -> bool:
    """Pages that have nothing to do for this row lead back to it; those of actions want POST."""
    assert code in (200, 302, 403, 405), code
    return code != 403


def ours() -> list[Address]:
    return [each for each in addresses() if each.name not in OWN or each.model]


def has_right(role: str, address: Address) -> bool:
    assert address.model is not None
    meta = address.model._meta
    return any((meta.app_label, verb, meta.model_name) in roles()[role] for verb in NEEDS[address.name])


def who_opens(address: Address) -> set[str]:
    if address.key in PAGES:
        return PAGES[address.key]
    assert address.name in NEEDS, f"{address.key} is a new page: say in PAGES who may open it"
    return {role for role in roles() if has_right(role, address)}


# --- seeing ---------------------------------------------------------------------------------------------------------
@pytest.mark.ci
def test_each_role_opens_what_its_rights_say_and_nothing_else(members: dict[str, User]) -> None:
    owner, wrong, every = User.objects.get(username="owner"), [], ours()
    for address in every:
        openers = who_opens(address)
        if address.name in ("add", "delete") and openers and not is_open(ask(owner, address.path)):
            openers = set()  # rows of ledgers are made and removed by nobody
        for role, user in members.items():
            if role in openers and address.name in SLOW:
                continue
            if is_open(ask(user, address.path)) != (role in openers):
                wrong.append(f"{role}: {address.key}")
    assert wrong == []
    own = {each.key for each in every if each.name not in NEEDS or each.key in PAGES}
    assert misnamed(own, set(PAGES) | CALCULATING) == set()


# --- changing ---------------------------------------------------------------------------------------------------------
def fingerprint() -> dict[str, Any]:
    """Of every table: the number of its rows, and the sum of what is in them."""
    with connection.cursor() as cursor:
        tables = [name for name in connection.introspection.table_names(cursor) if not UNCOUNTED.fullmatch(name)]
        said = [
            f"SELECT '{name}', count(*), coalesce(sum(hashtext(each::text)::bigint), 0) FROM \"{name}\" AS each"
            for name in tables
        ]
        cursor.execute(" UNION ALL ".join(said))
        return {name: (count, sum_) for name, count, sum_ in cursor.fetchall()}


FIELDS = {"post": "yes", "name": "changed", "_save": "1"}


@pytest.mark.ci
def test_an_auditor_changes_nothing_by_any_address(members: dict[str, User]) -> None:
    auditor, every = members[AUDITORS], ours()
    before, let_in = fingerprint(), set()
    for address in every:
        if ask(auditor, address.path, "POST", **FIELDS) not in (403, 405):
            let_in.add(address.key)
    for model, name, pk in actions_of_lists():
        ask(auditor, list_of(model), "POST", action=name, _selected_action=pk, post="yes", index="0")
    assert fingerprint() == before
    assert {key for key in let_in if not key.endswith(("changelist", " history"))} <= CALCULATING


@pytest.mark.ci
def test_who_has_no_right_is_refused_whatever_they_post(members: dict[str, User]) -> None:
    every = [each for each in ours() if each.key not in CALCULATING and each.name not in ("changelist", "history")]
    before, let_in = fingerprint(), []
    for role, user in members.items():
        for address in every:
            if not may_change(role, address) and ask(user, address.path, "POST", **FIELDS) != 403:
                let_in.append(f"{role}: {address.key}")
    assert let_in == []
    assert fingerprint() == before


def may_change(role: str, address: Address) -> bool:
    if address.key in PAGES:
        return role in PAGES[address.key]
    assert address.model is not None
    verb = {"add": "add", "delete": "delete"}.get(address.name, "change")
    return (address.model._meta.app_label, verb, address.model._meta.model_name) in roles()[role]


def actions_of_lists() -> Iterator[tuple[type[Any], str, str]]:
    """Every action on chosen rows of every list, with a row."""
    for model, desk in admin.site._registry.items():
        row = model._default_manager.order_by("pk").last()
        for _function, name, _words in desk._get_base_actions() if row is not None else []:
            yield model, name, str(row.pk)


def test_an_action_that_somebody_may_not_run_does_nothing(members: dict[str, User]) -> None:
    before = fingerprint()
    for model, name, pk in actions_of_lists():
        for role in (EDITORS, RULE_EDITORS, CONNECTION_OWNERS):
            if (model._meta.app_label, "change", model._meta.model_name) not in roles()[role]:
                ask(members[role], list_of(model), "POST", action=name, _selected_action=pk, index="0")
    assert fingerprint() == before


# --- what pages offer -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", some([EDITORS, RULE_EDITORS, CONNECTION_OWNERS, OPERATORS], 2))
def test_the_overview_and_the_navigation_lead_nowhere_that_is_closed(role: str, evening: World) -> None:
    user = member_of(role)
    client = signed_in(user)
    links = links_of(client.get("/admin/"))
    assert len(links) >= 2
    assert [link for link in links if ask(user, link) == 403] == []


def links_of(page: Any) -> list[str]:
    found = re.findall(r'href="(/admin/[^"#?]*)', page.content.decode())
    return sorted({link for link in found if "/logout" not in link and "/jsi18n" not in link})


@pytest.mark.parametrize(
    ("role", "hidden", "shown"),
    [
        (RULE_EDITORS, "Approve", "Bob"),
        (CONNECTION_OWNERS, "Bob", "Invoices"),
        (EDITORS, "Invoices", "task"),
    ],
)
def test_the_search_finds_nothing_that_may_not_be_seen(role: str, hidden: str, shown: str, evening: World) -> None:
    client, administrator = signed_in(member_of(role)), signed_in(member_of(ADMINISTRATORS))
    assert found(administrator, hidden) and found(administrator, shown)
    assert not found(client, hidden)
    assert found(client, shown)


def found(client: Client, words: str) -> bool:
    return 'role="option"' in client.get("/admin/search/", {"q": words}).content.decode()
