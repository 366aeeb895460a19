"""The alarms on top of the overview: problems that keep people from messages or from signing in."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db.models import Count, F, Model
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications import reasons
from notifications.admin.desk.display import clock, link, short, span
from notifications.channels import registry
from notifications.engines import health
from notifications.intake import limit_use
from notifications.models import Engine, Event, Limit, LinkMail, PausedService
from notifications.observability import backlog
from notifications.wording.plaintext import clean_line
from wfpush.models import Heartbeat
from wfpush.numbers import number
from wfpush.observability import services
from wfpush.processes.worker_registry import has_died_here, latest_worker

LINKS_WITHIN = timedelta(hours=24)
"""Age up to which sign-in links that were not mailed are reported: the lifetime of a link."""
QUIET_FOR = timedelta(seconds=90)
"""Silence of a worker's part after which the overview reports it. The watchdog then restarts the part. A part that has
died on this machine is reported at once."""


def silent_parts(now: datetime) -> list[str]:
    """Return sentences about parts of the worker that have not run lately."""
    running = list(Heartbeat.objects.filter(stopped_at=None).order_by("name"))
    quiet = [beat for beat in running if beat.beat_at < now - QUIET_FOR or has_died_here(beat)]
    latest = latest_worker() if len(quiet) == len(running) else running[0]
    if latest is None:
        return [_("The worker has never run: nothing is processed or sent. Start `manage.py worker`.")]
    if latest.stopped_at is not None:
        text = _("The worker was stopped (%(time)s): nothing is processed or sent. Start `manage.py worker`.")
        return [text % {"time": short(latest.stopped_at)}]
    text = _("The worker %(name)s has sent no heartbeat for %(span)s: is it running?")
    return [text % {"name": beat.name, "span": span(now - beat.beat_at)} for beat in quiet]


def services_at_fault(now: datetime) -> list[str]:
    """Return a sentence for each service that rejects our credentials, and gets nothing until they are corrected; then
    for each that is slow, refuses or is away, except engines."""
    text = _("%(service)s refuses messages and is paused until %(until)s: %(reason)s")
    paused = list(PausedService.objects.order_by("service"))
    refusing = [
        text % {"service": each.service, "until": clock(each.until), "reason": reasons.words(each)} for each in paused
    ]
    others = services.sentences(now, short, reasons.words, {(each.channel, each.service) for each in paused})
    return [*refusing, *others]


def engines_with_faults(now: datetime) -> list[str]:
    """Return the faults of each engine, with a link to its page."""
    return [format_html("{}: {}", link(each.engine), each.sentences(short)) for each in health.all_with_faults(now)]


def links_not_mailed(now: datetime) -> list[str]:
    """Return a sentence about links that could not be mailed: people wait for them and cannot sign in."""
    mails = LinkMail.objects.filter(created_at__gte=now - LINKS_WITHIN, sent_at=None, detail__gt="")
    last = mails.order_by("-created_at").first()
    if last is None:
        return []
    count = mails.count()
    text = ngettext(
        "A sign-in link could not be mailed in the last 24 hours: %(why)s",
        "%(count)s sign-in links could not be mailed in the last 24 hours. Latest reason: %(why)s",
        count,
    )
    return [text % {"count": count, "why": clean_line(last.detail)}]


def alarms_of_channels(now: datetime) -> list[str]:
    return [alarm for channel in registry.channels().values() for alarm in channel.alarms()]


def event_backlog(now: datetime) -> list[str]:
    """Return a sentence if events come faster than they are processed."""
    events = backlog.find_large(now)
    return [" ".join(filter(None, [events.sentence(), _most_from(now)]))] if events is not None else []


def _most_from(now: datetime) -> str:
    """Return a sentence about the engine with the most waiting events, if there are several engines."""
    engines = list(
        Event.backlog(now).values_list("engine__name").annotate(waiting=Count("pk")).order_by("-waiting")[:2]
    )
    if len(engines) < 2:
        return ""
    name, count = engines[0]
    return _("%(count)s of them are from %(engine)s.") % {"count": number(count), "engine": name}


def engines_at_their_limit(now: datetime) -> list[str]:
    limited = Event.objects.filter(due_at__isnull=False, engine__active=True, engine__most_waiting__isnull=False)
    counts = limited.order_by().values_list("engine__name", "engine__most_waiting").annotate(waiting=Count("pk"))
    text = _("%(engine)s has been asked to send its events later: %(count)s are waiting, which is its limit or more.")
    return [
        text % {"engine": name, "count": number(count)}
        for name, _most, count in counts.filter(waiting__gte=F("engine__most_waiting")).order_by("engine__name")
    ]


ALARMS: list[tuple[type[Model], Callable[[datetime], list[str]]]] = [
    (Event, silent_parts),
    (Event, event_backlog),
    (Event, engines_at_their_limit),
    (Limit, limit_use.warnings),
    (Event, services_at_fault),
    (Engine, engines_with_faults),
    (Event, alarms_of_channels),
    (LinkMail, links_not_mailed),
]
"""Functions that return alarms, each for users who may see the rows of its model."""
