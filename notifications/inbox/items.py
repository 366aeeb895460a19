"""An item with its context: its subject and place, the person, and its history."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.shortcuts import get_object_or_404
from django.utils.module_loading import import_string
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from notifications.additions import ItemAction, ItemPanel
from notifications.forms.fields import Form, form_of
from notifications.inbox.cards import Card, card
from notifications.inbox.history import Entry, history_of
from notifications.inbox.proofs import Proofs, proofs_of
from notifications.inbox.uploads import File
from notifications.items import snoozing
from notifications.items.glance import engine_of
from notifications.items.inbox_json import documents_of, escalation_of, shown_facts, web_link
from notifications.items.representation import notification_queryset
from notifications.models import Engine, Notification, NotificationState, Recipient
from notifications.preferences import following
from notifications.revisions.changes import ChangedValue, changes_of, changes_since
from notifications.types import Json
from notifications.wording.directions import apart
from notifications.wording.key_facts import WrittenFact
from notifications.wording.times import short_time
from wfpush import features

RELATED_SHOWN = 5
COLLEAGUES_NAMED = 3
"""The largest number of colleagues whom an item names. Of more it gives the number."""


class Panel(Protocol):
    """What a feature adds to an item's page. `template` shows it, and `form` is the form below; `choice` offers
    `askable`, the people whom an answer of the name `asking` can ask; `files` are listed on the e-mail page."""

    template: ClassVar[str]
    form: ClassVar[str]
    choice: ClassVar[str]

    @property
    def asking(self) -> str: ...

    @property
    def askable(self) -> Sequence[object]: ...

    @property
    def files(self) -> Sequence[File]: ...


@dataclass(frozen=True)
class Item:
    card: Card
    engine: Engine | None
    url: str
    case_url: str
    facts: list[Json]
    documents: list[Json]
    history: list[Entry]
    related: list[tuple[Notification, str]]
    """The person's other items of the case, newest first, each with its time."""
    heard: following.Following | None
    actions: Sequence[ItemAction]
    """What features add to the item's menu."""
    panel: Panel | None
    proofs: Proofs | None
    """The answers that its person has to sign; None if there are none."""
    form: Form | None
    changes: Mapping[str, ChangedValue]
    """Changes since the reader was shown the item, else of the last update, by label."""
    revised: str
    """Time of the item's last change; empty: never."""
    colleagues: str
    """A sentence on the colleagues who may answer the task, too; empty if there are none."""
    snoozed: bool
    snoozes: list[tuple[str, datetime]]
    """Usual times until which the item can be put off."""

    @property
    def notification(self) -> Notification:
        return self.card.notification

    @property
    def reply(self) -> str:
        """The action of an item with a question, whose reply box is always open; empty for all other items."""
        return next((button.action.name for button in self.card.buttons if button.action.effect == "reply"), "")

    @property
    def can_snooze(self) -> bool:
        return self.card.is_open and not self.snoozed

    @property
    def has_menu(self) -> bool:
        return self.card.is_open or self.heard is not None

    @property
    def _listed(self) -> list[WrittenFact]:
        """The key facts that the list below the text does not have."""
        below = {part["text"] for fact in self.facts for part in fact["parts"]}
        return [each for each in self.card.listed if each.text not in below]

    @property
    def changed_facts(self) -> list[tuple[WrittenFact, ChangedValue | None]]:
        """The listed key facts, each with its value before the change."""
        return [(each, self.changes.get(each.label)) for each in self._listed]

    @property
    def changed_first(self) -> ChangedValue | None:
        """The change of the fact that is shown large."""
        return self.changes.get(self.card.first_label)

    @property
    def other_changes(self) -> list[ChangedValue]:
        """The changes of other values than the key facts that are shown."""
        shown = {self.card.first_label, *(each.label for each in self._listed)}
        return [each for each in self.changes.values() if each.label not in shown]

    @property
    def takes_comment(self) -> bool:
        """Return whether one of the answers may carry an optional comment."""
        return any(button.action.comment == "optional" for button in self.card.buttons)


def own_notification(reader: Recipient, notification_id: UUID) -> Notification:
    """Return the reader's notification. Raises Http404, for other people's notifications too."""
    return get_object_or_404(notification_queryset(), recipient=reader, pk=notification_id)


def item(notification: Notification, reader: Recipient, now: datetime, *, shown: str | None = None) -> Item:
    """Return the item. `shown` is the revision that the reader saw before; None: unknown."""
    case, engine = notification.case, engine_of(notification)
    changes = changes_of(notification) if shown is None else changes_since(notification, shown)
    shown_card = card(notification, reader, now)
    return Item(
        card=shown_card,
        engine=engine,
        url=web_link(notification.url),
        case_url=web_link(case.url) if case else "",
        documents=documents_of(notification),
        facts=shown_facts(notification),
        history=history_of(notification, reader, now),
        related=_related(notification, reader, now),
        heard=following.of_case(reader, case) if case is not None else None,
        actions=[each for each in features.added(ItemAction) if each.is_offered(notification, reader)],
        panel=_panel(notification, reader, now),
        proofs=proofs_of([notification], shown_card.buttons, reader),
        form=form_of(notification.task.data) if notification.task else None,
        revised=short_time(notification.revised_at, now) if notification.revised_at else "",
        changes={each.label: each for each in changes},
        colleagues=_colleagues(notification, reader) if shown_card.buttons else "",
        snoozed=snoozing.is_snoozed(notification, now),
        snoozes=snoozing.choices(notification, now),
    )


def _panel(notification: Notification, reader: Recipient, now: datetime) -> Panel | None:
    panels = (import_string(each.read)(notification, reader, now) for each in features.added(ItemPanel))
    return next(panels, None)


def _related(notification: Notification, reader: Recipient, now: datetime) -> list[tuple[Notification, str]]:
    if notification.case_id is None:
        return []
    others = Notification.objects.filter(recipient=reader, case=notification.case_id).exclude(pk=notification.pk)
    return [(other, short_time(other.created_at, now)) for other in others.order_by("-created_at")[:RELATED_SHOWN]]


def _colleagues(notification: Notification, reader: Recipient) -> str:
    """Return the sentence on the colleagues who have the same task open with answers. External people read none."""
    if notification.task_id is None or reader.external:
        return ""
    others = Recipient.objects.filter(
        Exists(
            Notification.objects.filter(
                recipient=OuterRef("pk"), task=notification.task_id, state=NotificationState.OPEN
            ).exclude(actions=[])
        ),
        engine=None,
        active=True,
    ).exclude(Q(pk=reader.pk) | Q(user__is_active=False))
    names = [str(person) for person in others.order_by("name", "ref")[: COLLEAGUES_NAMED + 1]]
    if len(names) == 1 and names[0] in escalation_of(notification):
        return ""  # it says already that the task came from them
    return colleagues_text(names, others.count() if len(names) > COLLEAGUES_NAMED else len(names))


def colleagues_text(names: Sequence[str], total: int) -> str:
    """Return a sentence that says that these people have the task, too. `total`: their number; `names`: the first of
    them, at least COLLEAGUES_NAMED if there are so many."""
    named = [apart(name) for name in names]
    if total > COLLEAGUES_NAMED:
        del named[COLLEAGUES_NAMED - 1 :]
        some = {"names": ", ".join(named), "number": total - len(named)}
        text = ngettext(
            "%(names)s and %(number)d other have this task, too.",
            "%(names)s and %(number)d others have this task, too.",
            total - len(named),
        )
        return text % some
    if not named:
        return ""
    text = ngettext("%(names)s has this task, too.", "%(names)s have this task, too.", total)
    return text % {"names": get_text_list(named, _("and"))}
