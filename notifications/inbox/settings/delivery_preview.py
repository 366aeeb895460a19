"""Previews of deliveries now and in the next quiet hours, in sentences of the reader's language."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import dateformat, timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.channel_facts import channel_name
from notifications.models import Recipient
from notifications.routing.forecast import TASK, UPDATE, URGENT, Outlook, Outlooks, Reach
from notifications.wording.times import day, hour

NAMED = 3
"""Devices that a sentence names; more devices are counted."""
A_WEEK = timedelta(days=6)


@dataclass(frozen=True)
class Moment:
    """A moment of the preview. `when` is such as “Now, Friday 22:40”; there is a sentence for each kind of message."""

    when: str
    sentences: Sequence[str]


def moments(person: Recipient, now: datetime) -> list[Moment]:
    """Return the preview of now, and of the start of the next quiet hours, or their end if they are now."""
    outlooks = Outlooks(person)
    with timezone.override(outlooks.chosen.zone):
        sections = [Moment(_("Now, %(time)s") % {"time": _weekday(now)}, _sentences(outlooks, now, now))]
        if (later := _later(outlooks, now)) is not None:
            title, at = later
            sections.append(Moment(title % {"time": _weekday(at)}, _sentences(outlooks, at, now)))
        if always := list(_always(outlooks)):
            sections.append(Moment(_("At any time"), always))
        return sections


def _always(outlooks: Outlooks) -> Iterator[str]:
    """Yield sentences about limits that depend on earlier messages, or on the case of a message."""
    if (most := outlooks.most_an_hour(TASK)) is not None:
        text = _("At most %(most)d messages an hour would come by each channel; further ones would wait for a digest.")
        urgent = _("Urgent tasks would not wait.") if outlooks.most_an_hour(URGENT) is None else ""
        yield f"{text % {'most': most}} {urgent}".rstrip()
    if outlooks.is_quiet_where_muted(UPDATE):
        count = len(outlooks.chosen.muted)
        yield ngettext(
            "An update about the %(count)d muted case would appear in your inbox only.",
            "An update about one of the %(count)d muted cases would appear in your inbox only.",
            count,
        ) % {"count": count}


def _later(outlooks: Outlooks, now: datetime) -> tuple[str, datetime] | None:
    quiet = outlooks.chosen.quiet
    following = quiet.next_until(now) if quiet is not None else None
    if following is None:
        return None
    begins, ends = following
    if begins > now:
        return _("In the next quiet hours, from %(time)s"), begins
    return _("After these quiet hours, from %(time)s"), ends


def _sentences(outlooks: Outlooks, at: datetime, now: datetime) -> list[str]:
    forecasts = outlooks.at(at)
    happens = {_happens(each.reach, at) for each in forecasts}
    if len(happens) == 1:
        return [_("%(what)s would %(happens)s.") % {"what": _("Everything"), "happens": happens.pop()}]
    kinds = [each.kind for each in forecasts]
    return [_sentence(each, at, alone=kinds.count(each.kind) == 1) for each in forecasts]


def _sentence(outlook: Outlook, at: datetime, *, alone: bool) -> str:
    what = {URGENT: _("An urgent task"), TASK: _("Any other task"), UPDATE: _("An update")}[outlook.kind]
    if not alone:
        language = translation.get_language() or ""
        what = f"{what} ({', '.join(each.name_in(language) for each in outlook.categories)})"
    return _("%(what)s would %(happens)s.") % {"what": what, "happens": _happens(outlook.reach, at)}


def _happens(reach: Reach, at: datetime) -> str:
    ways = list(_ways(reach))
    happens = _(" and ").join(ways) if ways else _("appear in your inbox only")
    if reach.waits_until is None:
        return happens
    placeholders = {"time": _until(reach.waits_until, at), "happens": happens}
    return _("wait until %(time)s, and then %(happens)s") % placeholders


def _ways(reach: Reach) -> Iterator[str]:
    if reach.rings:
        yield _("ring %(devices)s") % {"devices": _several(reach.rings)}
    if reach.silent:
        yield _("come without a sound on %(devices)s") % {"devices": _several(reach.silent)}
    for channel in reach.channels:
        yield _("come by %(channel)s") % {"channel": channel_name(channel)}


def _several(names: Sequence[str]) -> str:
    """Return the names as in `Firefox on Linux, Chrome on Android and 3 more`."""
    more = len(names) - NAMED
    if more <= 1:
        return ", ".join(names)
    return _("%(names)s and %(count)d more") % {"names": ", ".join(names[:NAMED]), "count": more}


def _weekday(at: datetime) -> str:
    """Return the weekday and time: `Friday 22:40`."""
    here = timezone.localtime(at)
    return f"{dateformat.format(here, 'l')} {hour(here)}"


def _until(until: datetime, at: datetime) -> str:
    """Return `07:00` of the same day or the next morning, `Saturday 07:00`, or the time with its date."""
    here, today = timezone.localtime(until), timezone.localtime(at).date()
    if until - at < timedelta(hours=24):
        return hour(here)
    return _weekday(until) if until - at < A_WEEK else f"{day(here.date(), today)} {hour(here)}"
