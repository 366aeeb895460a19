"""“My team”: who of those whom the reader leads is away, with the way to say so for them."""

from django.http import Http404, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from notifications.inbox.absence_states import reports
from notifications.inbox.session import PersonRequest, person_required
from notifications.inbox.shell import show_page
from notifications.people.leading import led_by
from notifications.wording.formats import zone_of


@person_required
@require_safe
def page(request: PersonRequest) -> HttpResponse:
    """For whoever leads somebody; 404 for others."""
    if not led_by(request.recipient).exists():
        raise Http404
    with timezone.override(zone_of(request.recipient.timezone)):
        people = list(reports(request.recipient, timezone.now()))
        return show_page(request, "inbox/team.html", {"reports": people})
