"""The forms of the inbox: answer, mark as read, follow. Each is a POST that ends in a redirect."""

import json
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlsplit
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from notifications import errors
from notifications.answers import four_eyes
from notifications.answers.respond import take
from notifications.answers.submission import MAX_COMMENT, Answer
from notifications.engines.returned_answers import take_back
from notifications.forms import checking
from notifications.forms.faults import Fault
from notifications.forms.fields import Field, Form, form_of
from notifications.forms.refusal import refuse
from notifications.forms.typed_input import PREFIX, TypedForm, as_lines, read
from notifications.inbox.items import item, own_notification
from notifications.inbox.list_query import finding_of
from notifications.inbox.pages import RefusedInput, came_by, show
from notifications.inbox.sign_in.session import PersonRequest, assurance_of, form_only, person_required
from notifications.inbox.sign_in.signin import local_path
from notifications.inbox.uploads import UploadedFiles, attached, attached_as, keep_text
from notifications.items import inbox_items, snoozing
from notifications.models import Notification, Recipient, Via
from notifications.types import Json
from notifications.wording.formats import locale_of
from notifications.wording.languages import reading_language
from notifications.wording.plaintext import clean_line
from notifications.wording.sentences import say


def answer_in_form(request: HttpRequest, via: str) -> Answer:
    """Return the answer in a form. Browsers send line ends as CR LF; other clients and the API use LF."""
    return Answer(
        action=request.POST.get("action", ""),
        comment=cleaned_comment(request.POST.get("comment", "")),
        via=via,
        to=request.POST.get("to", ""),
        revision=request.GET.get("revision", "")[:100],
        assurance=assurance_of(request),
    )


def proof_in_form(request: HttpRequest) -> Json | None:
    """Return the proof that the page's script has put into a form, as the API has it; None if there is none."""
    try:
        proof = json.loads(request.POST.get("signature", "") or "null")
    except ValueError:
        return None
    return proof if isinstance(proof, dict) else None


def filled_in(request: HttpRequest, notification: Notification, action: str) -> tuple[Form | None, TypedForm]:
    """Return the task's form and its typed input; None and no input for an answer that does not take values."""
    form = form_of(notification.task.data) if notification.task is not None else None
    takes = {each["action"] for each in notification.actions if each.get("values", "none") != "none"}
    if form is None or action not in takes:
        return None, TypedForm()
    typed = read(form, request.POST, locale_of(reading_language(notification.recipient)))
    for each in form:
        if each.has_files:
            _take_files(request, notification.recipient, each, typed)
    return form, typed


def _take_files(request: HttpRequest, person: Recipient, field: Field, typed: TypedForm) -> None:
    """Store the files of a field, whether or not the answer is accepted."""
    name = f"{PREFIX}{field.name}"
    uploads = attached_as(name, name, request, person, timezone.now())
    typed.files[field.name] = uploads.files
    ids = [*typed.texts[field.name], *(str(each) for each in uploads.ids)]
    written = clean_line(request.POST.get(f"{name}.name", "")) if field.kind == "signature" else ""
    if written and not any(ids):
        uploads = keep_text(written, _("signature"), person, timezone.now())
        typed.files[field.name], ids = uploads.files, [str(each) for each in uploads.ids]
    typed.texts[field.name] = list(dict.fromkeys(each for each in ids if each))
    if typed.texts[field.name]:
        typed.values[field.name] = typed.texts[field.name]
    if uploads.fault:
        typed.faults.append(Fault(field, "not_taken", {"why": uploads.fault}))


def _every_fault(form: Form | None, typed: TypedForm, failure: errors.InvalidValues) -> list[Fault]:
    """Return all faults in the order of the form: unreadable input, and values that do not fit."""
    by_path = {each.path: each for each in failure.faults}
    if form is not None:
        by_path = {path: each for path, each in by_path.items() if each.field.has_files}  # files were looked up
        by_path |= {each.path: each for each in checking.faults_of(form, checking.normal(form, typed.values))}
        by_path |= {each.path: each for each in typed.faults}
    names = form.names if form is not None else ()
    return [fault for name in names for fault in by_path.values() if fault.path[0] == name]


def cleaned_comment(comment: str) -> str:
    """Return the comment without characters that the database refuses or that nobody sees."""
    return comment.replace("\r\n", "\n").replace("\x00", "").strip()


@form_only
@person_required
def answer(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    notification = own_notification(request.recipient, notification_id)
    submitted = answer_in_form(request, Via.of_pages(request.recipient))
    form, typed = filled_in(request, notification, submitted.action)
    files = attached(request, request.recipient, timezone.now())
    submitted = replace(submitted, files=files.ids)
    try:
        refuse_faulty(files)
        refuse(typed.faults)
        take(request.recipient, notification.pk, replace(submitted, values=typed.values), now=timezone.now())
    except errors.InvalidValues as failure:
        typed.faults = _every_fault(form, typed, failure)
        inbox_item = item(notification, request.recipient, timezone.now())
        return show(
            request, inbox_item, RefusedInput(submitted.action, submitted.comment, typed=typed), status=failure.status
        )
    except (errors.CommentRequired, errors.Invalid, errors.InvalidAnswer) as failure:
        inbox_item = item(notification, request.recipient, timezone.now())
        fault = explain(failure, request.recipient, asks=notification.task_id is None)
        sent = RefusedInput(submitted.action, submitted.comment, fault, typed, attached=files.files)
        return show(request, inbox_item, sent, status=failure.status)
    except errors.SignatureRequired as failure:
        messages.error(request, explain(failure, request.recipient))
        inbox_item = item(notification, request.recipient, timezone.now())
        open_action = submitted.action if submitted.comment or files.files else ""
        sent = RefusedInput(open_action, submitted.comment, typed=typed, attached=files.files)
        return show(request, inbox_item, sent, status=failure.status)
    except errors.Changed as failure:
        inbox_item = item(
            own_notification(request.recipient, notification_id), request.recipient, timezone.now(), shown=failure.shown
        )
        open_action = submitted.action if submitted.comment or files.files else ""
        sent = RefusedInput(open_action, submitted.comment, typed=typed, attached=files.files, changed=True)
        return show(request, inbox_item, sent, status=failure.status)
    except errors.Failure as failure:
        # Another person or the engine was first: the item shows the outcome.
        if isinstance(failure, errors.NotAllowed):
            messages.error(request, explain(failure, request.recipient))
        late_text = "\n\n".join(filter(None, (as_lines(form, typed) if form else "", submitted.comment)))
        if late_text:
            inbox_item = item(own_notification(request.recipient, notification_id), request.recipient, timezone.now())
            return show(request, inbox_item, RefusedInput(unsent=late_text), status=failure.status)
    return redirect(_after(request, notification))


def _after(request: PersonRequest, notification: Notification) -> str:
    """Return the address that shows the answer. The list as it opens has the item under what is done. A filtered list
    may have lost the item: then the address is the item's, with the list beside it."""
    address = reverse("inbox:item", args=[notification.pk])
    if request.POST.get("from") != "list":
        return address
    back = _back(request)
    finding = finding_of(QueryDict(urlsplit(back).query))
    return f"{back}#n-{notification.pk}" if finding.plain else f"{address}{finding.suffix}"


def refuse_faulty(files: UploadedFiles) -> None:
    """Raises Invalid if a file was refused: nothing is sent without it."""
    if files.fault:
        raise errors.Invalid(files.fault, [{"pointer": "/attachments", "detail": files.fault}])


@form_only
@person_required
def undo(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """Take an answer back, without JavaScript."""
    notification = own_notification(request.recipient, notification_id)
    try:
        take_back(notification, timezone.now())
    except errors.TooLate:
        messages.error(request, say("too_late", customer=request.recipient.external))
    return redirect("inbox:item", notification.pk)


@form_only
@person_required
def snooze(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    """Put an item off, or bring it back. A time without a zone is the reader's."""
    notification, now = own_notification(request.recipient, notification_id), timezone.now()
    if "back" in request.POST:
        snoozing.bring_back(notification, now)
        return redirect("inbox:item", notification.pk)
    try:
        snoozing.snooze(notification, _moment(request.POST.get("until", "")), now)
    except errors.Invalid as fault:
        inbox_item = item(notification, request.recipient, now)
        return show(request, inbox_item, RefusedInput(snooze_fault=fault.detail), status=fault.status)
    return redirect("inbox:list")


def _moment(text: str) -> datetime:
    """Return the time in a text. Raises Invalid."""
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        detail = _("Choose a day and a time.")
        raise errors.Invalid(detail, [{"pointer": "/until", "detail": detail}])
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def explain(failure: errors.Failure, reader: Recipient, *, asks: bool = False) -> str:
    """Return the failure of an answer in the reader's words. `asks`: the answer is a message."""
    if asks and isinstance(failure, errors.CommentRequired):
        return say("message_required")
    if isinstance(failure, errors.CommentRequired):
        return say("comment_required", customer=reader.external)
    if isinstance(failure, errors.InvalidAnswer):
        return _("Your comment is too long. Shorten it to %(most)s characters.") % {"most": f"{MAX_COMMENT:,}"}
    if isinstance(failure, errors.SignatureRequired):
        if not failure.extra["has_passkey"]:
            return say("sign_none")
        return say({"missing": "sign_by_script"}.get(failure.extra["why"], "sign_again"))
    if isinstance(failure, errors.FourEyes):
        return four_eyes.WHY[failure.extra["why"]].words()
    if isinstance(failure, errors.NotAllowed):
        return say("not_allowed")
    return failure.detail


@form_only
@person_required
def mark_read(request: PersonRequest, notification_id: UUID) -> HttpResponse:
    notification = own_notification(request.recipient, notification_id)
    with transaction.atomic():
        opened_by = came_by(request.POST) or Via.of_pages(request.recipient)
        inbox_items.mark_read(Notification.objects.filter(pk=notification.pk), timezone.now(), opened_by=opened_by)
    return redirect(_back(request))


@form_only
@person_required
def mark_all_read(request: PersonRequest) -> HttpResponse:
    """Mark everything that the page showed as read. Later arrivals (a higher seq than `up_to`) stay unread."""
    up_to = request.POST.get("up_to", "")
    if not up_to.isdecimal() or len(up_to) > 18:
        raise Http404
    with transaction.atomic():
        shown = Notification.objects.filter(recipient=request.recipient, seq__lte=int(up_to))
        inbox_items.mark_read(shown, timezone.now())
    return redirect(_back(request))


def _back(request: PersonRequest) -> str:
    return local_path(request.POST.get("next", ""))
