"""Engines whose tasks are polled: how often, when last, and what is wrong."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications import reasons
from notifications.admin.decorators import display
from notifications.admin.engine_access import OnePart
from notifications.admin.words import NOTHING, ago, mark, shortened
from notifications.engines import poll as polls
from notifications.models import Poll
from wfpush.queue import outbox


class PollForm(forms.ModelForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance._state.adding:
            self.initial["enabled"] = False  # so that ticking it alone makes the engine a polled one

    def save(self, commit: bool = True) -> Any:
        """Save only the fields of the form: the dispatcher writes the others at the same time."""
        if self.instance._state.adding or not commit:
            return super().save(commit)
        self.instance.save(update_fields=["enabled", "every", "sweep_every"])
        ask_now(self.instance)
        return self.instance


def ask_now(poll: Poll) -> None:
    """Poll at once, unless a poll is running."""
    if outbox.bring_forward(Poll.objects.filter(pk=poll.pk, enabled=True, lease_until=None), timezone.now()):
        outbox.wake_on_commit(polls.SOURCE_NAME)


class PollInline(OnePart):
    model = Poll
    form = PollForm
    readonly_fields = ["last_poll", "swept", "wrong"]
    fieldsets = [
        (
            None,
            {
                "fields": ["enabled", ("every", "sweep_every"), ("last_poll", "swept", "wrong")],
                "description": _(
                    "For engines that cannot call us: we read their open tasks by their REST interface. Without "
                    "expressions of its own, “its own JSON → CloudEvent” below, the preset of its kind is used."
                ),
            },
        )
    ]

    @display(description=_("asked last"))
    def last_poll(self, poll: Poll) -> SafeString:
        return ago(poll.asked_at)

    @display(description=_("asked for all last"))
    def swept(self, poll: Poll) -> SafeString:
        return ago(poll.swept_at)

    @display(description=_("what is wrong"))
    def wrong(self, poll: Poll) -> SafeString:
        return mark("bad", reasons.words(poll, "error")) if poll.error else NOTHING


def polling(poll: Poll | None) -> SafeString:
    """A column: when the engine was last polled, or why that failed."""
    if poll is None or not poll.enabled:
        return NOTHING
    if poll.error:
        return mark("bad", shortened(reasons.words(poll, "error"), 80))
    if poll.asked_at is None:
        return mark("wait", gettext("not asked yet"))
    return mark("ok", format_html(gettext("asked {when}"), when=ago(poll.asked_at)))
