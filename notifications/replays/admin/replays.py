"""The list of replays: who ordered each, how much of it was sent, and undoing it."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import LedgerAdmin, ReadOnlyInline
from notifications.admin.desk.decorators import action, column, display, state_column, time_column
from notifications.admin.desk.display import Tone, shortened
from notifications.admin.desk.filters import Recent
from notifications.replays import orders
from notifications.replays.kinds import KINDS
from notifications.replays.models import Replay, ReplayedRow, ReplayedState, ReplayKind, ReplayState
from wfpush.numbers import number

BATCH = 5_000
"""Number of keys in one SQL statement."""
TONES: dict[str, Tone] = {
    ReplayState.RUNNING: "wait",
    ReplayState.DONE: "ok",
    ReplayState.UNDOING: "wait",
    ReplayState.UNDONE: "quiet",
}


class ReplayedInline(ReadOnlyInline):
    model = ReplayedRow
    fields = ["what", "state"]
    show_change_link = False

    @display(description=_("what"))
    def what(self, replayed: ReplayedRow) -> SafeString:
        model = KINDS[replayed.replay.kind].model
        address = reverse(f"admin:notifications_{model._meta.model_name}_change", args=[replayed.row])
        return format_html('<a class="desk-link" href="{}">{}</a>', address, replayed.row)


@admin.register(Replay)
class ReplayAdmin(LedgerAdmin):
    empty_says = _(
        "Work that operators have ordered again. There is none yet: start from the lists of events, "
        "deliveries or callbacks."
    )
    list_display = ["ordered", "author", "kind", "of_what", "state_mark", "chosen", "again", "left", "put_back"]
    list_filter = ["kind", "state", Recent]
    list_select_related = ["by"]
    actions_detail = ["undo"]
    inlines = [ReplayedInline]
    fields = [
        "ordered_at",
        "by",
        "kind",
        "of_what",
        "state_mark",
        "ended_at",
        "chosen",
        "again",
        "left",
        "put_back",
        "too_late",
    ]

    ordered = time_column("ordered_at", _("ordered"), "id")
    author = column(lambda replay: str(replay.by or "–"), _("by"), "by__username")

    @display(description=_("selection"))
    def of_what(self, replay: Replay) -> SafeString:
        return shortened(replay.selection or gettext("all that failed"), 120)

    state_mark = state_column(TONES)

    def offers(self, action: str, row: Replay) -> bool:
        return row.state in orders.UNDOABLE

    def has_undo_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return any(self._may_undo(request, kind) for kind in ReplayKind)

    def _may_undo(self, request: HttpRequest, kind: str) -> bool:
        """Return whether the user may undo a replay of this kind: the right to order it is enough."""
        return request.user.has_perm(f"notifications.change_{KINDS[kind].model._meta.model_name}")

    @action(description=_("Undo"), url_path="undo", permissions=["undo"], icon="undo")
    def undo(self, request: HttpRequest, object_id: str) -> HttpResponse:
        replay: Replay = self.get_row(request, object_id)
        if not self._may_undo(request, replay.kind) or replay.state not in orders.UNDOABLE:
            return self.done(request, replay, gettext("This cannot be undone, or has been already."), messages.WARNING)
        if request.method != "POST":
            title, button = gettext("Undo it"), gettext("Put back")
            return self.ask(request, replay, title=title, text=undo_question(replay), button=button)
        if not orders.undo(replay.pk, timezone.now()):
            return self.done(request, replay, gettext("This cannot be undone, or has been already."), messages.WARNING)
        return self.done(request, replay, gettext("Waiting entries are put back. Reload this page in a moment."))


def undo_question(replay: Replay) -> str:
    """Return how many rows still wait and are put back, and that the rest stays sent."""
    kind = KINDS[replay.kind]
    sent = replay.rows.filter(state=ReplayedState.AGAIN)
    spared = replay.rows.filter(state=ReplayedState.WAITING).count()
    waiting = spared + sum(kind.untaken_of(batch) for batch in _in_batches(sent.values_list("row", flat=True)))
    gone = spared + sent.count() - waiting
    text = ngettext(
        "%(waiting)s still waits and is put back as it was.",
        "%(waiting)s still wait and are put back as they were.",
        waiting,
    ) % {"waiting": number(waiting)}
    if not gone:
        return text
    more = ngettext(
        "%(gone)s has been taken by a worker since then and cannot be undone.",
        "%(gone)s have been taken by a worker since then and cannot be undone.",
        gone,
    )
    return f"{text} {more % {'gone': number(gone)}}"


def _in_batches(keys: QuerySet[Any]) -> Iterator[list[Any]]:
    """Yield the keys in lists of BATCH: a join would need statistics of rows that were just written."""
    left = keys.order_by().iterator(chunk_size=BATCH)
    while batch := list(islice(left, BATCH)):
        yield batch
