"""Whose reasons for having tasks have changed, and are to be looked at."""

from django.db import models
from django.db.models import Q

from wfpush.queue.outbox import Work


class EntitlementReview(Work):
    """The reasons for which somebody has tasks, or for which others have them in that person's stead, may have ended.

    Triggers make the rows, whoever writes: of members and leads of teams, managers, absences, roles in cases, lists for
    cases. Of somebody who is away the row is due again at the end of the absence.
    """

    person_id = models.BigIntegerField(primary_key=True)
    """Of a person who may be gone by then."""

    class Meta(Work.Meta):
        default_permissions = ()
        indexes = [models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="entitlement_review_due")]

    def __str__(self) -> str:
        return str(self.person_id)
