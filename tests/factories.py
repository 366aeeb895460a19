"""The people, engines and tasks of the tests' stories: Alice requests, Bob approves, Carol manages."""

import hashlib
from datetime import datetime
from typing import Any

import factory
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.utils import timezone
from factory.django import DjangoModelFactory

from notifications.models import (
    ActionToken,
    Brand,
    Case,
    Category,
    Delivery,
    Engine,
    Event,
    EventType,
    Notification,
    NotificationState,
    Recipient,
    Route,
    RouteTarget,
    SignInLink,
    Task,
    Team,
    Template,
    TemplateAction,
    TemplateText,
    TemplateVersion,
    VersionState,
)
from notifications.types import Json
from wfpush.crypto import digest_of, new_action_token, new_link_token

PASSWORD = "a long walk by the sea"
"""Every user account made here has it."""

DECISIONS: list[Json] = [
    {"action": "acknowledge", "title": "Acknowledge", "effect": "acknowledge", "comment": "none"},
    {"action": "approve", "title": "Approve", "effect": "final", "comment": "optional"},
    {"action": "reject", "title": "Reject", "effect": "final", "comment": "required"},
    {"action": "request_info", "title": "Ask for information", "effect": "request_info", "comment": "required"},
]
"""What an approval offers, as a notification keeps it."""


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = get_user_model()
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"user{n}")
    password = factory.django.Password(PASSWORD)


class EngineFactory(DjangoModelFactory[Engine]):
    class Meta:
        model = Engine

    slug = factory.Sequence(lambda n: f"engine-{n}")
    name = "Invoices"


class BrandFactory(DjangoModelFactory[Brand]):
    class Meta:
        model = Brand

    slug = factory.Sequence(lambda n: f"brand-{n}")
    name = "Acme"


class RecipientFactory(DjangoModelFactory[Recipient]):
    """An internal person with an account; `user=None` for one without, `engine=…` for an external person."""

    class Meta:
        model = Recipient

    ref = factory.Sequence(lambda n: f"person{n}")
    name = factory.LazyAttribute(lambda person: person.ref.capitalize())
    user: Any = factory.Maybe("engine", None, factory.SubFactory(UserFactory, username=factory.SelfAttribute("..ref")))
    engine = None


class TeamFactory(DjangoModelFactory[Team]):
    """`members=[…]` joins people to it."""

    class Meta:
        model = Team
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"team-{n}")
    name = factory.LazyAttribute(lambda team: team.slug.capitalize())

    @factory.post_generation
    def members(self: Team, create: bool, extracted: list[Recipient] | None, **kwargs: Any) -> None:  # type: ignore[misc]
        if extracted:
            self.members.set(extracted)


class CategoryFactory(DjangoModelFactory[Category]):
    class Meta:
        model = Category
        django_get_or_create = ("slug",)

    slug = "approvals"
    name = "Approvals"


class EventTypeFactory(DjangoModelFactory[EventType]):
    class Meta:
        model = EventType
        django_get_or_create = ("name",)

    name = "task.assigned"


class TemplateFactory(DjangoModelFactory[Template]):
    """A template with one published version in English; `texts` is language → (title, body)."""

    class Meta:
        model = Template
        skip_postgeneration_save = True

    slug = factory.Sequence(lambda n: f"template-{n}")
    name = factory.LazyAttribute(lambda template: template.slug.capitalize())

    @factory.post_generation
    def texts(self: Template, create: bool, extracted: dict[str, tuple[str, str]] | None, **kwargs: Any) -> None:  # type: ignore[misc]
        version = TemplateVersion.objects.create(
            template=self, number=1, state=VersionState.PUBLISHED, published_at=timezone.now()
        )
        texts = extracted or {"en": ("{{ task.name }}", "{{ task.description }}")}
        for language, (title, body) in texts.items():
            TemplateText.objects.create(version=version, language=language, title=title, body=body)
        for decision in DECISIONS:
            TemplateAction.objects.create(
                version=version,
                action=decision["action"],
                comment=decision["comment"],
                labels={"en": decision["title"]},
            )


class RouteFactory(DjangoModelFactory[Route]):
    """`types=["task.assigned"]` and `targets=[TargetKind.ASSIGNEE]` complete it."""

    class Meta:
        model = Route
        skip_postgeneration_save = True

    name = factory.Sequence(lambda n: f"Route {n}")
    category = factory.SubFactory(CategoryFactory)
    template = factory.SubFactory(TemplateFactory)

    @factory.post_generation
    def types(self: Route, create: bool, extracted: list[str] | None, **kwargs: Any) -> None:  # type: ignore[misc]
        self.event_types.set([EventTypeFactory(name=name) for name in extracted or []])

    @factory.post_generation
    def targets(self: Route, create: bool, extracted: list[str] | None, **kwargs: Any) -> None:  # type: ignore[misc]
        for kind in extracted or []:
            RouteTarget.objects.create(route=self, kind=kind)


class EventFactory(DjangoModelFactory[Event]):
    class Meta:
        model = Event

    engine = factory.SubFactory(EngineFactory)
    source = "invoices"
    event_id = factory.Sequence(lambda n: f"event-{n}")
    type = "task.assigned"
    received_at = factory.LazyFunction(timezone.now)
    processed_at = factory.LazyAttribute(lambda event: None if event.due_at else event.received_at)
    due_at = None
    digest = factory.LazyAttribute(lambda event: hashlib.sha256(event.event_id.encode()).hexdigest())


class CaseFactory(DjangoModelFactory[Case]):
    class Meta:
        model = Case

    engine = factory.SubFactory(EngineFactory)
    case_id = factory.Sequence(lambda n: f"case-{n}")
    title = factory.LazyAttribute(lambda case: f"Invoice {case.case_id}")


class TaskFactory(DjangoModelFactory[Task]):
    class Meta:
        model = Task

    engine = factory.SubFactory(EngineFactory)
    task_id = factory.Sequence(lambda n: f"made-{n}")  # no id that a test gives, such as T-42
    name = "Approve invoice 4711"
    kind = "approval"
    case = factory.SubFactory(CaseFactory, engine=factory.SelfAttribute("..engine"))


class NotificationFactory(DjangoModelFactory[Notification]):
    """An open copy of a task. `task=None` (and `state="info"`) for an update."""

    class Meta:
        model = Notification

    recipient = factory.SubFactory(RecipientFactory)
    task = factory.SubFactory(TaskFactory)
    case = factory.LazyAttribute(lambda notification: notification.task.case if notification.task else None)
    category = factory.SubFactory(CategoryFactory)
    template_version = factory.LazyFunction(lambda: TemplateFactory().versions.get())
    state = factory.LazyAttribute(lambda notification: "open" if notification.task else NotificationState.INFO)
    title = factory.LazyAttribute(lambda notification: notification.task.name if notification.task else "An update")
    actions = factory.LazyAttribute(lambda notification: DECISIONS if notification.task else [])
    created_at = factory.LazyFunction(timezone.now)
    updated_at = factory.SelfAttribute("created_at")

    @factory.lazy_attribute
    def seq(self: Any) -> int:  # type: ignore[misc]
        """The next one of the person's inbox, kept contiguous."""
        self.recipient.inbox_seq += 1
        Recipient.objects.filter(pk=self.recipient.pk).update(inbox_seq=self.recipient.inbox_seq)
        return int(self.recipient.inbox_seq)


def action_token(notification: Notification, *, expires_at: datetime, actions: list[str] | None = None) -> str:
    """A link's token for a copy, as an e-mail carries it; only its digest is stored."""
    token = new_action_token()
    delivery = Delivery.objects.create(
        event=notification.event or EventFactory(),
        notification=notification,
        recipient=notification.recipient,
        channel="email",
        address=f"{digest_of(token)[:12]}@example.org",
        created_at=timezone.now(),
    )
    ActionToken.objects.create(
        digest=digest_of(token),
        recipient=notification.recipient,
        notification=notification,
        delivery=delivery,
        actions=actions if actions is not None else [action["action"] for action in notification.actions],
        expires_at=expires_at,
    )
    return token


def sign_in_link(recipient: Recipient, *, expires_at: datetime, next: str = "/") -> str:
    """The token of a link that signs a person in once."""
    token = new_link_token()
    SignInLink.objects.create(digest=digest_of(token), recipient=recipient, next=next, expires_at=expires_at)
    return token
