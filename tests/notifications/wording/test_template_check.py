"""What an administrator hears before a template is published."""

import pytest

from notifications.models import EventVariable, TemplateVersion
from notifications.wording.template_check import Problem, check
from tests.factories import EventTypeFactory, RouteFactory, TemplateFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def version() -> TemplateVersion:
    """Of a template for task.assigned, whose events have an amount and, sensitive, a customer's phone number."""
    assigned = EventTypeFactory(name="task.assigned")
    assigned.variables.all().delete()
    EventVariable.objects.create(event_type=assigned, path="variables.amount")
    EventVariable.objects.create(event_type=assigned, path="customer.phone", sensitive=True)
    other = EventTypeFactory(name="com.acme.archived")
    EventVariable.objects.create(event_type=other, path="archive.shelf")
    template = TemplateFactory()
    RouteFactory(template=template, types=["task.assigned"])
    made: TemplateVersion = template.versions.get()
    return made


def said(
    version: TemplateVersion, *, title: str = "Hello", body: str = "", short_body: str = ""
) -> list[tuple[str, bool, str]]:
    version.texts.all().delete()
    version.texts.create(language="en", title=title, body=body, short_body=short_body)
    return [(problem.field, problem.fatal, problem.message) for problem in check(version)]


def test_nothing_is_wrong_with_what_events_are_known_to_have(version: TemplateVersion) -> None:
    body = """{{ task.name }} {{ variables.amount }} {{ info }} {{ customer.name }} {{ brand.name }} {{ event.type }}
        {% for each in documents %}{{ each.title }}{{ forloop.index }}{% endfor %}
        {% assign mine = case.title %}{{ mine }} {{ documents.size }} {{ documents[0].title }}"""

    assert said(version, title="{{ task.name }}", body=body, short_body="{{ case.id }}") == []


def test_a_mistake_in_the_syntax_keeps_it_from_being_published(version: TemplateVersion) -> None:
    assert said(version, title="{{ task.name", body="one\n{% if %}x{% endif %}", short_body="{{ a | nothing }}") == [
        ("title", True, "The last {{ is never closed by }}."),
        ("body", True, "Line 2: missing expression."),
        ("short_body", True, "Line 1: there is no filter “nothing”."),
    ]


def test_a_variable_nobody_sends_is_named(version: TemplateVersion) -> None:
    message = "No event of this template is known to have “{}”. Without it, “—” stands in its place."

    body = "{{ variables.amunt }} {% if task.naem %}{% endif %} {{ archive.shelf }} {{ nobody }}"

    assert said(version, body=body) == [
        ("body", False, message.format(path)) for path in ("archive.shelf", "nobody", "task.naem", "variables.amunt")
    ]


def test_a_template_of_every_type_may_use_what_any_type_has(version: TemplateVersion) -> None:
    RouteFactory(template=version.template, types=[])

    assert said(version, body="{{ archive.shelf }}") == []


def test_sensitive_words_do_not_get_onto_a_lock_screen(version: TemplateVersion) -> None:
    refused = "“{}” is sensitive: it cannot be in the short text, which lock screens show."

    assert said(version, body="{{ customer.phone }}", short_body="Call {{ customer.phone }}") == [
        ("short_body", True, refused.format("customer.phone"))
    ]
    assert said(version, short_body="Call {{ customer }}") == [("short_body", True, refused.format("customer"))]
    assert said(version, short_body="{{ customer[variables.amount] }}") == [
        ("short_body", True, refused.format("customer.*"))
    ]


def test_sensitive_words_are_refused_in_a_title_and_in_a_body_that_stands_in_for_the_short_text(
    version: TemplateVersion,
) -> None:
    found = said(version, title="Call {{ customer.phone }}", body="Call {{ customer.phone }}")

    assert [(field, fatal) for field, fatal, _ in found] == [("title", True), ("body", True)]
    assert all("lock screens" in message for _, _, message in found)
    assert said(version, body="Call {{ customer.phone }}", short_body="A call") == []


def test_a_title_for_mail_programs_is_only_pointed_out(version: TemplateVersion) -> None:
    version.texts.all().delete()
    version.texts.create(language="en", channel="email", title="Call {{ customer.phone }}", body="{{ customer.name }}")

    assert [(problem.field, problem.fatal) for problem in check(version)] == [("title", False)]


@pytest.mark.parametrize("channel", ["webpush", "fcm"])
def test_a_text_of_a_push_channels_own_is_held_to_the_same(version: TemplateVersion, channel: str) -> None:
    version.texts.create(
        language="en", channel=channel, title="{{ customer.phone }}", short_body="{{ customer.phone }}"
    )

    assert [(problem.field, problem.fatal) for problem in check(version)] == [("title", True), ("short_body", True)]


def test_a_problem_says_where_it_is(version: TemplateVersion) -> None:
    version.texts.all().delete()
    text = version.texts.create(language="de", channel="email", title="{% oops %}")

    assert check(version) == [Problem(text, "title", "Line 1: unexpected tag 'oops'.", fatal=True)]
