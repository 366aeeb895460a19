"""An administrator ticks “sensitive”: lock screens no longer show it, however old the template and whatever it does."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notifications.models import EventVariable, Notification, TemplateText, TemplateVersion
from notifications.types import Json
from notifications.wording import template_check
from notifications.wording.render import Rendering, render
from notifications.wording.sensitive import without_paths
from tests.factories import TemplateFactory
from tests.support.length import some
from tests.support.story import Story

pytestmark = pytest.mark.django_db

SECRET = "77665544"
CONTEXT: Json = {
    "task": {"name": "Approve", "assignee": "Bob", "candidates": [SECRET, {"ref": SECRET, "name": "Dan"}]},
    "variables": {"amount": SECRET, "currency": "EUR", "lines": [{"price": SECRET, "sku": "A-1"}, [SECRET]]},
    "customer": SECRET,
    "documents": [{"title": SECRET, "url": "https://engine.example"}],
}
HIDDEN = (
    "variables.amount",
    "variables.lines.price",
    "variables.lines.1",
    "customer.ref",
    "documents.title",
    "task.candidates",
)
SOURCES = [
    "{{ variables.amount }}",
    "{% assign x = variables.amount %}{{ x }}",
    "{% capture x %}{{ variables.amount }}{% endcapture %}{{ x }}",
    "{% assign v = variables %}{{ v.amount }}",
    "{{ variables['amount'] }}",
    "{% assign name = 'amount' %}{{ variables[name] }}",
    "{{ variables }}",
    "{{ variables | join: ',' }}",
    "{% for each in variables %}{{ each }}{{ each[1] }}{% endfor %}",
    "{% for line in variables.lines %}{{ line.price }}{{ line }}{% endfor %}",
    "{{ variables.lines | map: 'price' | join: ',' }}",
    "{{ variables.lines[1] }}{{ variables.lines.last }}",
    "{{ customer }}{{ customer | append: '!' }}",
    "{% for document in documents %}{{ document.title }}{% endfor %}",
    "{% for who in task.candidates %}{{ who }}{{ who.ref }}{% endfor %}",
    "{{ variables.amount | default: variables.amount }}",
    "{% if variables.amount %}{{ variables.amount | upcase }}{% endif %}",
]


def version_of(title: str, body: str, short_body: str, channel: str = "") -> TemplateVersion:
    version: TemplateVersion = TemplateFactory().versions.get()
    version.texts.all().delete()
    version.texts.create(language="en", channel=channel, title=title, body=body, short_body=short_body)
    return version


def read(version: TemplateVersion, channel: str = "live") -> Rendering:
    return render(version, "en", channel, CONTEXT, timezone="UTC", hidden=HIDDEN)


@pytest.mark.parametrize("source", some(SOURCES, 40))
@pytest.mark.parametrize("channel", ["", "live", "webpush", "fcm", "appworks"])
def test_no_way_of_writing_it_gets_onto_a_lock_screen(source: str, channel: str) -> None:
    said = read(version_of(source, source, source, channel), channel or "live")

    assert SECRET not in said.title + said.short_body

    assert SECRET not in read(version_of("Approve", source, "", channel), channel or "live").short_body


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(SOURCES), min_size=1, max_size=6))
def test_nor_do_any_of_them_together(sources: list[str]) -> None:
    text = " ".join(sources)

    said = read(version_of(text, "x", text))

    assert SECRET not in said.title + said.short_body


def test_who_is_signed_in_reads_it_in_the_body_and_the_trace_says_why_it_is_missing_above() -> None:
    said = read(version_of("Approve {{ variables.amount }}", "It is {{ variables.amount }}.", "{{ task.name }}"))

    assert (said.title, said.body, said.short_body) == ("Approve —", f"It is {SECRET}.", "Approve")
    assert tuple(map(str, said.warnings)) == (
        "variables.amount is sensitive, and lock screens do not show it; “—” is shown instead.",
    )


def test_a_mails_own_subject_is_as_it_was_published() -> None:
    """Publishing it warns, and allows it."""
    said = read(version_of("{{ variables.amount }}", "x", "x", "email"), "email")

    assert said.title == SECRET


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["a", "ref", SECRET]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(
    data=st.dictionaries(st.sampled_from("abc"), JSON, max_size=3), path=st.lists(st.sampled_from("abc1"), max_size=3)
)
def test_whatever_the_data_what_is_at_a_path_is_gone_and_what_was_given_stays(data: Json, path: list[str]) -> None:
    path = ["a", *path]
    before = repr(data)

    left = without_paths(data, [".".join(path)])

    assert repr(data) == before
    assert not list(found(left, path))
    assert {name: left[name] for name in "bc" if name in left} == {name: data[name] for name in "bc" if name in data}


def found(data: Any, path: list[str]) -> Any:
    """What a template would find there."""
    if not path:
        return [data] if data is not None else []
    if isinstance(data, dict):
        return found(data[path[0]], path[1:]) if path[0] in data else []
    if isinstance(data, list) and path[0].isdigit():
        return found(data[int(path[0])], path[1:]) if int(path[0]) < len(data) else []
    return []


# --- as it happens ----------------------------------------------------------------------------------------------------
def tick(path: str, type: str = "task.assigned") -> None:
    assert EventVariable.objects.filter(event_type__name=type, path=path).update(sensitive=True)


def with_the_amount(slug: str) -> None:
    """As it was published before the variable was marked."""
    TemplateText.objects.filter(version__template__slug=slug).update(
        title="{{ variables.amount }} to approve", body="It is {{ variables.amount }}.", short_body="{{ variables }}"
    )


def words(copy: Notification) -> str:
    return f"{copy.title} {copy.short_body}"


def test_a_template_of_before_shows_it_until_it_is_ticked_and_no_longer_then() -> None:
    story = Story.begin()
    with_the_amount(story_template(story))
    story.assign("T-1")
    assert "1200.5" in words(story.copy(story.bob, "T-1"))

    tick("variables.amount")
    story.assign("T-2")

    copy = story.copy(story.bob, "T-2")
    assert "1200.5" not in words(copy) and "1200.5" in copy.body


def test_a_change_words_an_open_copy_anew_without_it_and_so_does_every_later_event() -> None:
    """The event's own type may not mark it as sensitive."""
    story = Story.begin()
    with_the_amount(story_template(story))
    story.assign()
    tick("variables.amount")

    story.happen("task.updated", {"task": {"id": "T-42", "name": "Approve invoice 4712"}}, minute=5)

    copy = story.copy(story.bob)
    assert "1200.5" not in words(copy) and "1200.5" in copy.body


def story_template(story: Story) -> str:
    story.assign("T-0")
    version = story.copy(story.bob, "T-0").template_version
    assert version is not None
    slug: str = version.template.slug
    return slug


def test_templates_that_show_it_are_found() -> None:
    story = Story.begin()
    slug = story_template(story)
    with_the_amount(slug)
    assert template_check.showing({"variables.amount"}) == []

    tick("variables.amount")

    assert [template.slug for template in template_check.showing({"variables.amount"})] == [slug]
    assert template_check.showing({"customer.phone"}) == []
