"""The time zone of a person who has none: that of the browser in which they open the inbox first."""

from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone

from notifications.inbox.session import PersonRequest, form_only, person_required
from notifications.models import Recipient
from notifications.preferences import saving
from wfpush import zones


@form_only
@person_required
def learn(request: PersonRequest) -> HttpResponse:
    """Keep the zone that the page's script tells, if the person has none yet: 204, or 422 for one that is unknown.

    E-mails, notifications and clocks then speak of the same hours as the page.
    """
    name = request.POST.get("timezone", "")[:60]
    if name not in zones.names():
        return HttpResponse(status=422)
    with transaction.atomic():
        if Recipient.objects.filter(pk=request.recipient.pk, timezone="").update(timezone=name):
            request.recipient.timezone = name
            saving.apply(request.recipient, timezone.now())
    return HttpResponse(status=204)
