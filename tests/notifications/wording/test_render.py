"""From a template's texts to the words Bob and Carol read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.errors import RenderError
from notifications.models import Template, TemplateAction, TemplateText, TemplateVersion
from notifications.types import USUAL_COMMENTS, Action, Json
from notifications.wording import liquid
from notifications.wording.languages import read_in
from notifications.wording.render import Rendering, actions_of, clean_title, render, text_for
from tests.factories import TemplateFactory
from tests.notifications.wording.test_liquid import CONTEXTS, TEMPLATES
from tests.support.length import LONG

pytestmark = pytest.mark.django_db

Text = tuple[str, str, str, str, str]
"""Language, channel, title, body, short body."""

CASE: Json = {
    "task": {"name": "Approve invoice 4711", "due_at": "2026-11-25T16:00:00Z"},
    "variables": {"amount": 1200.5, "currency": "EUR"},
}


def version_of(*texts: Text, fallback: str = "en", name: str = "Approval") -> TemplateVersion:
    template = TemplateFactory(name=name, fallback_language=fallback)
    version: TemplateVersion = template.versions.get()
    version.texts.all().delete()
    for language, channel, title, body, short_body in texts:
        version.texts.create(language=language, channel=channel, title=title, body=body, short_body=short_body)
    return version


def one_text(title: str, body: str = "", short_body: str = "") -> TemplateVersion:
    return version_of(("en", "", title, body, short_body))


def read(version: TemplateVersion, context: Json = CASE, *, language: str = "en", channel: str = "live") -> Rendering:
    return render(version, language, channel, context, timezone="Europe/Berlin")


# --- which text ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("language", "channel", "chosen"),
    [
        ("en", "live", "English"),
        ("en", "email", "English by e-mail"),
        ("EN_us", "email", "English by e-mail"),
        ("de", "email", "German"),
        ("de-AT", "live", "Austrian"),
        ("de-CH", "live", "German"),
        ("de_AT", "email", "Austrian by e-mail"),
        ("fr", "email", "English by e-mail"),
        ("", "live", "English"),
    ],
)
def test_the_nearest_language_is_taken_and_in_it_the_channels_own_words(
    language: str, channel: str, chosen: str
) -> None:
    version = version_of(
        ("en", "", "English", "", ""),
        ("en", "email", "English by e-mail", "", ""),
        ("de", "", "German", "", ""),
        ("de-AT", "", "Austrian", "", ""),
        ("de-AT", "email", "Austrian by e-mail", "", ""),
    )

    assert text_for(version, language, channel).title == chosen


def test_without_the_fallback_language_any_language_is_better_than_none() -> None:
    version = version_of(("it", "", "Italiano", "", ""), ("fr", "push", "Français", "", ""), fallback="en")

    assert read(version, language="de").language == "it"


def test_a_template_without_words_for_the_channel_is_refused() -> None:
    with pytest.raises(RenderError, match="no text for live"):
        read(version_of(("en", "push", "Push", "", "")))


def test_dates_and_money_follow_the_words_not_the_wish() -> None:
    version = version_of(("en", "", "{{ variables.amount | money: variables.currency }}", "", ""))

    assert read(version, language="de").title == "€1,200.50"


def test_carol_in_vienna_reads_her_own_variety_of_german() -> None:
    version = version_of(("de", "", "{{ variables.amount | money: variables.currency }}", "", ""))

    assert read(version, language="de-AT") == Rendering("€ 1.200,50", "", "", "de", ())


# --- what is in it -------------------------------------------------------------------------------------------
def test_times_are_the_readers_own() -> None:
    version = one_text("{{ task.due_at | time }}")

    assert read(version).title == "17:00 CET"
    assert render(version, "en", "live", CASE, timezone="Asia/Tokyo").title == "01:00 JST"


def test_without_short_words_a_lock_screen_shows_the_start_of_the_body() -> None:
    said = read(one_text("Hello", "First line.\n\nSecond line.\n" + "and so on " * 50))

    assert said.short_body.startswith("First line. Second line. and so on")
    assert len(said.short_body) <= 300
    assert said.short_body.endswith("…")


def test_a_missing_variable_leaves_a_dash_and_a_warning_each() -> None:
    said = read(one_text("For {{ customer.name }}", "{{ customer.name }} {{ case.id }}", "{{ case.id }}"))

    assert (said.title, said.body, said.short_body) == ("For —", "— —", "—")
    assert tuple(map(str, said.warnings)) == (
        "customer.name is missing; “—” is shown instead.",
        "case.id is missing; “—” is shown instead.",
    )


def test_one_absurd_number_leaves_a_dash_a_warning_and_all_other_words() -> None:
    version = one_text("{{ task.name }}", "For {{ variables.amount | plus: variables.tax | money: 'EUR' }}, Bob")
    absurd = {**CASE, "variables": {"amount": 1e300, "tax": 19}}
    said = render(version, "en", "live", absurd, timezone="Europe/Berlin")

    assert (said.title, said.body) == (CASE["task"]["name"], "For —, Bob")
    assert tuple(map(str, said.warnings)) == (
        "Line 1: “1e+300” is not a number of at most 15 digits; “—” is shown instead.",
    )


def test_a_title_that_comes_out_empty_is_the_templates_name() -> None:
    said = read(one_text("{% if nobody %}Hello{% endif %}\u200b"))

    assert said.title == "Approval"
    assert tuple(map(str, said.warnings)) == ("The title came out empty; the template's name is shown instead.",)


def test_what_an_engine_sends_stays_text_and_stays_on_its_line() -> None:
    name = "<script>alert(1)</script>\r\nBcc: mallory@example.org \u202eeciovni\x00"
    said = read(one_text("{{ task.name }}", "One\n{{ task.name }}"), {"task": {"name": name}})

    assert said.title == "<script>alert(1)</script> Bcc: mallory@example.org eciovni"
    assert said.body == "One\n<script>alert(1)</script>\nBcc: mallory@example.org eciovni"


def test_liquid_in_what_an_engine_sends_is_text_too() -> None:
    name = "{{ secret }}{% for i in (1..9) %}"

    assert read(one_text("{{ task.name }}"), {"task": {"name": name}, "secret": "hunter2"}).title == name


def test_long_texts_are_cut_to_what_a_notification_holds() -> None:
    words = "wörter " * 9_000
    said = read(one_text("{{ words }}", "{{ words }}", "{{ words }}"), {"words": words})

    assert (len(said.title), len(said.body), len(said.short_body)) == (500, 10_000, 300)
    assert {each[-1] for each in (said.title, said.body, said.short_body)} == {"…"}


def test_a_title_for_want_of_a_template_is_cleaned_the_same_way() -> None:
    assert clean_title("Approve\ninvoice \u202e" + "x" * 600) == "Approve invoice " + "x" * 483 + "…"


def test_a_template_is_parsed_once_however_many_people_read_it() -> None:
    version = one_text("Once {{ task.name }}", "Once, body", "Once, short")
    liquid.parse.cache_clear()

    for _ in range(50):
        read(version)

    assert liquid.parse.cache_info().misses == 3


def test_what_a_rendering_needs_is_read_once_for_all_people() -> None:
    made = one_text("Hello")
    version = TemplateVersion.objects.select_related("template").prefetch_related("texts", "actions").get(pk=made.pk)
    made.texts.all().delete()

    assert read(version).title == "Hello"


@settings(max_examples=150 if LONG else 50, deadline=None)
@given(title=TEMPLATES, body=TEMPLATES, context=CONTEXTS)
def test_whatever_is_written_and_sent_a_message_keeps_its_limits_or_is_refused(
    title: str, body: str, context: Json
) -> None:
    version = TemplateVersion(pk=1, template=Template(name="Any"))
    text = TemplateText(language="en", title=title, body=body, short_body=body)
    vars(version)["_prefetched_objects_cache"] = {"texts": [text]}  # read before, as the pipeline does
    try:
        said = read(version, context)
    except RenderError:
        return
    assert 0 < len(said.title) <= 500
    assert "\n" not in said.title
    assert len(said.body) <= 10_000
    assert len(said.short_body) <= 300


# --- actions -------------------------------------------------------------------------------------------------
@pytest.fixture
def approval() -> TemplateVersion:
    version = one_text("Approve")
    version.actions.all().delete()
    rules: list[tuple[str, str, Any]] = [
        ("approve", "optional", {"en": "Approve", "de": "Genehmigen"}),
        ("reject", "required", {"en": "Reject", "de": "Ablehnen"}),
        ("request_info", "none", {"en": "Ask for information"}),
        ("acknowledge", "optional", {"de": "Zur Kenntnis nehmen"}),
        ("sign", "none", {"en": " ", "de": 7}),
    ]
    for action, comment, labels in rules:
        TemplateAction.objects.create(version=version, action=action, comment=comment, labels=labels)
    return version


def test_names_get_their_labels_effects_and_comment_rules(approval: TemplateVersion) -> None:
    assert actions_of(approval, "de-AT", ["approve", "reject", "request_info", "acknowledge", "sign"]) == [
        Action("approve", "Genehmigen", "final", "optional"),
        Action("reject", "Ablehnen", "final", "required"),
        Action("request_info", "Ask for information", "request_info", "required"),
        Action("acknowledge", "Zur Kenntnis nehmen", "acknowledge", "optional"),
        Action("sign", "Sign", "final", "none"),
    ]


@pytest.mark.parametrize("person", ["en", "de", "fr"])
def test_a_stored_action_has_its_label_in_every_language(approval: TemplateVersion, person: str) -> None:
    names = ["approve", "request_info", "acknowledge", "sign"]
    stored = [action.as_json() for action in actions_of(approval, person, names)]

    for language in ("en", "en-GB", "de", "de-AT", "fr"):
        titles = [action.title for action in actions_of(approval, language, names)]
        assert [read_in(action, language).title for action in stored] == titles
    assert all(action["title"] not in action.get("labels", {}).values() for action in stored if person == "en")


def test_what_the_engine_says_of_an_action_goes_first(approval: TemplateVersion) -> None:
    said = {"action": "reject", "title": "Send\nback", "effect": "acknowledge", "comment": "none"}

    assert actions_of(approval, "en", [said]) == [Action("reject", "Send back", "acknowledge", "none")]


def test_a_question_always_needs_its_words(approval: TemplateVersion) -> None:
    said = {"action": "ask", "effect": "request_info", "comment": "none"}

    assert actions_of(approval, "en", [said]) == [Action("ask", "Ask", "request_info", "required")]


def test_without_a_template_names_speak_for_themselves() -> None:
    assert actions_of(None, "en", ["approve", "acknowledge", "send-back_now"]) == [
        Action("approve", "Approve", "final", "optional"),
        Action("acknowledge", "Acknowledge", "acknowledge", "none"),
        Action("send-back_now", "Send back now", "final", "optional"),
    ]


def test_without_a_row_an_action_asks_for_a_comment_as_its_name_usually_does(approval: TemplateVersion) -> None:
    approval.actions.all().delete()
    for version in (approval, None):
        found = {name: actions_of(version, "en", [name])[0].comment for name in [*USUAL_COMMENTS, "sign"]}
        assert found == {**USUAL_COMMENTS, "sign": "optional"}
    assert (USUAL_COMMENTS["reject"], USUAL_COMMENTS["decline"], USUAL_COMMENTS["cancel"]) == ("required",) * 3

    assert actions_of(approval, "en", [{"action": "reject", "comment": "optional"}])[0].comment == "optional"


def test_a_name_counts_once_and_what_is_no_action_not_at_all() -> None:
    again = {"action": "approve", "title": "Again"}
    rubble: list[Any] = ["approve", again, "", None, 7, {}, {"action": ["x"]}, "x" * 61, "a\nb"]

    assert [action.name for action in actions_of(None, "en", rubble)] == ["approve"]
    assert len(actions_of(None, "en", [f"a{number}" for number in range(50)])) == 12


def test_unknown_effects_and_rules_are_the_usual_ones() -> None:
    said = {"action": "approve", "title": "\u202e", "effect": "explode", "comment": "maybe"}

    assert actions_of(None, "en", [said]) == [Action("approve", "Approve", "final", "optional")]


MEMBERS = st.sampled_from(["action", "title", "effect", "comment"])


@given(st.lists(st.text() | st.dictionaries(MEMBERS, st.text() | st.integers())))
def test_whatever_an_engine_calls_actions_buttons_stay_readable(said: list[Any]) -> None:
    for action in actions_of(None, "en", said):
        assert 0 < len(action.title) <= 60
        assert "\n" not in action.title
