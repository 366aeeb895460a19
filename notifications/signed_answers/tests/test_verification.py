"""`manage.py verify_answer`: names what was altered after Bob signed, with the database and without it."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from fido2.cose import ES256

from notifications.attachments import storage
from notifications.attachments.storage import Sender
from notifications.models import AttachmentPiece, Recipient, Response, Task, TaskContent
from notifications.second_factors.fingerprints import public_key_bytes
from notifications.second_factors.tests.authenticator import SoftAuthenticator
from notifications.signed_answers import statements
from notifications.signed_answers.bundles import Bundle, from_text, in_text
from notifications.signed_answers.models import AnswerSignature
from notifications.signed_answers.statements import Once
from notifications.signed_answers.tests.signer import HERE, HOST, Signer
from tests.factories import EngineFactory, NotificationFactory
from tests.support.files import png
from tests.support.length import some
from tests.support.story import Story

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("payments")]

FILES = {"type": "array", "title": "Receipt", "items": {"type": "string", "format": "uuid"}}
FORM = {"schema": {"type": "object", "properties": {"amount": {"type": "number"}, "receipt": FILES}}}


@pytest.fixture
def answer(bob: Signer, story: Story) -> Response:
    """Bob approved 1,200.50 with a value, a variable, a file and a comment."""
    story.let_people_set("account")
    story.assign(form=FORM, actions=["approve", "reject"])
    file = storage.keep(BytesIO(png()), "receipt.png", Sender(person=story.bob), timezone.now()).attachment
    values = {"amount": 1200.5, "receipt": [str(file.pk)]}
    item = story.copy(story.bob)
    bob.sign_and_answer(item, comment="Fine.", values=values, variables={"account": "DE12"})
    return Response.objects.get()


def verify(*arguments: str) -> tuple[str, str]:
    """Return what the command writes, and why it fails; empty if it does not."""
    out = StringIO()
    try:
        call_command("verify_answer", *arguments, stdout=out)
    except CommandError as error:
        return out.getvalue(), str(error)
    return out.getvalue(), ""


def test_an_unaltered_answer_is_valid(answer: Response) -> None:
    written, fault = verify(str(answer.pk))
    assert fault == ""
    assert "The signature is valid." in written
    assert Bundle.of(AnswerSignature.objects.get()).fingerprint in written


# --- with the database ------------------------------------------------------------------------------------------------
def _alter(model: Any, **values: Any) -> Callable[[Response], object]:
    return lambda answer: model.objects.update(**values)


def _value(answer: Response) -> None:
    answer.values[0]["value"] = 9_999
    answer.save()


def _content(answer: Response) -> None:
    row = TaskContent.objects.get(task=answer.task, revision=answer.revision)
    row.content["values"]["variables.amount"] = 5
    row.save()


ALTERATIONS: dict[str, Callable[[Response], object]] = {
    "engine": lambda answer: Task.objects.update(engine=EngineFactory(slug="payroll")),
    "task": lambda answer: Task.objects.update(task_id="T-43"),
    "item": lambda answer: Response.objects.update(notification=NotificationFactory(recipient=answer.recipient)),
    "revision": lambda answer: (
        TaskContent.objects.update(revision="x" * 43),
        Response.objects.update(revision="x" * 43),
    ),
    "content": _content,
    "person": lambda answer: Response.objects.update(recipient=Recipient.objects.get(ref="carol")),
    "action": _alter(Response, action="reject"),
    "effect": _alter(Response, effect="acknowledge"),
    "comment": _alter(Response, comment="Pay it twice."),
    "variables": _alter(Response, variables={"account": "XX99"}),
    "values": _value,
    "files": _alter(AttachmentPiece, content=b"99 "),
    "time": lambda answer: Response.objects.update(at=answer.at - timedelta(days=30)),
    "assurance": _alter(Response, assurance="password"),
}


def test_each_member_of_a_statement_has_a_case(answer: Response) -> None:
    members = json.loads(AnswerSignature.objects.get().statement).keys()
    envelope = {"version", "purpose", "origin", "nonce"}
    assert members - envelope == ALTERATIONS.keys() - {"assurance"}


@pytest.mark.parametrize("name", ALTERATIONS)
def test_an_altered_field_is_named(answer: Response, name: str) -> None:
    ALTERATIONS[name](answer)
    written, fault = verify(str(answer.pk))
    assert [line.partition(":")[0] for line in fault.splitlines()] == [name]
    assert "the database says" in fault
    assert "The signature is valid." in written


def test_all_altered_fields_are_named_with_both_values(answer: Response) -> None:
    Response.objects.update(comment="Pay it twice.", action="reject")
    _written, fault = verify(str(answer.pk))
    assert fault.splitlines() == [
        'action: signed "approve", the database says "reject"',
        'comment: signed "Fine.", the database says "Pay it twice."',
    ]


def test_content_that_retention_removed_is_no_alteration(answer: Response) -> None:
    TaskContent.objects.all().delete()
    written, fault = verify(str(answer.pk))
    assert fault == ""
    assert "The content that was shown is no longer stored" in written


SIGNED: dict[str, str] = {
    "statement": "The signature is of another statement.",
    "listing": "The signed list does not have this statement.",
    "public_key": "The public key has not made this signature.",
    "authenticator_data": "The public key has not made this signature.",
    "client_data": "The public key has not made this signature.",
    "signature": "The public key has not made this signature.",
}


def _tampered(row: AnswerSignature, name: str) -> str:
    if name == "statement":
        return row.statement.replace("approve", "reject")
    if name == "listing":
        return statements.listing([row.statement + " "], Once(HERE, "", row.response.at))
    if name == "public_key":
        other = Signer(Recipient.objects.get(ref="carol"))
        return in_text(_key_of(other))
    content = from_text(getattr(row, name))
    if name == "client_data":
        return in_text(content.replace(b'"webauthn.get"', b'"webauthn.get" '))
    return in_text(content[:-1] + bytes([content[-1] ^ 1]))


def _key_of(signer: Signer) -> bytes:
    return public_key_bytes(signer.passkey.authenticator_data.credential_data.public_key)


@pytest.mark.parametrize("name", SIGNED)
def test_a_tampered_signature_is_not_valid(answer: Response, name: str) -> None:
    row = AnswerSignature.objects.get()
    AnswerSignature.objects.update(**{name: _tampered(row, name)})
    written, fault = verify(str(answer.pk))
    assert "The signature is not valid." in written
    assert SIGNED[name] in fault


def test_a_signature_that_was_copied_to_another_answer_is_named(answer: Response, bob: Signer, story: Story) -> None:
    story.assign("T-43", actions=["approve", "reject"])
    bob.sign_and_answer(story.copy(story.bob, "T-43"))
    other = AnswerSignature.objects.exclude(pk=answer.pk).get()
    row = AnswerSignature.objects.get(pk=answer.pk)
    row.pk = other.pk
    row.save()
    _written, fault = verify(str(other.pk))
    assert f"Answer {answer.pk} has the same statement, which was signed once." in fault
    assert 'task: signed "T-42", the database says "T-43"' in fault


def test_what_has_no_signature_says_so(answer: Response, bob: Signer) -> None:
    AnswerSignature.objects.all().delete()
    assert verify(str(answer.pk))[1] == "No signature is stored for this answer."
    assert verify(str(uuid4()))[1].startswith("There is no answer with this id.")
    assert verify()[1] == "Give the id of an answer, or a file with --bundle."


# --- without the database ---------------------------------------------------------------------------------------------
@pytest.fixture
def bundle(answer: Response, tmp_path: Path) -> Path:
    path = tmp_path / "answer.json"
    assert verify(str(answer.pk), "--export", str(path))[1] == ""
    return path


def test_a_bundle_is_verified_without_a_query(bundle: Path, answer: Response, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        written, fault = verify("--bundle", str(bundle))
    assert fault == ""
    assert "The signature is valid." in written
    assert "Compare the fingerprint" in written


def test_a_bundle_of_several_is_verified_by_itself(bob: Signer, story: Story, tmp_path: Path) -> None:
    story.assign("T-1")
    story.assign("T-2")
    one, other = story.copy(story.bob, "T-1"), story.copy(story.bob, "T-2")
    signature = bob.sign(bob.challenge(one, other))
    for item in (one, other):
        assert bob.answer(item, signature).status_code == 201
    path = tmp_path / "answer.json"
    verify(str(Response.objects.first().pk), "--export", str(path))  # type: ignore[union-attr]
    assert verify("--bundle", str(path))[1] == ""
    document = json.loads(path.read_text())
    document["listing"] = ""
    path.write_text(json.dumps(document))
    assert "The signature is of another statement." in verify("--bundle", str(path))[1]


@pytest.mark.parametrize(
    "change",
    [
        ("approve", "reject"),
        ("Fine.", "Never."),
        ("T-42", "T-43"),
        ("DE12", "XX99"),
        ("1200.5", "9200.5"),
        ('\\"bob\\"', '\\"carol\\"'),
    ],
    ids=str,
)
def test_an_altered_bundle_is_not_valid(bundle: Path, change: tuple[str, str]) -> None:
    text = bundle.read_text()
    assert change[0] in text
    bundle.write_text(text.replace(*change))
    written, fault = verify("--bundle", str(bundle))
    assert "The signature is not valid." in written
    assert "The signature is of another statement." in fault


def test_who_replaces_statement_signature_and_key_is_revealed_by_the_fingerprint(
    bundle: Path, story: Story, bob: Signer
) -> None:
    """Mallory writes to the database: her statement, her key and her signature fit together."""
    before = json.loads(bundle.read_text())
    real = before["public_key_sha256"]
    mallory = SoftAuthenticator(HERE, HOST)
    statement = before["statement"].replace("Fine.", "Twice, please.")
    challenge = in_text(statements.challenge_of(statement))
    credential = json.loads(mallory.get({"publicKey": {"challenge": challenge}}))["response"]
    key = in_text(public_key_bytes(ES256.from_cryptography_key(mallory.key.public_key())))
    forged = {
        **before,
        "statement": statement,
        "public_key": key,
        "client_data": credential["clientDataJSON"],
        "authenticator_data": credential["authenticatorData"],
        "signature": credential["signature"],
    }
    bundle.write_text(json.dumps(forged))
    assert verify("--bundle", str(bundle))[1] == ""
    assert "another one than that of the fingerprint" in verify("--bundle", str(bundle), "--fingerprint", real)[1]


def test_the_fingerprint_may_be_written_with_colons(bundle: Path) -> None:
    real = json.loads(bundle.read_text())["public_key_sha256"].upper()
    colons = ":".join(real[at : at + 2] for at in range(0, 64, 2))
    assert verify("--bundle", str(bundle), "--fingerprint", colons)[1] == ""


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": "wfpush-signed-answer/1"}', '{"format": "wfpush-signed-answer/1", "answer": 7}'],
)
def test_what_is_no_bundle_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text)
    assert "cannot be read" in verify("--bundle", str(path))[1]
    assert "cannot be read" in verify("--bundle", str(tmp_path / "none"))[1]


@pytest.mark.parametrize(
    "name", ["client_data", "authenticator_data", "public_key", "signature", "statement", "listing"]
)
@pytest.mark.parametrize("text", some(["AA", "not base64 at all!", "{}"], 1))
def test_a_bundle_of_nonsense_is_not_valid(bundle: Path, name: str, text: str) -> None:
    document = json.loads(bundle.read_text())
    bundle.write_text(json.dumps({**document, name: text}))
    assert verify("--bundle", str(bundle))[1] != ""
