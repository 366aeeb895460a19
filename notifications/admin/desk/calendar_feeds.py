"""The state of a calendar that is read, in lists and forms."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext

from notifications import reasons
from notifications.admin.desk.display import ago, mark, there, with_why
from notifications.models.calendar_feeds import CalendarFeed


def reading_mark(feed: CalendarFeed) -> SafeString:
    """Return the state of a calendar: failing since when and why, not read yet, or the time of the last reading."""
    if feed.failing_since is not None:
        last_version_note = gettext("The entries read before still apply.") if feed.read_at else ""
        arguments = {"time": there(feed.failing_since), "why": reasons.words(feed, "fault")}
        return with_why(mark("bad", gettext("not read since %(time)s: %(why)s") % arguments), last_version_note)
    if feed.read_at is None:
        return mark("wait", gettext("not read yet"))
    return with_why(mark("ok", gettext("read")), ago(feed.read_at))
