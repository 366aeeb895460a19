"""What docs/apps.md tells app developers is what apps get, and what the API takes."""

import json
import re
from dataclasses import replace

import pytest
from django.urls import resolve

from notifications.api.frame.serializers import AnswerWithToken, ChannelGiven
from notifications.api.subscriptions import GIVEN
from notifications.channels.fcm.message import category_of, data_of
from notifications.channels.payload import members
from tests.notifications.channels import test_fcm_message
from tests.support.documentation import blocks, first_words, read, rows, section

PAGE = "docs/apps.md"
PUSH = replace(test_fcm_message.PUSH, silent=True)
"""A message that has all members."""
SAMPLES = {language: "\n".join(blocks(PAGE, language)) for language in ("kotlin", "swift")}


def test_every_member_of_a_message_is_documented_and_no_other() -> None:
    said = members(PUSH)

    text = section(PAGE, "Members of a message")
    assert set(first_words(text)) - {"Member"} <= set(data_of(PUSH, said))
    documented = {name for row in rows(text) for name in re.findall(r"`(\w+)`", row[0])}
    assert documented == set(data_of(PUSH, said))
    assert category_of(said) is not None


@pytest.mark.parametrize("language", SAMPLES)
def test_samples_read_members_that_messages_have(language: str) -> None:
    in_kotlin = re.findall(r'\bdata(?:\.getValue\(|\[)"(\w+)"', SAMPLES["kotlin"])
    in_swift = re.findall(r'(?:data|userInfo)\["(\w+)"\]', SAMPLES["swift"])
    named = {"kotlin": in_kotlin, "swift": in_swift}[language]

    assert {"link", "token"} < set(named) <= set(data_of(PUSH, members(PUSH)))
    button = {"action", "title", "comment"}
    of_actions = re.findall(r'\baction(?:\.getString\(|\[)"(\w+)"', SAMPLES[language])
    assert set(of_actions) == button == set(members(PUSH)["actions"][0])


def test_samples_call_paths_that_are_there() -> None:
    called = re.findall(r'"(/api/v1/[a-z/]+)"', "".join(SAMPLES.values()))

    assert set(called) == {"/api/v1/subscriptions", "/api/v1/responses"}
    for path in [*called, "/api/v1/tokens", "/api/v1/tokens/current", "/api/v1/recipients/alice/tokens"]:
        assert resolve(path)
    assert "/api/v1/tokens/current" in read(PAGE)


def test_what_samples_send_is_what_the_api_takes() -> None:
    registration, answer = (json.loads(block) for block in blocks(PAGE, "json"))

    for sent in (registration, {"channel": "fcm", "token": "registration", "platform": "ios"}):
        assert ChannelGiven(data=sent).is_valid()
        assert GIVEN["fcm"](data=sent).is_valid()
        assert set(sent) <= {"channel", *GIVEN["fcm"]().fields}
    assert AnswerWithToken(data=answer).is_valid()
    assert set(answer) <= set(AnswerWithToken().fields)
    for name in answer:
        assert all(f'"{name}"' in sample for sample in SAMPLES.values()), name
