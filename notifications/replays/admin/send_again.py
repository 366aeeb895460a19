"""Sending failed work again: one row, chosen rows, all rows of a list, or rows that failed since a time.

A page counts and shows the rows first. The page's address has the whole selection, so that the page can be reloaded;
only its button orders a replay.
"""

from copy import copy
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import path, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.views import ChangeList
from unfold.widgets import UnfoldAdminTextInputWidget

from notifications import reasons
from notifications.admin.desk.base import LedgerAdmin, as_uuid
from notifications.admin.desk.decorators import action
from notifications.admin.desk.display import change_url, exact, list_url
from notifications.channel_facts import channel_name
from notifications.models import EventStatus
from notifications.replays import orders
from notifications.replays.kinds import Kind
from notifications.replays.models import Replay, ReplayKind
from wfpush.identifiers import lowest_id, uuid7
from wfpush.numbers import number

GROUPS, PEOPLE = 20, 8
"""Maximum number of groups and of people that are named; the others are counted."""
SINCE, ROW = "since", "row"
"""Parameters of the page, beside those of the list."""
MOST_DIGITS = 9
OLDEST = timedelta(days=1)
"""Maximum age of the page. An older page is shown again with the present rows."""
ERROR = 160
"""Number of characters by which errors of events are told apart."""


@dataclass(frozen=True)
class Facts:
    """Fields of a kind's rows: the engine, the error as a text or a column with a fact, the person, and the channel."""

    engine: str
    error: str
    person: str = ""
    channel: str = ""


FACTS = {
    ReplayKind.EVENTS: Facts("engine__name", "error"),
    ReplayKind.DELIVERIES: Facts("event__engine__name", "reason_fact", "recipient", "channel"),
    ReplayKind.CALLBACKS: Facts("engine__name", "detail_fact", "response__recipient"),
}


class SinceForm(forms.Form):
    since = forms.DateTimeField(
        label=_("Only failures since"),
        required=False,
        widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local", "step": "60"}),
    )


@dataclass
class Selection:
    """The selection in the page's address."""

    rows: QuerySet[Any]
    words: list[str]
    back: str


@dataclass(frozen=True)
class ReplayTexts:
    """Texts of the page of one row: why the row cannot be sent, the question, and the results."""

    refused: str
    title: str
    question: str
    button: str
    sent: str
    not_sent: str = ""


@dataclass(frozen=True)
class Group:
    engine: str
    channel: str
    why: str
    count: int


@dataclass
class Preview:
    """The rows that would be sent again. They are counted exactly, but not read."""

    kind: Kind
    rows: QuerySet[Any]

    @cached_property
    def count(self) -> int:
        return self.rows.order_by()[: orders.MAX_ROWS + 1].count()

    @property
    def is_too_much(self) -> bool:
        return self.count > orders.MAX_ROWS

    @cached_property
    def groups(self) -> list[Group]:
        """The groups by engine and error, the largest first."""
        facts = FACTS[self.kind.name]
        if self.kind.name == ReplayKind.EVENTS:
            rows = self.rows.annotate(why=Left(facts.error, ERROR)).values(facts.engine, "why", "status")
        else:
            rows = self.rows.values(*filter(None, (facts.engine, facts.channel)), facts.error)
        group_rows = rows.order_by().annotate(count=Count("pk")).order_by("-count")[:GROUPS]
        return [self._group(each, facts) for each in group_rows]

    def _group(self, row: dict[str, Any], facts: Facts) -> Group:
        if "status" in row:
            why = row["why"] or str(EventStatus(row["status"]).label)
        else:
            why = reasons.of(row[facts.error]).words()
        channel = channel_name(row[facts.channel]) if facts.channel else ""
        return Group(row[facts.engine], channel, why, row["count"])

    @property
    def other_errors(self) -> int:
        return self.count - sum(group.count for group in self.groups)

    @cached_property
    def people(self) -> str:
        """The names of the people concerned, those with the most rows first."""
        person = FACTS[self.kind.name].person
        if not person:
            return gettext("People are notified by the current rules: they are found when an event is processed.")
        rows = self.rows.exclude(**{person: None}).order_by()
        names = rows.values_list(f"{person}__name").annotate(count=Count("pk")).order_by("-count", f"{person}__name")
        name_list = ", ".join(f"{name} ({number(count)})" for name, count in names[:PEOPLE])
        more = rows.aggregate(people=Count(person, distinct=True))["people"] - PEOPLE
        others = ngettext("and %(more)s more person", "and %(more)s more people", more) % {"more": number(max(more, 0))}
        return f"{name_list} {others}" if more > 0 else name_list


class ReplayableAdmin(LedgerAdmin):
    """What the list of a kind of failed work gets: actions on a row and on chosen rows, and the page for many."""

    kind: Kind
    again_title: Any
    """The title of the page and of the button that leads to it."""
    actions = ["chosen_again"]
    actions_detail = ["replay_this"]
    list_before_template = "replays/again_link.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.again_page)
        return [path("again/", view, name=f"notifications_{self.opts.model_name}_again"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        extra = {"may_send_again": self.may(request), **(extra_context or {})}
        response: HttpResponse = super().changelist_view(request, extra)
        return response

    @property
    def again_address(self) -> str:
        return reverse(f"admin:notifications_{self.opts.model_name}_again")

    @action(description=_("Send again"), permissions=["operate"])
    def chosen_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        """Redirect to the page that shows what would be sent."""
        chosen = [(ROW, pk) for pk in queryset.values_list("pk", flat=True)]
        return HttpResponseRedirect(f"{self.again_address}?{urlencode(chosen)}")

    def again_page(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request) or not self.may(request):
            raise PermissionDenied
        form = SinceForm(request.GET if request.GET.get(SINCE) else None)
        try:
            chosen = self._selection(request, form.cleaned_data[SINCE] if form.is_valid() else None)
        except IncorrectLookupParameters:
            return HttpResponseRedirect(list_url(self.model))
        is_order = request.method == "POST" and (form.is_valid() or not form.is_bound)
        ordered = self._order(request, chosen) if is_order else None
        return ordered or self._preview(request, chosen, form)

    # --- the selection in the address ---------------------------------------------------------------------------------
    def _selection(self, request: HttpRequest, since: datetime | None) -> Selection:
        parameters = request.GET.copy()
        row_ids = parameters.pop(ROW, [])
        ids = [pk for text in row_ids if (pk := as_uuid(str(text))) is not None]
        parameters.pop(SINCE, None)
        if row_ids:
            words = [ngettext("%(count)s chosen", "%(count)s chosen", len(ids)) % {"count": len(ids)}]
            chosen = Selection(self.model._default_manager.filter(pk__in=ids), words, list_url(self.model))
        else:
            chosen = self._list_selection(request, parameters)
        if since is not None:
            chosen.rows = chosen.rows.filter(failed_since(self.kind, since))
            chosen.words.append(gettext("failed since %(time)s") % {"time": exact(since)})
        return chosen

    def _list_selection(self, request: HttpRequest, parameters: QueryDict) -> Selection:
        """Return all rows that the list shows with its filters and its search."""
        listing = copy(request)
        listing.GET = parameters  # type: ignore[assignment]  # a copy without the page's own parameters
        listing.method = "GET"
        changelist = self.get_changelist_instance(listing)
        rows = changelist.queryset.select_related(None).order_by()
        return Selection(rows, filter_words(changelist), list_url(self.model, parameters.urlencode()))

    # --- question and order -------------------------------------------------------------------------------------------
    def _preview(self, request: HttpRequest, chosen: Selection, form: SinceForm) -> HttpResponse:
        as_of = timezone.now()
        preview = Preview(self.kind, self.kind.chosen(chosen.rows, as_of))
        hidden = [(name, value) for name, values in request.GET.lists() if name != SINCE for value in values]
        return self.page(
            request,
            "replays/again.html",
            str(self.again_title),
            preview=preview,
            chosen=chosen,
            form=form,
            hidden=hidden,
            headline=headline(preview),
            order={"key": uuid7(), "seen": preview.count, "as_of": as_of.isoformat()},
            grace=int(orders.GRACE.total_seconds()),
        )

    def _order(self, request: HttpRequest, chosen: Selection) -> HttpResponse | None:
        """Order the replay. Return None if the user must be asked again."""
        question = _question(request, chosen)
        if question is None:
            return None
        try:
            with transaction.atomic():
                replay, is_new = orders.order(self.kind, chosen.rows, question, timezone.now())
                if is_new:
                    what = question.selection or gettext("all that failed")
                    self.log(request, replay, gettext("Sent again: %(what)s") % {"what": what})
        except (orders.MoreThanShown, orders.NothingLeft) as fault:
            text = gettext("There is nothing left to send. Nothing was sent.")
            if isinstance(fault, orders.MoreThanShown):
                text = gettext("There are more now. Nothing was sent: check again.")
            self.message_user(request, text, messages.WARNING)
            return None
        if is_new:
            self.message_user(request, _order_message(replay))
        return HttpResponseRedirect(change_url(replay))

    # --- one row ------------------------------------------------------------------------------------------------------
    def has_failed(self, row: Any) -> bool:
        raise NotImplementedError

    def texts(self, row: Any) -> ReplayTexts:
        raise NotImplementedError

    def offers(self, action: str, row: Any) -> bool:
        return self.has_failed(row) if action == "replay_this" else super().offers(action, row)

    @action(description=_("Send again"), url_path="replay", permissions=["operate"], icon="replay")
    def replay_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Send one row again after confirmation, and link to undoing it."""
        row = self.get_row(request, object_id)
        texts = self.texts(row)
        if not self.has_failed(row):
            return self.done(request, row, texts.refused, messages.WARNING)
        if request.method != "POST":
            return self.ask(request, row, title=texts.title, text=texts.question, button=texts.button)
        by = cast(AbstractBaseUser, request.user)
        replay = orders.order_one(self.kind, row, by=by, now=timezone.now())
        if replay.again:
            undo = reverse("admin:replays_replay_undo", args=[replay.pk])
            text = gettext("Undo, while it still waits")
            self.message_user(request, format_html('<a class="desk-link" href="{}">{}</a>', undo, text), messages.INFO)
        elif texts.not_sent:
            return self.done(request, row, texts.not_sent, messages.WARNING)
        return self.done(request, row, texts.sent)


def _question(request: HttpRequest, chosen: Selection) -> orders.Question | None:
    """Return the question that the user confirmed; None for another or an outdated form."""
    key, seen, now = as_uuid(request.POST.get("key", "")), request.POST.get("seen", ""), timezone.now()
    try:
        as_of = parse_datetime(request.POST.get("as_of", ""))
    except ValueError:
        return None
    if key is None or as_of is None or timezone.is_naive(as_of) or not seen.isdecimal() or len(seen) > MOST_DIGITS:
        return None
    if as_of < now - OLDEST:
        return None
    by = cast(AbstractBaseUser, request.user)
    return orders.Question(key, int(seen), min(as_of, now), by, " · ".join(chosen.words))


def _order_message(replay: Replay) -> str:
    text = ngettext(
        "%(count)s is sent again. It starts at %(time)s; until then you can undo it.",
        "%(count)s are sent again. It starts at %(time)s; until then you can undo it.",
        replay.chosen,
    )
    begins = timezone.localtime(replay.ordered_at + orders.GRACE)
    return text % {"count": number(replay.chosen), "time": f"{begins:%H:%M:%S}"}


def headline(preview: Preview) -> str:
    if preview.is_too_much:
        text = gettext("More than %(most)s messages match, which is the limit for one time. Choose fewer.")
        return text % {"most": number(orders.MAX_ROWS)}
    if not preview.count:
        return gettext("None of these can be sent again.")
    if preview.kind.name == ReplayKind.EVENTS:
        text = ngettext(
            "%(count)s event will be processed again.", "%(count)s events will be processed again.", preview.count
        )
    else:
        text = ngettext("%(count)s will be sent again.", "%(count)s will be sent again.", preview.count)
    return text % {"count": number(preview.count)}


def failed_since(kind: Kind, since: datetime) -> Q:
    """Return a condition: given up since then, or, while still tried, made since then."""
    made = Q(**{kind.ended: None}, pk__gte=lowest_id(since))
    return Q(**{f"{kind.ended}__gte": since}) | made


def filter_words(changelist: ChangeList) -> list[str]:
    """Return the filters of the list in words."""
    words = [changelist.query] if changelist.query else []
    for spec in changelist.filter_specs:
        chosen = [str(choice["display"]) for choice in list(spec.choices(changelist))[1:] if choice["selected"]]
        words += [f"{capfirst(str(spec.title))}: {', '.join(chosen)}"] if chosen else []
    return words
