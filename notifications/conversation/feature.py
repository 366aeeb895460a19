"""The conversation about a task: questions to a chosen person, replies, comments and mentions.

The core records questions, and what engines write (`notifications/cases/messages.py`). `notifying` makes items of
messages, in the words of `wording`; `participants` finds the people who can be asked and mentioned; `posting` records
what people write and tells the engine. `item_panel` and `pages` are the part of an item's page, `admin` that of the
desk's, and `api` offers the same to engines and apps. `forwarding` hands a task to a colleague with a note, from
`forward_page`.
"""

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from notifications.additions import ApiPaths, DeskPanel, HistoryWords, ItemAction, ItemPanel, Pages
from notifications.answers.questions import Questions
from notifications.conversation import forwarding, notifying, participants, posting
from notifications.models import Addressee, Recipient, Task, TaskMessage
from wfpush.features import Feature


def _askable(task: Task, asker: Recipient) -> Sequence[Recipient]:
    return [candidate.person for candidate in participants.askable(task, asker)]


def _notify(question: TaskMessage, addressees: Sequence[Addressee], now: datetime) -> notifying.Telling:
    return notifying.Telling(question, addressees, now, live=False)


FEATURE = Feature(
    name="conversation",
    adds=[
        *notifying.SOURCES,
        Questions(_askable, _notify, posting.reply_to_item),
        ItemPanel("notifications.conversation.item_panel.conversation_of"),
        ItemAction("conversation:forward", _("Forward…"), "forward", forwarding.can_forward),
        HistoryWords(forwarding.TYPE, "forwarded_by", forwarding.history_words),
        Pages("notifications.conversation.pages"),
        ApiPaths("notifications.conversation.api"),
        DeskPanel("notifications.task", "notifications.conversation.admin.MessageInline"),
    ],
)
