"""Pages for answering several items with one press and one comment. Each answer has an outcome of its own.

Both pages work without JavaScript: the choice with its sum, and the outcomes.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods

from notifications.answers import batch
from notifications.answers.submission import MAX_COMMENT, Answer, Submission
from notifications.engines.returned_answers import take_back
from notifications.errors import Changed, Failure, InvalidAnswer, TooLate
from notifications.inbox.amounts import sums
from notifications.inbox.answers import cleaned_comment, explain, proof_in_form
from notifications.inbox.cards import Button, Card, buttons, card
from notifications.inbox.list_query import finding_of
from notifications.inbox.page_frame import show_page
from notifications.inbox.proofs import Proofs, proofs_of
from notifications.inbox.sign_in.session import (
    PersonRequest,
    assurance_of,
    form_only,
    person_required,
    session_digest,
)
from notifications.items.representation import notification_queryset
from notifications.models import Recipient, Via
from notifications.revisions.changes import changes_since
from notifications.wording.languages import reading_language
from notifications.wording.sentences import say
from wfpush.identifiers import parse_uuid

UNKNOWN = "unknown"
"""A revision that no item has."""
STRICTNESS = ("required", "optional", "none")
"""The rules for comments, the strictest first."""
MAX_ITEMS = 100
"""Items that can be answered at once."""


@dataclass(frozen=True)
class Selection:
    """The chosen items of the reader. `over` take no answer any more. The form of `alone` has to be filled in.
    `buttons` are the answers that all others offer; `sums` add up their amounts, one for each currency."""

    open: Sequence[Card]
    over: Sequence[Card]
    alone: Sequence[Card]
    buttons: Sequence[Button]
    sums: Sequence[str]
    too_many: bool = False

    def button(self, name: str) -> Button | None:
        return next((each for each in self.buttons if each.action.name == name), None)


def chosen(request: HttpRequest, name: str = "n") -> dict[UUID, str]:
    """Return the items in the parameter `name`, with the revision that the page showed: `<key>` or `<key> <revision>`.
    Invalid keys are left out."""
    query = request.POST if request.method == "POST" else request.GET
    pairs = (each.partition(" ") for each in query.getlist(name))
    keys = ((parse_uuid(text), text, revision[:100]) for text, _space, revision in pairs)
    return {key: revision for key, text, revision in keys if key is not None and str(key) == text}


def selection_of(reader: Recipient, keys: Sequence[UUID], now: datetime) -> Selection:
    """Return the reader's items of these keys. Missing items and other people's are left out."""
    rows = notification_queryset().filter(recipient=reader, pk__in=keys[:MAX_ITEMS])
    by_key = {row.pk: row for row in rows}
    cards = [card(by_key[key], reader, now) for key in keys[:MAX_ITEMS] if key in by_key]
    answerable = [each for each in cards if each.is_open and each.buttons]
    waiting = [each for each in answerable if not any(button.fills for button in each.buttons)]
    return Selection(
        open=waiting,
        over=[each for each in cards if each not in answerable],
        alone=[each for each in answerable if each not in waiting],
        buttons=common(waiting),
        sums=sums((each.amount for each in waiting), reading_language(reader)),
        too_many=len(keys) > MAX_ITEMS,
    )


def common(cards: Iterable[Card]) -> tuple[Button, ...]:
    """Return the answers that all these items offer, except questions: a question about one item means nothing for
    another. A comment that one of the items needs is needed for all."""
    offered = [{each.action.name: each.action for each in one.buttons} for one in cards]
    if not offered:
        return ()
    names = [name for name in offered[0] if all(name in each for each in offered)]
    strictest = {name: min((each[name].comment for each in offered), key=STRICTNESS.index) for name in names}
    actions = [replace(offered[0][name], comment=rule) for name, rule in strictest.items()]
    return buttons(action for action in actions if action.effect not in ("request_info", "reply"))


@gzip_page
@person_required
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: PersonRequest) -> HttpResponse:
    """Show the choice (GET), or the outcomes of the answers to it (POST). A form that is sent twice answers once.
    POST with `without`: show the choice again, without this item."""
    now, reader, shown = timezone.now(), request.recipient, chosen(request)
    keys = list(shown)
    if not keys:
        return redirect(f"/{finding_of(request.GET).but(selecting=True).suffix}")
    if left_out := request.POST.get("without"):
        keys += [*chosen(request, "over"), *chosen(request, "alone")]
        rest = selection_of(reader, [key for key in keys if str(key) != left_out], now)
        return _choice(request, rest, shown, comment=cleaned_comment(request.POST.get("comment", "")))
    choice = selection_of(reader, keys, now)
    if request.method != "POST":
        return _choice(request, choice, shown)
    button, comment = choice.button(request.POST.get("action", "")), cleaned_comment(request.POST.get("comment", ""))
    fault = _fault(button, comment, reader) if choice.open else ""
    if fault:
        return _choice(request, choice, shown, comment=comment, fault=fault, status=422)
    refused = {}
    if button is not None:
        proof = {"proof": proof_in_form(request), "session": session_digest(request)}
        given = Answer(button.action.name, comment, assurance=assurance_of(request), **proof)  # type: ignore[arg-type]
        refused = answer_all(reader, choice.open, given, shown, now)
    keys += [key for key in chosen(request, "over") if key not in shown]
    return _outcomes(request, keys, refused, comment if refused else "")


@form_only
@person_required
def undo(request: PersonRequest) -> HttpResponse:
    """Take back all of these answers that can still be taken back, and show the outcomes."""
    keys, now = list(chosen(request)), timezone.now()
    for row in notification_queryset().filter(recipient=request.recipient, pk__in=keys[:MAX_ITEMS]):
        with suppress(TooLate):
            take_back(row, now)
    return _outcomes(request, keys, {}, "")


def _outcomes(
    request: PersonRequest, keys: Sequence[UUID], refused: Mapping[UUID, Failure], comment: str
) -> HttpResponse:
    after = selection_of(request.recipient, keys, timezone.now())
    cards = {each.notification.pk: each for each in (*after.open, *after.over, *after.alone)}
    told = [_outcome(cards[key], refused.get(key)) for key in keys if key in cards]
    undoable = [each["card"].notification.pk for each in told if each["card"].undo]
    return show_page(request, "inbox/several_told.html", {"told": told, "undoable": undoable, "comment": comment})


def _fault(button: Button | None, comment: str, reader: Recipient) -> str:
    if button is None:
        return say("not_allowed")
    if len(comment) > MAX_COMMENT:
        return explain(InvalidAnswer("The comment is too long."), reader)
    return say("comment_required", customer=reader.external) if button.asks and not comment else ""


def answer_all(
    reader: Recipient, cards: Iterable[Card], answer: Answer, shown: Mapping[UUID, str], now: datetime
) -> dict[UUID, Failure]:
    """Give each item the answer, for its revision in `shown`. Return the failures by key; none stops another answer."""
    answer = replace(answer, via=Via.of_pages(reader))
    rows = [each.notification for each in cards]
    # The revisions that the page showed. It has one of each item that has revisions.
    revisions = {row.pk: shown.get(row.pk) or (UNKNOWN if row.revision else "") for row in rows}
    submissions = [
        Submission(reader.pk, pk, replace(answer, revision=revision), now) for pk, revision in revisions.items()
    ]
    outcomes = zip(submissions, batch.record_all(submissions), strict=True)
    return {submission.notification: outcome for submission, outcome in outcomes if isinstance(outcome, Failure)}


def _proofs(choice: Selection, reader: Recipient) -> Proofs | None:
    """Return which of the common answers have to be signed for one of the items at least."""
    return proofs_of([each.notification for each in choice.open], choice.buttons, reader)


def _outcome(card: Card, refused: Failure | None) -> dict[str, Any]:
    """Return the outcome of one of the answers: its sentence, and a mood as in `Card.mood`. The item itself shows who
    was first. `changes` are the reason of a refusal if the item has changed."""
    outcome, mood, changes = card.outcome, card.mood, []
    if card.is_open and any(button.fills for button in card.buttons):
        outcome, mood = _("It has a form: open it to answer."), "bad"
    elif isinstance(refused, Changed) and card.is_open:
        outcome, mood, changes = say("changed"), "bad", changes_since(card.notification, refused.shown)
    elif refused is not None and card.is_open:
        outcome, mood = explain(refused, card.notification.recipient), "bad"
    return {"card": card, "outcome": outcome, "mood": mood, "changes": changes}


def _choice(
    request: PersonRequest,
    choice: Selection,
    shown: Mapping[UUID, str],
    *,
    comment: str = "",
    fault: str = "",
    status: int = 200,
) -> HttpResponse:
    """Return the page. An item keeps the revision in `shown`: if it has changed since, its answer is refused."""
    rows = [each.notification for each in choice.open]
    asks = bool(choice.buttons) and any(button.action.comment != "none" for button in choice.buttons)
    context = {
        "several": choice,
        "revisions": [f"{row.pk} {shown.get(row.pk) or row.revision}" for row in rows],
        "most": MAX_ITEMS,
        "comment": comment,
        "fault": fault,
        "takes_comment": asks,
        "required_for": [button.action.title for button in choice.buttons if button.asks],
        "max_comment": MAX_COMMENT,
        "proofs": _proofs(choice, request.recipient),
    }
    return show_page(request, "inbox/several.html", context, status=status)
