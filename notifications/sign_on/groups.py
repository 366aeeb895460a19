"""Teams and desk roles by the groups that a provider sends.

Only teams and roles of the provider's table change.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.utils import timezone

from notifications.fixed_rows import why_fixed
from notifications.models import Recipient, Team
from notifications.people import revocation
from notifications.sign_on.models import IdentityProvider


@dataclass
class Changes:
    """What a sign-in changes about one user."""

    joined: list[Team] = field(default_factory=list)
    left: list[Team] = field(default_factory=list)
    roles_given: list[Group] = field(default_factory=list)
    roles_taken: list[Group] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.joined or self.left or self.roles_given or self.roles_taken)

    def __str__(self) -> str:
        """Return the changes as signed names: “+Finance −Operators”."""
        added = [f"+{each}" for each in (*self.joined, *self.roles_given)]
        return " ".join([*added, *(f"−{each}" for each in (*self.left, *self.roles_taken))])


def groups_in(provider: IdentityProvider, claims: dict[str, Any]) -> set[str] | None:
    """Return the groups of an identity. Providers leave the claim out for people in none. None: nothing is known of
    them, as Entra ID names only where to ask if there are too many."""
    if not provider.groups_claim or "hasgroups" in claims or provider.groups_claim in claims.get("_claim_names", {}):
        return None
    sent = claims.get(provider.groups_claim, [])
    return {sent} if isinstance(sent, str) else {str(group) for group in sent} if isinstance(sent, list) else None


def changes(provider: IdentityProvider, user: User, groups: set[str]) -> Changes:
    """Return what these groups would change, by the provider's table as it is now."""
    result = Changes()
    rows = list(provider.mappings.select_related("team", "role"))
    person = Recipient.objects.filter(user=user).first()
    if person is not None:
        own = set(person.teams.values_list("pk", flat=True))
        mapped = [(row.team, row.group in groups) for row in rows if row.team and not why_fixed(row.team, "members")]
        result.joined, result.left = _compare(mapped, own)
    own = set(user.groups.values_list("pk", flat=True))
    result.roles_given, result.roles_taken = _compare(
        [(row.role, row.group in groups) for row in rows if row.role], own
    )
    return result


def _compare(mapped: Iterable[tuple[Any, bool]], own: set[int]) -> tuple[list[Any], list[Any]]:
    """Return what somebody gains and loses. Of several groups for one team or role, one is enough."""
    wanted: dict[Any, bool] = {}
    for each, is_member in mapped:
        wanted[each] = wanted.get(each, False) or is_member
    gained = [each for each, is_member in wanted.items() if is_member and each.pk not in own]
    return gained, [each for each, is_member in wanted.items() if not is_member and each.pk in own]


@transaction.atomic
def apply(provider: IdentityProvider, user: User, groups: set[str]) -> Changes:
    """Change the user's teams and roles. Whoever has a role from the table is staff; without any role, no longer."""
    result = changes(provider, user, groups)
    person = Recipient.objects.filter(user=user).first()
    if person is not None:
        for team in result.joined:
            team.members.add(person)
        for team in result.left:
            team.members.remove(person)
    if result.roles_given or result.roles_taken:
        user.groups.add(*result.roles_given)
        user.groups.remove(*result.roles_taken)
        _set_staff(user, bool(result.roles_given) or (user.is_staff and user.groups.exists()))
    return result


def _set_staff(user: User, is_staff: bool) -> None:
    """Change whether the user is staff. Sessions from before end: a link may have begun them, which opens no desk."""
    if user.is_staff != is_staff:
        user.is_staff = is_staff
        user.save(update_fields=["is_staff"])
        revocation.end_sessions(user.pk, timezone.now())
