"""Test pages of an engine: whether it accepts our sign-in, and which requests an answer would make."""

import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils import formats
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import Tone, change_url
from notifications.admin.desk.fields import JsonObjectField
from notifications.answers.answer_body import OUTCOMES
from notifications.connectors import connector_for, reader_for
from notifications.connectors.base import Misconfigured, Result
from notifications.engines import connection_test
from notifications.engines.connection_test import Sample
from notifications.models import AuthKind, Engine, EngineAccess, InTheNameOf
from notifications.wording.plaintext import escape_hidden_in_json
from wfpush.concurrency.slots import SlotsTaken
from wfpush.web import waiting_threads


# --- connection test --------------------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Verdict:
    """The outcome of a test: `says` in a sentence, `detail` from the engine or the network, `then` the advice."""

    tone: Tone
    says: str
    detail: str = ""
    then: str = ""


def connection_page(desk: DeskAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    """Return the page. Only POST runs the test, since it makes a request in our name."""
    verdict = connection_verdict(engine, request.user) if request.method == "POST" else None
    if verdict is not None:
        desk.log(request, engine, f"Connection tested: {verdict.says}")
    title = gettext("Test the connection to %(engine)s") % {"engine": engine}
    context = {"engine": engine, "verdict": verdict, "back": change_url(engine), "called": is_called(engine)}
    return desk.page(request, "admin/desk/engine_connection.html", title, **context)


def is_called(engine: Engine) -> bool:
    """Return whether the engine gets signed calls, because its kind has no interface of its own."""
    return reader_for(engine.kind) is None


def connection_verdict(engine: Engine, by: AbstractBaseUser | AnonymousUser) -> Verdict:
    start = time.monotonic()
    try:
        with waiting_threads.slots.hold(person=f"account {by.pk}", host=urlsplit(engine.callback_url).hostname):
            result = connection_test.check(engine)
    except SlotsTaken:
        busy = gettext("Other connections are being tested at the moment.")
        return Verdict("bad", busy, then=gettext("Try again in half a minute."))
    except Misconfigured as fault:
        return Verdict("bad", gettext("There is nothing to try yet."), fault.reason.words())
    if is_called(engine):
        return _call_verdict(engine, result, time.monotonic() - start)
    arguments = {"engine": engine, "kind": connector_for(engine.kind).label, "address": engine.callback_url}
    if result.outcome == "done":
        says = gettext("The sign-in to %(engine)s works: %(address)s answers like %(kind)s.")
        return Verdict("ok", says % arguments, then=gettext("Nothing was changed there."))
    says, then = _failure(result)
    return Verdict("bad", says % arguments, result.reason.words(), then % arguments)


def _call_verdict(engine: Engine, result: Result, seconds: float) -> Verdict:
    arguments = {"engine": engine, "status": result.status, "seconds": formats.number_format(round(seconds, 2), 2)}
    if result.outcome == "done":
        says = gettext("%(engine)s accepted the signed test: it answered %(status)s within %(seconds)s s.")
        return Verdict("ok", says % arguments)
    if result.status is None:
        says = gettext("%(engine)s was not reached.")
        then = gettext("Is the address right, is the engine running, and may this machine call it?")
        return Verdict("bad", says % arguments, result.reason.words(), then)
    says = gettext("%(engine)s did not accept the signed test: it answered %(status)s within %(seconds)s s.")
    return Verdict("bad", says % arguments, result.reason.words(), _advice(result.status))


def _advice(status: int) -> str:
    """Return advice for the status with which an engine refused the test."""
    if status in (401, 403):
        return gettext(
            "Does the engine have this signing secret? You can make a new one; both sign until the old one ends."
        )
    if status in (404, 405, 410):
        return gettext("Is this the path that accepts answers by POST?")
    if status in (409, 422):
        return gettext("It was reached. An engine should answer 2xx to callbacks it does not know.")
    return gettext("See its log. Affected answers are retried for over a week.")


def _failure(result: Result) -> tuple[str, str]:
    """Return a sentence about the failure, and the advice."""
    if result.status in (401, 403):
        return gettext("%(engine)s refuses our credentials."), gettext(
            "Correct the sign-in on the engine's page: the user or client needs the right to read and complete tasks."
        )
    if result.outcome == "later" and result.status is None:
        return gettext("%(engine)s was not reached."), gettext(
            "Is the address right, is the engine running, and may this machine call it?"
        )
    if result.outcome == "later":
        return gettext("%(engine)s was reached, but is not well."), gettext("Try again when it has recovered.")
    if result.status is None:
        return gettext("%(engine)s was not called: its address or sign-in is not valid."), gettext(
            "Correct them on the engine's page."
        )
    return gettext("At %(address)s there is no %(kind)s."), gettext("Enter only the root of its REST interface.")


# --- preview of requests ----------------------------------------------------------------------------------------------
class SampleForm(forms.Form):
    action = forms.ChoiceField(label=_("Action"), widget=UnfoldAdminSelectWidget)
    task = forms.CharField(label=_("The task's id"), max_length=200, widget=UnfoldAdminTextInputWidget)
    kind = forms.CharField(
        label=_("Kind of task"),
        required=False,
        max_length=60,
        widget=UnfoldAdminTextInputWidget,
        help_text=_("As the engine's events name it."),
    )
    comment = forms.CharField(
        label=_("Comment"), required=False, max_length=4000, widget=UnfoldAdminTextareaWidget(attrs={"rows": 2})
    )
    variables = JsonObjectField(
        label=_("Variables"), required=False, rows=3, help_text=_("The person's entries, as a JSON object.")
    )

    def __init__(self, engine: Engine, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        mapped = engine.answer_mappings.values_list("action", flat=True)
        names = dict.fromkeys([*mapped, *OUTCOMES])
        self.fields["action"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]

    def sample(self) -> Sample:
        values = dict(self.cleaned_data)
        return Sample(values.pop("action"), values.pop("kind"), values.pop("task"), **values)


def preview_page(desk: DeskAdmin, request: HttpRequest, engine: Engine) -> HttpResponse:
    usual = Sample("approve", task_id=connector_for(engine.kind).task_example)
    initial = {"task": usual.task_id, "comment": usual.comment}
    form = SampleForm(engine, request.GET if "action" in request.GET else None, initial=initial)
    context: dict[str, Any] = {"engine": engine, "form": form, "back": change_url(engine)}
    if not form.is_bound:
        context |= _request_preview(engine, usual)
    elif form.is_valid():
        context |= _request_preview(engine, form.sample())
    title = gettext("Requests to %(engine)s") % {"engine": engine}
    return desk.page(request, "admin/desk/engine_preview.html", title, **context)


def _request_preview(engine: Engine, sample: Sample) -> dict[str, Any]:
    if not engine.callback_url:
        return {"kept": gettext("The engine has no address: answers are kept here, and can be read by API.")}
    try:
        sent = connection_test.preview(engine, sample)
    except Misconfigured as fault:
        return {"fault": fault.reason.words()}
    if not sent:
        return {"kept": gettext("No request: the engine cannot store it. It stays here.")}
    bodies = ["" if request.body is None else escape_hidden_in_json(request.body, indent=2) for request in sent]
    requests = [{**vars(request), "body": body} for request, body in zip(sent, bodies, strict=True)]
    return {"sent": requests, **_sign_in_context(engine, sample.name)}


def _sign_in_context(engine: Engine, person: str) -> dict[str, Any]:
    """Return the person or token server by which the request would be authorized, for the page."""
    mode = connection_test.in_whose_name(engine)
    if mode != InTheNameOf.SERVICE:
        own = gettext("In %(person)s's own name, with their connected account.")
        either = gettext(
            "In %(person)s's own name if they have connected their account, otherwise with our own sign-in."
        )
        return {"name": (either if mode == InTheNameOf.EITHER else own) % {"person": person}}
    access = EngineAccess.objects.filter(engine=engine, auth=AuthKind.OAUTH2).only("token_url").first()
    return {"token": access.token_url} if access is not None else {}
