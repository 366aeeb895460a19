"""The API of configuration, as operators' programs use it, and as strangers and colleagues with fewer rights try to."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.utils import timezone

from notifications.config_files import applying, documents
from notifications.config_files.api import TAG
from notifications.config_files.models import ConfigApply, OperatorKey
from notifications.config_files.tests.folders import apply, export
from notifications.config_files.tests.operators import ADDRESS, administrator, key_of
from notifications.intake import throttling
from notifications.models import Engine, EngineAccess, Recipient, Route
from notifications.roles import ADMINISTRATORS, AUDITORS, CONNECTION_OWNERS, RULE_EDITORS
from tests.admin.conftest import member_of
from tests.support.api import Caller, engine_caller, is_problem, person_caller, pointers
from tests.support.at_once import at_once
from tests.support.documentation import blocks
from tests.support.story import Story
from wfpush.web.bodylimit import BODY_LIMIT

pytestmark = pytest.mark.django_db

RULE = "rules:\n  Invoices:\n    event_types: [task.assigned]\n    category: approvals\n    template: task\n"
FILES = {"rules/invoices.yaml": RULE}


@pytest.fixture(autouse=True)
def company(story: Story) -> Story:
    return story


@pytest.fixture
def ci() -> Caller:
    return administrator()[1]


def plan(caller: Caller, files: Any = FILES, **more: Any) -> Any:
    return caller.post(f"{ADDRESS}/plan", {"files": files, **more})


def apply_by(caller: Caller, digest: Any, files: Any = FILES, **more: Any) -> Any:
    return caller.post(f"{ADDRESS}/apply", {"files": files, "plan": digest, **more})


# --- the whole way ----------------------------------------------------------------------------------------------------
def test_files_are_exported_changed_planned_and_applied() -> None:
    ci = Caller(key_of(User.objects.create_superuser("root")))
    files = ci.get(ADDRESS).json()["files"]
    assert files == documents.files_of(applying.current())
    planned = plan(ci, files).json()
    assert planned["changes"] == []
    assert len(planned["taken_over"]) == len(documents.read_sent(files).things)

    files |= FILES
    planned = plan(ci, files).json()
    assert [(each["kind"], each["name"], each["change"]) for each in planned["changes"]] == [
        ("rules", "Invoices", "add")
    ]
    assert not Route.objects.filter(name="Invoices").exists()

    applied = apply_by(ci, planned["digest"], files).json()
    assert applied == {**planned, "applied": ConfigApply.objects.get().pk}
    exported = ci.get(ADDRESS).json()["files"]
    assert exported.keys() == files.keys()
    assert documents.structure_of(documents.read_sent(exported).things) == export()
    assert plan(ci, exported).json()["changes"] == []


def test_an_application_is_recorded_with_its_account_and_key(ci: Caller) -> None:
    apply_by(ci, plan(ci).json()["digest"])
    record, key = ConfigApply.objects.get(), OperatorKey.objects.get()

    assert (record.by, record.by_name, record.source) == (key.user, f"{key.user} ({key})", "API")
    newest = Route.objects.get(name="Invoices").history.get()
    assert newest.history_user == key.user
    assert newest.history_change_reason == f"Files, no. {record.pk}, by {key.user} ({key})"
    assert key.last_used_at is not None


def test_the_examples_are_taken_and_have_the_members_of_answers(ci: Caller) -> None:
    shown, sample = TAG.operations["apply_configuration"], "docs/api/configuration.md"
    (documented,) = [json.loads(block) for block in blocks(sample, "json") if "taken_over" in block]
    files = {"teams.yaml": "teams:\n  finance: {name: Money, lead: carol}\n"}
    planned = plan(ci, files).json()
    applied = apply_by(ci, planned["digest"], files).json()

    assert planned.keys() == documented.keys() == TAG.operations["plan_configuration"].response.keys()
    assert planned["changes"][0].keys() == documented["changes"][0].keys()
    assert applied.keys() == shown.response.keys()
    assert is_problem(ci.post(f"{ADDRESS}/apply", shown.request), 409, "plan_outdated")


def test_nothing_to_change_is_applied_as_nothing(ci: Caller) -> None:
    apply_by(ci, plan(ci).json()["digest"])
    again = apply_by(ci, plan(ci).json()["digest"])

    assert (again.status_code, again.json()["applied"]) == (200, None)
    assert ConfigApply.objects.count() == 1


def test_an_export_is_read_only_if_it_has_changed(ci: Caller) -> None:
    etag = ci.get(ADDRESS).headers["ETag"]
    unchanged = ci.get(ADDRESS, if_none_match=etag)
    assert (unchanged.status_code, unchanged.content) == (304, b"")

    Route.objects.filter(name="Tasks").update(priority=3)
    changed = ci.get(ADDRESS, if_none_match=etag)
    assert changed.status_code == 200
    assert changed.headers["ETag"] != etag


# --- who may call -----------------------------------------------------------------------------------------------------
CALLS: list[tuple[str, str, Any]] = [
    ("GET", ADDRESS, None),
    ("POST", f"{ADDRESS}/plan", {"files": FILES}),
    ("POST", f"{ADDRESS}/apply", {"files": FILES, "plan": "0" * 64}),
]


def refused(caller: Caller, status: int, code: str) -> bool:
    """Return whether every call is refused so, and changes nothing."""
    assert all(is_problem(caller.call(*call), status, code) for call in CALLS)
    return not Route.objects.filter(name="Invoices").exists() and not ConfigApply.objects.exists()


def test_only_operators_keys_are_admitted(story: Story) -> None:
    assert refused(Caller(), 401, "unauthenticated")
    assert refused(Caller("wfo_wrong_key"), 401, "unauthenticated")
    assert refused(engine_caller(story.engine), 403, "scope_missing")
    assert refused(person_caller(story.bob), 403, "scope_missing")


def test_a_session_of_the_desk_is_not_enough() -> None:
    caller = Caller()
    caller.client.force_login(member_of(ADMINISTRATORS))
    assert refused(caller, 401, "unauthenticated")


def test_an_operators_key_opens_nothing_else(ci: Caller) -> None:
    assert ci.get("/api/v1/notifications").status_code == 401
    assert ci.get("/api/v1/tasks/T-42").status_code == 401
    assert Caller().call("GET", ADDRESS, X_API_Key=ci.key).status_code == 401


def test_a_key_that_has_ended_is_refused_at_once() -> None:
    user, _ci = administrator()
    person = Recipient.objects.create(ref="ci", name="CI", user=user)
    now = timezone.now()
    ends: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
        (OperatorKey, {"revoked_at": now}, {"revoked_at": None}),
        (OperatorKey, {"expires_at": now}, {"expires_at": now + timedelta(days=1)}),
        (User, {"is_active": False}, {"is_active": True}),
        (User, {"is_staff": False}, {"is_staff": True}),
        (Recipient, {"active": False}, {"active": True}),
    ]
    ci = Caller(key_of(user))
    for model, ended, open_again in ends:
        rows = model.objects.filter(pk=person.pk) if model is Recipient else model.objects.all()
        rows.update(**ended)
        assert refused(ci, 401, "unauthenticated"), ended
        rows.update(**open_again)
    assert ci.get(ADDRESS).status_code == 200
    OperatorKey.objects.all().delete()
    assert refused(ci, 401, "unauthenticated")


def test_an_account_that_may_no_longer_use_keys_is_refused_at_once() -> None:
    user, ci = administrator()
    for role in (AUDITORS, CONNECTION_OWNERS, RULE_EDITORS):
        member_of(role)
        user.groups.set(Group.objects.filter(name=role))
        assert refused(ci, 403, "not_allowed"), role
    user.groups.clear()
    assert refused(ci, 403, "not_allowed")


def without(user: User, *codenames: str) -> Caller:
    """Return a caller with all rights of administrators, except for these."""
    kept = Permission.objects.filter(group__name=ADMINISTRATORS).exclude(codename__in=codenames)
    user.groups.clear()
    user.user_permissions.set(kept)
    return Caller(key_of(user))


def test_what_an_account_may_not_do_at_the_desk_it_may_not_do_here() -> None:
    caller = without(administrator()[0], "add_route")
    assert is_problem(answer := plan(caller), 403, "not_allowed")
    assert "lacks permissions: add rule. Nothing was changed." in answer.json()["detail"]
    assert is_problem(apply_by(caller, "0" * 64), 403, "not_allowed")
    assert plan(caller, {"teams.yaml": "teams:\n  new: {name: New}\n"}).status_code == 200


def test_parts_need_the_rights_of_parts() -> None:
    caller = without(administrator()[0], "change_engineaccess", "add_engineaccess")
    engine = {"engines/e.yaml": "engines:\n  e: {name: E, kind: camunda7, access: {auth: none}}\n"}
    assert "add sign-in" in plan(caller, engine).json()["detail"]
    assert plan(caller, {"engines/e.yaml": "engines:\n  e: {name: E}\n"}).status_code == 200


def test_removing_needs_the_right_to_delete() -> None:
    apply(rules={"Invoices": {"event_types": ["task.assigned"], "category": "approvals", "template": "task"}})
    caller = without(administrator()[0], "delete_route")
    answer = plan(caller, {"teams.yaml": "teams:\n  new: {name: New}\n"})

    assert is_problem(answer, 403, "not_allowed")
    assert "delete rule" in answer.json()["detail"]


def test_whose_rules_need_a_second_person_cannot_go_round_it() -> None:
    answer = plan(without(administrator()[0], "change_recipient"))
    assert is_problem(answer, 403, "not_allowed")
    assert "second person" in answer.json()["detail"]


def test_what_an_account_may_not_see_it_may_not_export() -> None:
    caller = without(administrator()[0], "view_policy")
    assert "view SLA policy" in caller.get(ADDRESS, accept_language="de").json()["detail"]


def test_administrators_cannot_give_themselves_more_rights(ci: Caller) -> None:
    """At the desk only superusers change roles."""
    roles = {"roles.yaml": f"roles:\n  {ADMINISTRATORS}:\n    permissions:\n      auth.group: [change]\n"}
    assert is_problem(answer := plan(ci, roles), 403, "not_allowed")
    assert "change group" in answer.json()["detail"]

    root = Caller(key_of(User.objects.create_superuser("root")))
    assert plan(root, roles).status_code == 200


def test_what_an_account_may_not_change_it_may_not_keep_others_from_changing(ci: Caller) -> None:
    files = ci.get(ADDRESS).json()["files"]
    assert "change group" in plan(ci, files).json()["detail"]
    others = {name: text for name, text in files.items() if not name.startswith("roles/")}
    assert plan(ci, others).status_code == 200

    applying.apply(documents.read_sent(files), applying.Operator("machine"), "tests")
    assert plan(ci, files).json()["taken_over"] == []


def test_a_request_makes_a_limited_number_of_changes(ci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(applying, "MAX_CHANGES", 1)
    assert plan(ci).status_code == 200
    answer = plan(ci, {**FILES, "teams.yaml": "teams:\n  new: {name: New}\n"})
    assert is_problem(answer, 422, "invalid")
    assert "at most 1 changes at once" in answer.json()["mistakes"][0]["reason"]


def test_calls_are_limited(ci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(throttling.LIMITS, "operator", 2)
    with time_machine.travel(timezone.now(), tick=False):  # in one window
        statuses = [ci.get(ADDRESS).status_code for _ in range(3)]
    assert statuses == [200, 200, 429]


# --- what is refused --------------------------------------------------------------------------------------------------
def test_a_plan_that_has_become_another_one_is_refused(ci: Caller) -> None:
    digest = plan(ci).json()["digest"]
    changed = {"rules/invoices.yaml": f"{RULE}    priority: 5\n"}
    assert is_problem(apply_by(ci, digest, changed), 409, "plan_outdated")
    assert not Route.objects.filter(name="Invoices").exists()

    Route.objects.filter(name="Tasks").update(name="Invoices")
    assert is_problem(apply_by(ci, digest), 409, "plan_outdated")


def test_bodies_of_another_form_are_refused(ci: Caller) -> None:
    bodies: list[tuple[Any, str]] = [
        ({"files": FILES}, "/plan"),
        ({"files": FILES, "plan": ""}, "/plan"),
        ({"files": FILES, "plan": None}, "/plan"),
        ({"files": FILES, "plan": "0" * 63 + "\n"}, "/plan"),
        ({"files": FILES, "plan": "0" * 64, "force": True}, "/force"),
        ({"files": FILES, "plan": "0" * 64, "environment": {"CONFIG_SECRET_A": "x"}}, "/environment"),
        ({"plan": "0" * 64}, "/files"),
        ({"files": {}, "plan": "0" * 64}, "/files"),
        ({"files": [RULE], "plan": "0" * 64}, "/files"),
        ({"files": {"a.yaml": {"rules": {}}}, "plan": "0" * 64}, "/files/a.yaml"),
        ({"files": {"a.yaml": None}, "plan": "0" * 64}, "/files/a.yaml"),
        ([], ""),
        ("rules", ""),
    ]
    for body, pointer in bodies:
        assert pointers(ci.post(f"{ADDRESS}/apply", body)) == [pointer]


def test_mistakes_have_file_line_and_reason(ci: Caller) -> None:
    wrong = {"b.yaml": "categories:\n  mine: {}\n", "a/rules.yaml": RULE + "    prio: 1\n"}
    for answer in (plan(ci, wrong), apply_by(ci, "0" * 64, wrong)):
        assert is_problem(answer, 422, "invalid")
        problem = answer.json()
        assert problem["detail"] == "2 mistakes. Nothing was changed."
        assert problem["mistakes"] == [
            {"file": "a/rules.yaml", "line": 6, "reason": "“prio” is not known here. Did you mean “priority”?"},
            {"file": "b.yaml", "line": 2, "reason": "“name” is missing. Add it."},
        ]
        assert problem["errors"][0] == {
            "pointer": "/files/a~1rules.yaml",
            "detail": "a/rules.yaml:6: “prio” is not known here. Did you mean “priority”?",
        }


def test_yaml_that_is_not_configuration_is_refused(ci: Caller) -> None:
    texts = [
        ("rules: [", "This is not valid YAML"),
        ("a: &a [1]\nb: *a\n", "Anchors and aliases are not used here."),
        ("!!python/object/apply:os.system [ls]", "Tags such as"),
        ("rules:\n  A: {}\n  A: {}\n", "“A” is there twice"),
        ("[" * 40 + "]" * 40, "It is nested too deeply"),
        ("", "There is no file with configuration here."),
        ("# nothing\n", "There is no file with configuration here."),
    ]
    for text, reason in texts:
        answer = plan(ci, {"a.yaml": text})
        assert is_problem(answer, 422, "invalid")
        assert answer.json()["mistakes"][0]["reason"].startswith(reason)


def test_names_that_are_no_files_of_an_export_are_refused(ci: Caller) -> None:
    names = [
        "../rules.yaml",
        "rules/../../x.yaml",
        "/etc/x.yaml",
        "a//b.yaml",
        "./a.yaml",
        ".git/config.yaml",
        "..\\x.yaml",
        "x.yaml\n",
        "x\u202e.yaml",
        "rules.txt",
        "",
        "y" * 200 + ".yaml",
    ]
    for name in names:
        answer = plan(ci, {name: RULE})
        assert is_problem(answer, 422, "invalid")
        assert "Name it as an export does" in answer.json()["mistakes"][0]["reason"], name


def test_a_body_that_is_too_large_or_no_json_is_refused(ci: Caller) -> None:
    assert is_problem(plan(ci, {"a.yaml": "x" * BODY_LIMIT}), 413, "too_large")
    assert is_problem(ci.post(f"{ADDRESS}/plan", b"rules:"), 400, "malformed")
    assert is_problem(ci.post(f"{ADDRESS}/plan", RULE.encode(), type="application/yaml"), 415, "unsupported_media_type")


# --- secrets ----------------------------------------------------------------------------------------------------------
ENGINE = """engines:
  e:
    name: E
    kind: camunda7
    callback_url: https://engine.example/engine-rest
    access: {auth: bearer, secret: {secret: %s}}
"""


@pytest.mark.parametrize("name", ["E_SECRET", "DATABASE_URL"])
def test_no_variable_of_the_server_is_read(ci: Caller, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Otherwise, a file could send another engine's secret to an address of its own."""
    for variable in (name, f"CONFIG_SECRET_{name}"):
        monkeypatch.setenv(variable, "hunter2")
    answer = plan(ci, {"e.yaml": ENGINE % name})

    assert is_problem(answer, 422, "invalid")
    assert "The API sets no secrets." in answer.json()["mistakes"][0]["reason"]
    assert not Engine.objects.filter(slug="e").exists()


def test_stored_secrets_stay_and_never_leave(ci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "hunter2")
    applying.apply(documents.read_sent({"e.yaml": ENGINE % "E_SECRET"}), applying.Operator("machine"), "tests")
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "another-one")
    changed = {"e.yaml": (ENGINE % "E_SECRET").replace("name: E\n", "name: Engine\n")}
    planned = plan(ci, changed)
    assert [each["secrets"] for each in planned.json()["changes"]] == [[]]
    assert apply_by(ci, planned.json()["digest"], changed).status_code == 200

    assert EngineAccess.objects.get(engine__slug="e").secret == "hunter2"
    shown = json.dumps([planned.json(), ci.get(ADDRESS).json()])
    assert "hunter2" not in shown and "another-one" not in shown


def test_a_stored_secret_is_not_sent_to_another_host(ci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONFIG_SECRET_E_SECRET", "hunter2")
    applying.apply(documents.read_sent({"e.yaml": ENGINE % "E_SECRET"}), applying.Operator("machine"), "tests")
    answer = plan(ci, {"e.yaml": (ENGINE % "E_SECRET").replace("engine.example", "other.example")})

    assert is_problem(answer, 422, "invalid")
    assert "The stored secret would go to another host" in answer.json()["mistakes"][0]["reason"]


# --- others at the same time ------------------------------------------------------------------------------------------
def test_files_that_would_take_for_ever_do_not(ci: Caller) -> None:
    """Each is a second's work at most; with the square of its size it was minutes."""
    names = [f"type-{number}" for number in range(60_000)]
    head = "rules:\n  A:\n    category: approvals\n    template: task\n"
    for text, count in (
        (f"{head}    event_types: [{', '.join([*names, names[0]])}]\n", 1),
        (f"roles:\n  A:\n    permissions: {{{', '.join(f'{name}: [view]' for name in names[:40_000])}}}\n", 1_000),
    ):
        answer = plan(ci, {"a.yaml": text})
        assert is_problem(answer, 422, "invalid")
        assert answer.json()["detail"].startswith(f"{count} mistake")


@pytest.mark.django_db(transaction=True)
def test_of_two_that_apply_the_same_plan_at_once_one_is_told(ci: Caller) -> None:
    other = Caller(ci.key)
    digest = plan(ci).json()["digest"]
    answers = at_once(lambda: apply_by(ci, digest), lambda: apply_by(other, digest))

    assert sorted(answer.status_code for answer in answers) in ([200, 409], [200, 503])  # as long as one waits
    assert ConfigApply.objects.count() == 1


def test_who_waits_too_long_is_told_when_to_try_again(ci: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_arguments: Any) -> Any:
        raise applying.Refused("Somebody else is changing configuration now.")

    monkeypatch.setattr(applying, "_compare", busy)
    answer = plan(ci)
    assert is_problem(answer, 503, "unavailable")
    assert answer.headers["Retry-After"] == "10"
