"""The preview of a template version by the real renderer: inbox, e-mail and lock screen; and tests to oneself."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from notifications.admin.desk.base import DeskAdmin
from notifications.admin.desk.display import change_url, link
from notifications.admin.engines.pasted_events import event_named
from notifications.cases.facts import facts_of_task
from notifications.channel_facts import INBOX, channel_name
from notifications.channels import registry
from notifications.channels.base import PersonChannel
from notifications.errors import RenderError, TransportError
from notifications.inbox.cards import Button, buttons
from notifications.intake.eventdata import instant_in
from notifications.items.glance import glance_of
from notifications.models import (
    Case,
    Category,
    Engine,
    Event,
    EventType,
    Notification,
    Recipient,
    Task,
    TemplateVersion,
)
from notifications.routing import fanout, template_test
from notifications.routing.template_test import CannotSend, Way
from notifications.types import Action, Json, object_in
from notifications.wording import key_facts, render
from notifications.wording.batch_render import Writer, readable_facts
from notifications.wording.key_facts import KeyFact
from notifications.wording.message import message_of
from notifications.wording.template_check import Problem, check

SESSION_KEY = "previews"
STORED_FIELDS = ("language", "sample", "reader", "event")
"""Fields of the preview's form that a session keeps for each template."""
MAX_TEMPLATES, MAX_CHARACTERS = 20, 200
"""Limits of the choices that a session keeps. Beyond, the template looked at longest ago is dropped."""


@dataclass(frozen=True)
class Subject:
    """The subject of a preview: a sample, or a real event with the present state of its task and case."""

    event: Event
    task: Task | None
    case: Case | None
    words: str

    @property
    def facts(self) -> Json:
        return facts_of_task(self.task, self.case, self.event)

    def writer(self) -> Writer:
        return Writer(self.event, self.task, self.facts)


@dataclass
class Preview:
    """The three views of one message. `faults` explains a missing view."""

    inbox: Notification | None = None
    mail_subject: str = ""
    mail_text: str = ""
    mail_html: str = ""
    warnings: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    @property
    def glance(self) -> Json:
        return glance_of(self.inbox) if self.inbox else {}

    @property
    def on_lock_screens(self) -> str:
        return message_of(self.inbox).on_lock_screens if self.inbox else ""

    @property
    def buttons(self) -> Sequence[Button]:
        """The buttons in the order of the inbox."""
        return buttons([Action.from_json(each) for each in self.inbox.actions]) if self.inbox else ()


class PreviewForm(forms.Form):
    """The choices of a preview. Only users who may read events get `event`: editors need not see people's data."""

    language = forms.ChoiceField(label=_("Language"), widget=UnfoldAdminSelectWidget, required=False)
    sample = forms.ModelChoiceField(
        EventType.objects.exclude(sample={}),
        label=_("Sample of"),
        widget=UnfoldAdminSelectWidget,
        required=False,
        empty_label=_("the template's own event type"),
    )
    reader = forms.ChoiceField(
        label=_("Preview for"),
        choices=[("", _("staff")), ("customer", _("customers"))],
        widget=UnfoldAdminSelectWidget,
        required=False,
    )
    event = forms.CharField(
        label=_("Or a real event"),
        widget=UnfoldAdminTextInputWidget,
        required=False,
        max_length=200,
        help_text=_("Its id, ours or the engine's."),
    )

    def __init__(self, data: Any, *, languages: list[str], may_read_events: bool) -> None:
        super().__init__(data)
        language = self.fields["language"]
        if isinstance(language, forms.ChoiceField):
            language.choices = [(each, each) for each in languages]
        if not may_read_events:
            del self.fields["event"]

    def clean_event(self) -> Event | None:
        event_id: str = self.cleaned_data["event"].strip()
        if not event_id:
            return None
        event = event_named(event_id)
        if event is None:
            raise forms.ValidationError(gettext("There is no such event. Copy its id from the list of events."))
        return event


def preview_page(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """Return the preview's page, for versions that are no drafts, and without JavaScript."""
    context = preview_context(request, version, request.GET)
    context["problems"] = check(version)
    title = gettext("Preview of %(version)s") % {"version": version}
    return desk.page(request, "admin/desk/preview.html", title, **context)


def preview_context(
    request: HttpRequest, version: TemplateVersion, chosen: Any, *, problems: Sequence[Problem] = ()
) -> dict[str, Any]:
    """Return the context of `admin/desk/looks.html`. `chosen`: fields of PreviewForm, or nothing for the user's last
    choices. `problems` are shown elsewhere on the page, so their variables get no warning."""
    languages = sorted(
        {text.language for text in version.texts.all()},
        key=lambda each: (each != version.template.fallback_language, each),
    )
    may_read_events = request.user.has_perm("notifications.view_event")
    last = last_chosen(request, version.template_id)
    form = PreviewForm(chosen or last, languages=languages, may_read_events=may_read_events)
    if not chosen and not form.is_valid():  # the last choices no longer exist
        form = PreviewForm({}, languages=languages, may_read_events=may_read_events)
    context: dict[str, Any] = {"version": version, "form": form, "languages": languages}
    if form.is_valid():
        subject = _preview_subject(version, form.cleaned_data)
        language = form.cleaned_data["language"] or (languages[0] if languages else "en")
        customer = form.cleaned_data["reader"] == "customer"
        missing = {problem.path for problem in problems}
        preview = previewed(version, language, subject, customer=customer, missing=missing) if subject else None
        context |= {"about": subject, "language": language, "preview": preview}
        remember(request, version.template_id, form.data)
    return context


def _preview_subject(version: TemplateVersion, chosen: dict[str, Any]) -> Subject | None:
    event: Event | None = chosen.get("event")
    if event is not None:
        return Subject(event, event.task, event.case, str(event))
    described = EventType.objects.exclude(sample={})
    own = described.filter(routes__template=version.template)  # that of a route with the template
    event_type = chosen.get("sample") or own.first() or described.first()
    if event_type is None:
        return None
    engine = Engine(slug="sample", name=gettext("Sample"))
    names = {"type": event_type.name, "source": "sample", "event_id": "sample"}
    sample = Event(engine=engine, data=event_type.sample, received_at=timezone.now(), **names)
    return Subject(sample, None, None, gettext("the sample of %(type)s") % {"type": event_type})


def previewed(
    version: TemplateVersion,
    language: str,
    subject: Subject,
    *,
    customer: bool = False,
    missing: Collection[str] = (),
) -> Preview:
    """Render as for real messages. Nothing is stored or sent. Variables in `missing` get no warning."""
    preview = Preview()
    writer = subject.writer()
    context, hidden = writer.context(None), writer.hidden
    how: Json = {"timezone": timezone.get_current_timezone_name(), "hidden": hidden, "customer": customer}
    try:
        card = render.render(version, language, INBOX, context, **how)
        mails = [
            (each, render.render(version, language, each.name, context, **how))
            for each in registry.person_channels()
            if each.written is not None
        ]
    except RenderError as fault:
        preview.faults.append(str(fault))
        return preview
    warnings = dict.fromkeys([*card.warnings, *(warning for _, mail in mails for warning in mail.warnings)])
    preview.warnings += [warning.words() for warning in warnings if warning.argument("name") not in missing]
    facts = key_facts.read(version, card.language, context, hidden)
    preview.inbox = _copy(version, card, readable_facts(facts, None, external=customer), subject)
    for channel, mail in mails:
        _write_mail(preview, channel, {"title": mail.title, "body": mail.body, "short_body": mail.short_body})
    return preview


def _copy(version: TemplateVersion, card: render.Rendering, facts: Sequence[KeyFact], subject: Subject) -> Notification:
    """Return an unsaved notification with the card's texts and the key facts `facts`."""
    task = object_in(subject.facts, "task")
    actions = subject.task.actions if subject.task else task.get("actions") or []
    offered: list[Action] = render.actions_of(version, card.language, actions)
    return Notification(
        recipient=Recipient(
            ref="alice", name="Alice", locale=card.language, timezone=timezone.get_current_timezone_name()
        ),
        category=Category(slug="preview"),
        title=card.title,
        body=card.body,
        short_body=card.short_body,
        language=card.language,
        actions=[action.as_json() for action in offered],
        details=fanout.details_of(subject.facts, facts),
        due_at=instant_in(task, "due_at"),
        priority=task.get("priority") or "normal",
        created_at=timezone.now(),
    )


def _write_mail(preview: Preview, channel: PersonChannel, words: Json) -> None:
    if preview.inbox is None or channel.written is None:
        return
    try:
        mail = channel.written(message_of(preview.inbox, words=words), "https://example.org/a/…")
    except TransportError as fault:
        preview.faults.append(fault.detail)
        return
    preview.mail_subject, preview.mail_text, preview.mail_html = mail.subject, mail.text, mail.html


# --- the user's last choices ------------------------------------------------------------------------------------------
def last_chosen(request: HttpRequest, template: int) -> dict[str, str]:
    return dict(request.session.get(SESSION_KEY, {}).get(str(template), {}))


def remember(request: HttpRequest, template: int, form_data: Mapping[str, Any]) -> None:
    """Keep the fields of the preview's form in the session, if they have changed."""
    chosen = {name: str(form_data[name])[:MAX_CHARACTERS] for name in STORED_FIELDS if form_data.get(name)}
    if chosen == last_chosen(request, template):
        return
    others = {key: value for key, value in request.session.get(SESSION_KEY, {}).items() if key != str(template)}
    newest = [*others.items(), *([(str(template), chosen)] if chosen else [])][-MAX_TEMPLATES:]
    request.session[SESSION_KEY] = dict(newest)


# --- test messages: only to the person of one's own account -----------------------------------------------------------
class WaysForm(forms.Form):
    channels = forms.MultipleChoiceField(
        label=_("Also send by"), required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget
    )

    def __init__(self, data: Any, ways: Sequence[Way]) -> None:
        super().__init__(data, initial={"channels": [way.channel for way in ways]})
        channels = self.fields["channels"]
        assert isinstance(channels, forms.MultipleChoiceField)
        channels.choices = [(way.channel, f"{channel_name(way.channel)}: {way.to}") for way in ways]
        if not ways:
            del self.fields["channels"]


def send_page(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion) -> HttpResponse:
    """GET: offer the channels and show the sample. POST: send."""
    person = Recipient.objects.select_related("brand", "user").filter(user=cast(User, request.user)).first()
    subject: Subject | None = preview_context(request, version, {}).get("about")
    refusal = _refusal(person, subject)
    if person is None or subject is None or refusal:
        return desk.ask(request, version, title=gettext("Send to me"), text=refusal, button="")
    ways = template_test.ways_to(person)
    form = WaysForm(request.POST if request.method == "POST" else None, ways)
    if form.is_valid():
        try:
            sent = template_test.send(
                version, person, subject.writer(), form.cleaned_data.get("channels", []), timezone.now()
            )
            return _show_sent(desk, request, version, sent)
        except CannotSend as fault:
            form.add_error(None, str(fault))
    return desk.ask(request, version, title=gettext("Send to me"), text=_announcement(subject, ways), form=form)


def _refusal(person: Recipient | None, subject: Subject | None) -> str:
    if person is None:
        return gettext(
            "Your account belongs to nobody who gets messages. Choose it as the user of a person under People."
        )
    if not person.present:
        return gettext("%(person)s is not active, and gets no messages.") % {"person": person}
    if subject is None:
        return gettext("No event type has a sample yet: add one, so that there is something to show.")
    return ""


def _announcement(subject: Subject, ways: Sequence[Way]) -> str:
    sentence = gettext("Sent only to your inbox, marked as a test, with the text for %(about)s.") % {
        "about": subject.words
    }
    if ways:
        return sentence
    more = gettext("For more, turn on notifications on a device in your inbox, or give your person an e-mail address.")
    return f"{sentence} {more}"


def _show_sent(desk: DeskAdmin, request: HttpRequest, version: TemplateVersion, sent: Notification) -> HttpResponse:
    desk.log(request, version, f"Sent to oneself as a test: {sent.pk}")
    message = gettext("The test is on its way to you.")
    if request.user.has_perm("notifications.view_event") and sent.event is not None:
        message = format_html("{} {}", message, link(sent.event, gettext("Result")))
    desk.message_user(request, message, messages.SUCCESS)
    return HttpResponseRedirect(change_url(version))
