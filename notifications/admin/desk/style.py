"""The style page: the components of the inbox and of the desk in their states, for those who change them.

Templates and style sheets are those of the pages. Everything shown is made up: no row of a person is read.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.decorators import permission_required
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.clickjacking import xframe_options_sameorigin
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from notifications.admin.desk.display import mark
from notifications.admin.desk.overview import Panel, Row, Tile
from notifications.admin.ledger.timeline import Line
from notifications.admin_site import CONTENT_SECURITY_POLICY
from notifications.forms.faults import Fault
from notifications.forms.fields import form_of
from notifications.forms.rendering import FormView
from notifications.inbox.cards import Card, card
from notifications.inbox.history import Entry
from notifications.inbox.items import Item, colleagues_text
from notifications.inbox.list_query import Finding
from notifications.inbox.listing import Group
from notifications.items import snoozing
from notifications.models import Engine, Notification, NotificationState, Recipient, Task
from notifications.types import Action, Json
from notifications.wording.initials import Actor
from notifications.wording.sentences import say
from notifications.wording.times import exact, short_time

permitted = permission_required("notifications.change_template", raise_exception=True)
TONES = ("ok", "wait", "bad", "quiet")


@permitted
def page(request: HttpRequest) -> HttpResponse:
    """Show the components of the desk, and those of the inbox in two frames: light and dark."""
    request.current_app = admin.site.name
    context = {**admin.site.each_context(request), "opts": None, "title": _("Style"), **_desk(timezone.now())}
    return TemplateResponse(request, "admin/desk/style.html", context)


@permitted
@xframe_options_sameorigin
def inbox(request: HttpRequest) -> HttpResponse:
    """Show the components of the inbox, for a frame of the page."""
    response = render(request, "inbox/style.html", _inbox(timezone.now()))
    framed = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
    response.headers["Content-Security-Policy"] = framed
    return response


def urls() -> list[URLPattern]:
    """Return the addresses of both pages."""
    view = admin.site.admin_view
    return [path("style", view(page), name="style"), path("style/inbox", view(inbox), name="style_inbox")]


# --- the inbox --------------------------------------------------------------------------------------------------------
ANSWERS = [
    Action("approve", "Approve", "final", "optional").as_json(),
    Action("reject", "Reject", "final", "required").as_json(),
    Action("ask", "Ask for information", "request_info", "required").as_json(),
]
FORM: Json = {
    "schema": {
        "type": "object",
        "required": ["amount", "account"],
        "properties": {
            "amount": {"type": "number", "title": "Amount"},
            "account": {"type": "string", "title": "Account", "enum": ["Office", "Travel"]},
            "note": {"type": "string", "title": "Note"},
        },
    },
    "ui": {"fields": {"note": {"kind": "long_text", "help": "Everybody who has the task reads it."}}},
}


def _inbox(now: datetime) -> Json:
    bob = Recipient(ref="bob", name="Bob Rivera", locale=get_language() or "en")
    task = Task(kind="approval", engine=Engine(slug="invoices", name="Invoices"))
    hour = timedelta(hours=1)

    def sample(title: str, amount: str, due: timedelta | None = None, **fields: Any) -> Card:
        facts = [["Amount", "money", amount, "EUR"], ["Vendor", "text", "Deutsche Bahn AG"]]
        deadline = now + due if due else None
        usual = {"recipient": bob, "task": task, "state": NotificationState.OPEN, "actions": ANSWERS, "notice": ""}
        details = {"key_facts": facts}
        return card(
            Notification(title=title, details=details, due_at=deadline, created_at=now - hour, **usual | fields),
            bob,
            now,
        )

    def done(state: str, by: Recipient) -> Json:
        outcome = {"action": "approve", "by": {"ref": by.ref, "name": by.name}, "at": now.isoformat(), "engine": state}
        return {"outcome": outcome, "state": NotificationState.ANSWERED, "read_at": now}

    carol = Recipient(ref="carol", name="Carol Diaz")
    late = sample("Approve invoice 5080", "5083.94", -16 * 24 * hour, priority="urgent")
    read = sample("Approve invoice 5079", "529.52", 26 * hour, read_at=now, body="Seat reservations.")
    soon = sample("Approve invoice 5077", "7310", hour, priority="high")
    offline = replace(sample("Approve invoice 5078", "80", 2 * hour), outcome=say("will_be_sent"), buttons=())
    answered = [sample("Approve invoice 4711", "99", **done(state, bob)) for state in ("waiting", "kept", "failed")]
    answered.append(sample("Approve invoice 4712", "99", **done("kept", carol)))
    form = form_of({"task": {"form": FORM}})
    assert form is not None
    return {
        "groups": [Group("overdue", 1, [late]), Group("today", 2, [soon, offline]), Group("later", 1, [read])],
        "answered": answered,
        "chosen": [late, read],
        "selecting": {"finding": Finding(selecting=True)},
        "empty": [Finding(tab=tab) for tab in ("waiting", "updates", "done", "all")] + [Finding(words="x")],
        "found": {"cards": []},
        "moods": [("", "sent"), ("good", "arrived"), ("bad", "refused")],
        "item": _item(late, now),
        "lines": _conversation(now),
        "form": FormView(form, bob.locale, {"amount": ["ten"]}, [Fault(each, "required") for each in form][:2]),
        "engine": task.engine,
        "max_comment": 2_000,
    }


def _item(shown: Card, now: datetime) -> Item:
    entries = [
        (Actor("Invoices", is_system=True), "Assigned to Bob Rivera", ""),
        (Actor("Carol Diaz"), "Carol Diaz acknowledged it", "The order is 4200."),
        (Actor(""), "Escalated to Carol Diaz", ""),
    ]
    return Item(
        card=shown,
        engine=None,
        url="",
        case_url="",
        facts=[{"icon": "place", "label": _("Where"), "parts": [{"text": "Main St 4", "url": "https://example.org/"}]}],
        documents=[],
        history=[
            Entry(now, actor, text, words, (), short_time(now, now), exact(now)) for actor, text, words in entries
        ],
        related=[],
        colleagues=colleagues_text(["Carol Diaz"], 1),
        heard=None,
        actions=[],
        panel=None,
        proofs=None,
        form=None,
        changes={},
        revised="",
        snoozed=False,
        snoozes=snoozing.choices(shown.notification, now),
    )


def _conversation(now: datetime) -> list[Json]:
    bob, carol, stamp = Actor("Bob Rivera"), Actor("Carol Diaz"), short_time(now, now)
    asked = {
        "actor": carol,
        "head": "Carol Diaz asked Erin Noll",
        "waits": True,
        "note": "No reply yet from Erin Noll.",
    }
    replied = {"actor": carol, "head": "Carol Diaz replied", "text": "It is 4200.", "stamp": stamp}
    wrote = {"actor": bob, "head": "You wrote to Carol Diaz", "mine": True, "text": "Thank you.", "stamp": stamp}
    return [asked | {"text": "Which cost centre?", "stamp": stamp}, replied, wrote]


# --- the desk ---------------------------------------------------------------------------------------------------------
class SampleForm(forms.Form):
    name = forms.CharField(widget=UnfoldAdminTextInputWidget(), help_text="One word.")
    kind = forms.ChoiceField(choices=[("approval", "Approval")], widget=UnfoldAdminSelectWidget())


def _desk(now: datetime) -> Json:
    levels = (constants.INFO, constants.SUCCESS, constants.WARNING, constants.ERROR)
    rows = [Row(mark(tone, tone), "Approve invoice 4711", "Bob Rivera", "#") for tone in TONES]
    below = [Line("e-mail: delivered", "ok"), Line("Firefox on Linux: quiet hours until 07:00", "wait")]
    lines = [
        Line("event task.assigned from Invoices", "ok", now, "evt-1", "#"),
        Line("Bob Rivera (assignee)", "ok", now, below=below),
        Line("Carol Diaz: no device and no e-mail", "bad"),
        Line(
            "2 rules did not match",
            "quiet",
            below=[Line("rule “Reminders”: the kind is approval", "quiet")],
            folded=True,
        ),
    ]
    sample = SampleForm({"kind": "approval"})
    share = SimpleNamespace(on_time=41, late=3)
    return {
        "marks": [mark(tone, tone) for tone in TONES],
        "tiles": [Tile("Late now", "36", "#", tone, "Approve invoice 5080", "#") for tone in TONES],
        "full": Panel("Failed messages", "#", "", rows),
        "none": Panel("Failed messages", "#", "Every message was delivered.", []),
        "lines": lines,
        "lights": [
            {"lacking": ["The key has no right to send events."]},
            {
                "event": {"received_at": now, "type": "task.assigned", "get_status_display": "processed"},
                "is_green": True,
            },
        ],
        "problems": [{"fatal": fatal, "where": "Title", "message": "Unknown variable."} for fatal in (True, False)],
        "notices": [Message(level, "The rule was saved.") for level in levels],
        "DEFAULT_MESSAGE_LEVELS": constants.DEFAULT_LEVELS,
        "form": sample,
        "chips": [
            SimpleNamespace(
                id=f"chip-{each.name}", label=each.label, words=each.label, fields=[each], prompt="", is_wrong=False
            )
            for each in SampleForm(prefix="chip")
        ],
        "shares": ([{"name": "Approvals", "percent": "93 %", "share": share, "href": "#"}], []),
        "no_rows": {"model_admin": {"empty_says": "Nothing has come yet."}},
        "schemes": ("light", "dark"),
    }
