"""The demo's brand, under which customers hear, its working time, and a policy that counts in it."""

from django.conf import settings
from django.db import transaction

from escalations.models import (
    BusinessCalendar,
    CalendarOf,
    Clock,
    PersonCalendar,
    Policy,
    PolicyCondition,
    PolicyStep,
    StepTarget,
)
from notifications.models import Brand, Category, Engine, Operator, Recipient, Template

BRAND = "demo"
LOGO = "wfpush/demo_logo.svg"
POLICY = "Demo: inspections in working hours"
WEEK = {day: [["08:00", "12:00"], ["13:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
DUE_AFTER = 240
"""Working minutes: half a day."""


@transaction.atomic
def make(engine: str, people: list[str], base_url: str) -> None:
    """Make what is missing. `people`: refs of those who work by the calendar."""
    Brand.objects.get_or_create(
        slug=BRAND,
        defaults={
            "name": "Nordlicht Services",
            "accent": "#0b6e4f",
            "accent_dark": "#7fd6b2",
            "logo_url": logo_at(base_url),
            "from_email": "Nordlicht Services <service@nordlicht.example>",
            "contact_phone": "+49 30 5550100",
            "contact_email": "service@nordlicht.example",
            "contact_address": "Lindenstr. 5, 10969 Berlin",
        },
    )
    office, _made = BusinessCalendar.objects.get_or_create(
        name="Demo: office in Berlin",
        defaults={"timezone": "Europe/Berlin", "week": WEEK, "country": "DE", "subdivision": "BE"},
    )
    for person in Recipient.objects.filter(ref__in=people, engine=None):
        PersonCalendar.objects.get_or_create(recipient=person, defaults={"calendar": office})
    if not Policy.objects.filter(name=POLICY).exists():
        _make_policy(Engine.objects.get(slug=engine), office)


def _make_policy(engine: Engine, office: BusinessCalendar) -> None:
    """An inspection is due half a working day after it was given to somebody; their manager hears of it then."""
    policy = Policy.objects.create(
        name=POLICY,
        engine=engine,
        clock=Clock.DURATION,
        minutes=DUE_AFTER,
        calendar=office,
        calendar_of=CalendarOf.ASSIGNEE,
    )
    PolicyCondition.objects.create(policy=policy, path="task.kind", operator=Operator.EQUALS, value="field")
    for offset, target, template in ((-60, StepTarget.ASSIGNEE, "task-reminder"), (0, StepTarget.MANAGER, "task-late")):
        PolicyStep.objects.create(
            policy=policy,
            offset=offset,
            target=target,
            template=Template.objects.get(slug=template),
            category=Category.objects.get(slug="field-work"),
        )


def logo_at(base_url: str) -> str:
    return f"{base_url}{settings.STATIC_URL}{LOGO}"


def move_logo(base_url: str) -> None:
    """The demo may be started at another port; a logo of one's own stays."""
    Brand.objects.filter(slug=BRAND, logo_url__endswith=LOGO).update(logo_url=logo_at(base_url))
