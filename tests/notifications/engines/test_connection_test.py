"""What an engine would be told is shown as it would be sent; whether it lets us in is asked, and changes nothing."""

import pytest

from notifications.connectors.base import Misconfigured
from notifications.engines import connection_test
from notifications.engines.connection_test import Sample, SentRequest
from notifications.models import AnswerMapping, Callback, EngineAccess, Response
from tests.support.story import Story

pytestmark = pytest.mark.django_db(transaction=True)

BASE = "https://engine.example/rest"


@pytest.fixture
def story() -> Story:
    return Story.begin()


def preview(story: Story, kind: str, sample: Sample) -> list[SentRequest]:
    story.engine.kind, story.engine.callback_url = kind, BASE
    story.engine.save()
    sent = connection_test.preview(story.engine, sample)
    assert not Response.objects.exists() and not Callback.objects.exists(), "nothing is kept"
    return sent


def test_flowable_gets_the_comment_and_typed_variables(story: Story) -> None:
    EngineAccess.objects.create(engine=story.engine, auth="basic", name="rest", secret="geheim")
    AnswerMapping.objects.create(
        engine=story.engine,
        action="approve",
        outcome="ok",
        variables={"approved": True, "level": {"type": "long", "value": "2"}, "by": "{{ person.ref }}"},
    )
    comment, complete = preview(story, "flowable", Sample("approve", task_id="a/b"))
    assert (comment.method, comment.url) == ("POST", f"{BASE}/runtime/tasks/a%2Fb/comments")
    assert comment.body == {"message": "Bob answered ok: Looks right to me.", "saveProcessInstanceId": True}
    assert (complete.method, complete.url) == ("POST", f"{BASE}/runtime/tasks/a%2Fb")
    assert complete.body is not None
    variables = {each["name"]: (each["type"], each["value"]) for each in complete.body["variables"]}
    assert (complete.body["action"], complete.body["outcome"]) == ("complete", "ok")
    assert (
        variables.items()
        >= {
            "approved": ("boolean", True),
            "level": ("long", 2),
            "by": ("string", "bob"),
            "wfpush_outcome": ("string", "ok"),
            "wfpush_by": ("string", "bob"),
            "wfpush_comment": ("string", "Looks right to me."),
        }.items()
    )
    assert complete.headers["Authorization"] == "Basic …"
    assert "geheim" not in str(complete)


def test_camunda_8_gets_plain_variables_and_the_action(story: Story) -> None:
    (complete,) = preview(story, "camunda8", Sample("reject", comment=""))
    assert (complete.method, complete.url) == ("POST", f"{BASE}/user-tasks/T-42/completion")
    assert complete.body is not None
    assert (complete.body["action"], complete.body["variables"]["wfpush_outcome"]) == ("reject", "rejected")


def test_camunda_7_and_opentext_have_their_own_shapes(story: Story) -> None:
    complete = preview(story, "camunda7", Sample("approve"))[-1]
    assert complete.body is not None and complete.body["variables"]["wfpush_by"] == {"type": "String", "value": "bob"}
    (complete,) = preview(story, "opentext", Sample("approve"))
    assert complete.body is not None and {"name": "wfpush_by", "value": "bob"} in complete.body["variables"]


def test_what_engines_have_no_place_for_is_no_request(story: Story) -> None:
    assert preview(story, "camunda8", Sample("request_info", comment="Which one?")) == []
    (comment,) = preview(story, "flowable", Sample("request_info", comment="Which one?"))
    assert comment.body is not None and comment.body["message"] == "Bob asks: Which one?"


def test_a_webhook_is_shown_with_its_signature_hidden(story: Story) -> None:
    (sent,) = preview(story, "webhook", Sample("approve"))
    assert sent.url == BASE and sent.body is not None and sent.body["type"] == "task.responded"
    assert sent.headers["webhook-signature"] == "v1,…"


def test_what_cannot_be_tried_is_said(story: Story) -> None:
    story.engine.kind, story.engine.callback_url = "flowable", ""
    with pytest.raises(Misconfigured, match="no address"):
        connection_test.check(story.engine)
    story.engine.signing_secrets.all().delete()
    with pytest.raises(Misconfigured, match="no active signing secret"):
        preview(story, "webhook", Sample("approve"))


def test_an_address_that_may_not_be_called_is_said(story: Story) -> None:
    story.engine.kind, story.engine.callback_url = "flowable", "http://127.0.0.1:9/rest"
    result = connection_test.check(story.engine)
    assert result.outcome == "misconfigured" and "127.0.0.1" in result.detail
