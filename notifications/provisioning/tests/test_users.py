"""Users: what a directory sends becomes a person and an account, by rules that never surprise anybody."""

from typing import Any

import pytest
from django.contrib.auth.models import User

from notifications.models import Recipient
from notifications.provisioning.models import ScimUser
from notifications.provisioning.tests.idp import ENTERPRISE, Idp
from tests.factories import RecipientFactory, UserFactory


def person(ref: str) -> Recipient:
    return Recipient.objects.select_related("user", "manager").get(engine=None, ref=ref)


def work(address: str) -> list[dict[str, Any]]:
    return [{"value": address, "type": "work", "primary": True}]


# --- a new person -----------------------------------------------------------------------------------------------------
def test_a_user_becomes_a_person_with_an_account_that_has_no_password(idp: Idp) -> None:
    made = idp.user(
        "bob@acme.example",
        externalId="42",
        name={"givenName": "Bob", "familyName": "Bauer"},
        displayName="Bob Bauer",
        emails=work("bob@acme.example"),
        phoneNumbers=[{"value": "tel:+49-1", "type": "mobile"}],
        preferredLanguage="de-DE",
        timezone="Europe/Berlin",
        **{ENTERPRISE: {"department": "Finance", "employeeNumber": "7"}},
    )
    bob = person("bob@acme.example")
    assert (bob.name, bob.email, bob.email_verified, bob.phone) == ("Bob Bauer", "bob@acme.example", True, "+49-1")
    assert (bob.locale, bob.timezone, bob.active) == ("de", "Europe/Berlin", True)
    assert bob.user is not None and bob.user.username == "bob@acme.example" and not bob.user.has_usable_password()
    assert bob.history.first().history_change_reason == "SCIM: Entra ID"
    assert made["meta"]["location"].endswith(f"/scim/v2/Users/{made['id']}")
    assert made[ENTERPRISE] == {"department": "Finance", "employeeNumber": "7"}
    assert idp.answer("GET", f"/Users/{made['id']}") == made


def test_unknown_attributes_languages_and_zones_are_ignored(idp: Idp) -> None:
    made = idp.user("bob", preferredLanguage="tlh", timezone="Mars/Olympus", password="secret", roles=[], nickName="B")
    assert "password" not in made and "nickName" not in made
    assert (person("bob").locale, person("bob").timezone) == ("en", "")
    assert "secret" not in str(ScimUser.objects.get().document)


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"userName": ""}, "userName must have 1 to 200 characters"),
        ({"userName": "x" * 151}, "userName can have 150 characters"),
        ({"userName": "a\nb"}, "userName must have 1 to 200 characters"),
        ({"emails": [{"value": "no address"}]}, "not an e-mail address"),
        ({"externalId": "x" * 201}, "externalId can have 200 characters"),
        ({"displayName": "x" * 40_000}, "A user can have 32,768 bytes"),
        ({"active": "perhaps"}, "active"),
    ],
)
def test_impossible_values_are_refused_and_nothing_is_made(idp: Idp, members: dict[str, Any], sentence: str) -> None:
    error = idp.user("bob", expect=400, **members)
    assert error["scimType"] == "invalidValue" and sentence in error["detail"]
    assert not Recipient.objects.filter(engine=None).exists() and not User.objects.exists()


def test_the_same_user_twice_is_a_conflict(idp: Idp) -> None:
    idp.user("bob", externalId="1")
    again = idp.user("BOB", externalId="2", expect=409)
    assert again["scimType"] == "uniqueness" and "userName “BOB”" in again["detail"]
    assert "externalId “1”" in idp.user("robert", externalId="1", expect=409)["detail"]
    assert Recipient.objects.filter(engine=None).count() == 1


# --- people who exist -------------------------------------------------------------------------------------------------
def test_a_person_who_exists_is_taken_over_only_if_an_administrator_allows_it(idp: Idp) -> None:
    bob = RecipientFactory(ref="bob", name="Bob", phone="1")
    assert "exists already" in idp.user("bob", expect=409)["detail"]
    idp.directory.joins_existing = True
    idp.directory.save()
    account = bob.user_id
    idp.user("bob", displayName="Bob Bauer")
    bob.refresh_from_db()
    assert (bob.name, bob.phone, bob.user_id) == ("Bob Bauer", "1", account)


def test_local_staff_and_people_of_other_directories_are_never_taken_over(idp: Idp) -> None:
    RecipientFactory(ref="root", user=UserFactory(username="root", is_staff=True))
    idp.directory.joins_existing = True
    idp.directory.save()
    assert "local staff" in idp.user("root", expect=409)["detail"]
    Idp.begin("Okta").user("bob")
    refused = idp.user("bob", expect=409)
    assert "belongs to another user of the directory “Okta”" in refused["detail"]


def test_an_account_of_the_same_name_is_not_taken(idp: Idp) -> None:
    UserFactory(username="bob")
    assert "Another account is called “bob”" in idp.user("bob", expect=409)["detail"]
    assert not Recipient.objects.filter(ref="bob").exists()


def test_directories_see_only_their_own(idp: Idp) -> None:
    other = Idp.begin("Okta")
    bob = other.user("bob")
    assert idp.found("/Users") == []
    for method, body in (("GET", None), ("PUT", {"userName": "bob", "schemas": []}), ("DELETE", None)):
        assert "no user with the id" in idp.answer(method, f"/Users/{bob['id']}", body, expect=404)["detail"]
    assert person("bob").active


def test_the_ref_may_come_from_the_external_id(db: None) -> None:
    idp = Idp.begin(ref_source="externalId")
    assert "externalId must have" in idp.user("bob@acme.example", expect=400)["detail"]
    idp.user("bob@acme.example", externalId="b42")
    assert person("b42").user.username == "bob@acme.example"


# --- changes ----------------------------------------------------------------------------------------------------------
def test_a_new_user_name_renames_person_and_account(idp: Idp) -> None:
    bob = idp.user("bob")
    idp.user("alice")
    key = person("bob").pk
    idp.patch(f"/Users/{bob['id']}", {"op": "Replace", "path": "userName", "value": "robert"})
    assert person("robert").pk == key and person("robert").user.username == "robert"
    refused = idp.patch(f"/Users/{bob['id']}", {"op": "Replace", "path": "userName", "value": "alice"}, expect=409)
    assert refused["scimType"] == "uniqueness"
    assert person("robert").pk == key, "nothing of a refused change is stored"


def test_a_put_clears_what_it_leaves_out_but_not_what_the_directory_never_sent(idp: Idp) -> None:
    bob = idp.user("bob", emails=work("bob@acme.example"))
    Recipient.objects.filter(ref="bob").update(phone="123")
    body = {"schemas": [], "userName": "bob", "displayName": "Robert", "active": True}
    idp.answer("PUT", f"/Users/{bob['id']}", body)
    assert (person("bob").name, person("bob").email, person("bob").email_verified) == ("Robert", "", False)
    assert person("bob").phone == "123"


def test_an_address_belongs_to_one_person_until_they_leave(idp: Idp) -> None:
    bob = idp.user("bob", emails=work("office@acme.example"))
    refused = idp.user("carol", emails=work("Office@acme.example"), expect=409)
    assert refused["scimType"] == "uniqueness" and "“bob” has the e-mail address" in refused["detail"]
    assert not Recipient.objects.filter(ref="carol").exists()
    idp.deactivate(bob)
    idp.user("carol", emails=work("Office@acme.example"))
    gone = person("bob")
    assert (gone.email, gone.email_verified) == ("office@acme.example", False), "kept, but no longer theirs"
    assert gone.history.first().history_change_reason == "SCIM: Entra ID: address of carol"
    back = idp.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "active", "value": True}, expect=409)
    assert "“carol” has the e-mail address" in back["detail"]


def test_what_was_closed_at_the_desk_stays_closed_until_the_directory_opens_it(idp: Idp) -> None:
    bob = idp.user("bob")
    User.objects.filter(username="bob").update(is_active=False)
    idp.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "displayName", "value": "Robert"})
    assert not person("bob").user.is_active
    idp.deactivate(bob)
    idp.patch(f"/Users/{bob['id']}", {"op": "replace", "path": "active", "value": True})
    assert person("bob").user.is_active


# --- managers ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", ["id", "externalId", "userName"])
def test_a_manager_is_found_by_any_of_their_names(idp: Idp, name: str) -> None:
    carol = idp.user("carol", externalId="c7")
    made = idp.user("bob", **{ENTERPRISE: {"manager": {"value": carol[name]}}})
    assert person("bob").manager == person("carol")
    shown = made[ENTERPRISE]["manager"]
    assert (shown["displayName"], shown["$ref"]) == ("Carol", carol["meta"]["location"])


def test_a_manager_who_comes_later_is_awaited(idp: Idp) -> None:
    idp.user("bob", **{ENTERPRISE: {"manager": "c7"}})
    assert person("bob").manager is None and ScimUser.objects.get().manager_pending
    idp.user("carol", externalId="c7")
    assert person("bob").manager == person("carol")
    assert not ScimUser.objects.filter(manager_pending=True).exists()


def test_a_circle_of_managers_is_refused(idp: Idp) -> None:
    carol = idp.user("carol")
    bob = idp.user("bob", **{ENTERPRISE: {"manager": carol["id"]}})
    path = f"{ENTERPRISE}:manager"
    error = idp.patch(f"/Users/{carol['id']}", {"op": "Add", "path": path, "value": bob["id"]}, expect=400)
    assert "circle" in error["detail"] and person("carol").manager is None
    idp.patch(f"/Users/{bob['id']}", {"op": "Remove", "path": path})
    assert person("bob").manager is None


# --- lists ------------------------------------------------------------------------------------------------------------
def test_lists_are_filtered_and_paged(idp: Idp) -> None:
    for number in range(5):
        department = {ENTERPRISE: {"department": "IT" if number % 2 else "HR"}}
        idp.user(f"u{number}", externalId=f"x{number}", emails=work(f"u{number}@acme.example"), **department)

    def names(query: str) -> list[str]:
        return [user["userName"] for user in idp.found(f"/Users?{query}")]

    assert names('filter=userName eq "U3"') == ["u3"]
    assert names('filter=externalId eq "x2" and active eq true') == ["u2"]
    assert names('filter=externalId eq "X2"') == []
    assert names('filter=emails[type eq "work" and value co "u4@"]') == ["u4"]
    assert names(f'filter={ENTERPRISE}:department eq "it"') == ["u1", "u3"]
    assert names('filter=userName sw "u" and not (userName eq "u1")') == ["u0", "u2", "u3", "u4"]
    page = idp.answer("GET", "/Users?startIndex=4&count=10")
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 4, 2)
    assert idp.answer("GET", "/Users?count=0")["totalResults"] == 5
    many = idp.answer("GET", "/Users?filter=userName pr&startIndex=2&count=2")
    assert (many["totalResults"], [user["userName"] for user in many["Resources"]]) == (5, ["u1", "u2"])


def test_a_page_is_bounded(idp: Idp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("notifications.provisioning.queries.MAX_PAGE", 2)
    for number in range(3):
        idp.user(f"u{number}")
    assert len(idp.found("/Users?count=1000")) == 2
    monkeypatch.setattr("notifications.provisioning.queries.MAX_COMPARED", 2)
    monkeypatch.setattr("notifications.provisioning.queries.BATCH", 2)
    assert idp.answer("GET", "/Users?filter=title pr", expect=400)["scimType"] == "tooMany"
    assert len(idp.found('/Users?filter=userName eq "u1"')) == 1


@pytest.mark.parametrize("text", ["userName", 'userName zz "x"', 'wibble eq "x"', "(" * 100, '"'])
def test_filters_that_make_no_sense_are_refused(idp: Idp, text: str) -> None:
    assert idp.answer("GET", f"/Users?filter={text}", expect=400)["scimType"] == "invalidFilter"


def test_attributes_are_chosen(idp: Idp) -> None:
    bob = idp.user("bob", title="Clerk")
    chosen = idp.answer("GET", f"/Users/{bob['id']}?attributes=title")
    assert {"title", "id"} <= set(chosen) and "userName" not in chosen
    assert "title" not in idp.found("/Users?excludedAttributes=title")[0]
    both = idp.answer("GET", "/Users?attributes=title&excludedAttributes=name", expect=400)
    assert "mutually exclusive" in both["detail"]


# --- versions ---------------------------------------------------------------------------------------------------------
def test_a_change_of_an_old_version_is_refused(idp: Idp) -> None:
    path = f"/Users/{idp.user('bob')['id']}"
    first = idp.send("GET", path)["ETag"]
    assert first.startswith('W/"') and idp.answer("GET", path)["meta"]["version"] == first
    assert idp.send("GET", path, If_None_Match=first).status_code == 304
    body = {"schemas": [], "userName": "bob", "displayName": "Robert"}
    changed = idp.send("PUT", path, body, If_Match=first)
    assert changed.status_code == 200 and changed["ETag"] != first
    for method, sent in (("PUT", body), ("PATCH", {"Operations": []}), ("DELETE", None)):
        assert "has changed" in idp.answer(method, path, sent, expect=412, If_Match=first)["detail"]
    assert idp.send("PUT", path, body, If_Match="*").status_code == 200
    assert idp.send("GET", path, If_None_Match=first).status_code == 200
