"""What the overview says when events come faster than they are processed, and when an engine is told to wait."""

from datetime import datetime

from django.db.models import Count, F
from django.utils.translation import gettext as _

from notifications.models import Event
from wfpush.observability import backlog
from wfpush.observability.backlog import number


def backlogs(now: datetime) -> list[str]:
    return [*_of_all(now), *_of_engines_at_their_limit()]


def _of_all(now: datetime) -> list[str]:
    found = backlog.told(now)
    if found is None:
        return []
    return [" ".join(filter(None, [found.sentence(), _most_from(now)]))]


def _most_from(now: datetime) -> str:
    """The engine with the most waiting events, if there are several."""
    engines = list(
        Event.backlog(now).values_list("engine__name").annotate(waiting=Count("pk")).order_by("-waiting")[:2]
    )
    if len(engines) < 2:
        return ""
    name, count = engines[0]
    return _("%(count)s of them are from %(engine)s.") % {"count": number(count), "engine": name}


def _of_engines_at_their_limit() -> list[str]:
    limited = Event.objects.filter(due_at__isnull=False, engine__active=True, engine__most_waiting__isnull=False)
    counts = limited.order_by().values_list("engine__name", "engine__most_waiting").annotate(waiting=Count("pk"))
    text = _("%(engine)s is told to send its events later: %(count)s wait, as many as its page allows, or more.")
    return [
        text % {"engine": name, "count": number(count)}
        for name, _most, count in counts.filter(waiting__gte=F("engine__most_waiting")).order_by("engine__name")
    ]
