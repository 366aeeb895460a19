"""Cases that a person mutes or follows, and kinds of cases that they follow: those of an engine with the same type.

People can mute or follow only cases that they were notified of, and none whose tasks were taken from them. People who
follow a kind follow each case of it from their first notification on, and get no others.
"""

from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet

from notifications.items.revoked_items import part
from notifications.models import Case, FollowedKind, MutedCase, Notification, Recipient


@dataclass(frozen=True, slots=True)
class Following:
    """A person's choices for a case."""

    follows: bool
    mutes: bool
    follows_kind: bool


def of_case(person: Recipient, case: Case) -> Following:
    follows = Case.followers.through.objects.filter(case=case, recipient=OuterRef("pk"))
    mutes = MutedCase.objects.filter(case=case, recipient=OuterRef("pk"))
    kinds = FollowedKind.objects.filter(engine=case.engine_id, case_type=case.type, recipient=OuterRef("pk"))
    rows = Recipient.objects.filter(pk=person.pk).values_list(Exists(follows), Exists(mutes), Exists(kinds))
    return Following(*rows[0])


def cases_of(person: Recipient) -> QuerySet[Case]:
    """Return the cases in which the person has a part by their notifications, or that they follow already."""
    heard_of = Notification.objects.filter(part(), recipient=person, case=OuterRef("pk"))
    followed = Case.followers.through.objects.filter(recipient=person, case=OuterRef("pk"))
    return Case.objects.filter(Exists(heard_of) | Exists(followed))


def mute(person: Recipient, case: Case) -> None:
    MutedCase.objects.get_or_create(recipient=person, case=case)


def unmute(person: Recipient, case: Case) -> None:
    MutedCase.objects.filter(recipient=person, case=case).delete()


def follow_kind(person: Recipient, case: Case) -> None:
    """Follow the kind of the case. Nothing happens for a case without a type."""
    if case.type:
        FollowedKind.objects.get_or_create(recipient=person, engine=case.engine, case_type=case.type)


def unfollow_kind(person: Recipient, case: Case) -> None:
    FollowedKind.objects.filter(recipient=person, engine=case.engine_id, case_type=case.type).delete()


def followers_of(case: Case) -> QuerySet[Recipient]:
    """Return the people who follow the case, or who follow its kind and were notified of it."""
    followers = Case.followers.through.objects.filter(case=case).values("recipient")
    heard = Notification.objects.filter(part(), recipient=OuterRef("recipient"), case=case)
    of_kind = FollowedKind.objects.filter(Exists(heard), engine=case.engine_id, case_type=case.type)
    return Recipient.objects.filter(Q(pk__in=followers) | Q(pk__in=of_kind.exclude(case_type="").values("recipient")))
