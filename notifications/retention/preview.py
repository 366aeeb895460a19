"""Preview of an erasure: numbers of the data that would be deleted, and that would stay."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext

from notifications.additions import PersonalData
from notifications.models import (
    ANSWERABLE,
    Attachment,
    Callback,
    Delivery,
    Notification,
    Recipient,
    Response,
    Task,
    TaskMessage,
)
from notifications.retention.columns import model_of
from notifications.retention.models import LegalHold
from wfpush import features
from wfpush.numbers import number


@dataclass
class Preview:
    """Lines of deleted and retained data, and warnings for the administrator."""

    goes: list[str] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)


def preview(person: Recipient) -> Preview:
    return Preview(list(_goes(person)), list(_stays(person)), list(_doubts(person)))


def _goes(person: Recipient) -> Iterator[str]:
    yield gettext("Name, ref, e-mail, phone, language and time zone, also those of before, and the account.")
    rows: dict[type[Model], Any] = {}
    for label, name in (reference for data in features.added(PersonalData) for reference in data.counted):
        model = model_of(label)
        rows[model] = model._default_manager.filter(**{name: person})
    yield from _counted(rows)
    words = Response.objects.filter(recipient=person).exclude(comment="", values=[], variables={})
    yield gettext("Comments and values of %(count)s answers") % {"count": number(words.count())}
    written = TaskMessage.objects.filter(author=person).count()
    yield gettext("The words of %(count)s questions, replies and comments") % {"count": number(written)}
    files = Attachment.objects.filter(uploader=person).count()
    yield gettext("The content of %(count)s files") % {"count": number(files)}
    sent = Delivery.objects.filter(recipient=person).exclude(address="", shown_to="").count()
    yield gettext("The addresses of %(count)s messages") % {"count": number(sent)}
    yield gettext("Their name, ref, e-mail and phone in other people's texts and messages, as whole words.")


def _stays(person: Recipient) -> Iterator[str]:
    yield gettext("A person without a name, under a neutral ref, so that what follows still refers to somebody:")
    rows: dict[type[Model], Any] = {
        Notification: Notification.objects.filter(recipient=person),
        Delivery: Delivery.objects.filter(recipient=person),
        Response: Response.objects.filter(recipient=person),
        Task: Task.objects.filter(Q(assignee=person) | Q(initiator=person)),
    }
    yield from _counted(rows)


def _counted(rows: dict[type[Model], Any]) -> Iterator[str]:
    for model, queryset in rows.items():
        if count := queryset.count():
            yield f"{capfirst(model._meta.verbose_name_plural)}: {number(count)}"


def _doubts(person: Recipient) -> Iterator[str]:
    of_person = Q(case__notifications__recipient=person) | Q(case__tasks__responses__recipient=person)
    if held := LegalHold.objects.filter(of_person, lifted_at=None).values("case").distinct().count():
        text = ngettext(
            "%(count)s case is under a legal hold: it is left as it is until the hold is lifted.",
            "%(count)s cases are under a legal hold: they are left as they are until the holds are lifted.",
            held,
        )
        yield text % {"count": number(held)}
    waiting = Callback.objects.filter(response__recipient=person, due_at__isnull=False).count()
    if waiting:
        yield gettext("Answers that engines have not received yet: %(count)s. They are sent first, then erased.") % {
            "count": number(waiting)
        }
    tasks = Task.objects.filter(assignee=person, state__in=ANSWERABLE).count()
    if tasks:
        yield gettext("Tasks that wait for them: %(count)s. Reassign them in the engine.") % {"count": number(tasks)}
    if mentions := dict.fromkeys(_where_named(person)):
        yield gettext("Still named by: %(names)s. Nobody is notified there any more.") % {"names": ", ".join(mentions)}


def _where_named(person: Recipient) -> Iterator[str]:
    for label, lookup in (each for data in features.added(PersonalData) for each in data.named_by):
        yield from map(str, model_of(label)._default_manager.filter(**{lookup: person}).distinct()[:10])
