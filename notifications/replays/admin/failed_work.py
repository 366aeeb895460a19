"""What the desk's lists of events, deliveries and callbacks get: sending failed rows again."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import extend
from notifications.admin.desk.decorators import action
from notifications.engines.callback import UNENDED
from notifications.models import Callback, CallbackState, Delivery, DeliveryState, Event
from notifications.replays.admin.send_again import ReplayableAdmin, ReplayTexts
from notifications.replays.events import PROCESSABLE
from notifications.replays.kinds import KINDS
from notifications.replays.models import ReplayKind


class EventReplays(ReplayableAdmin):
    kind = KINDS[ReplayKind.EVENTS]
    again_title = _("Process events again")

    def has_failed(self, row: Event) -> bool:
        return row.status in PROCESSABLE

    def texts(self, row: Event) -> ReplayTexts:
        return ReplayTexts(
            refused=gettext("Only events that failed or matched no rule can be processed again."),
            title=gettext("Process the event again"),
            question=gettext("The event is routed by the current rules, and people are notified."),
            button=gettext("Process again"),
            sent=gettext("It is processed again. Reload this page in a moment."),
        )

    @action(description=_("Process again"), permissions=["operate"])
    def chosen_again(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse:
        response: HttpResponse = super().chosen_again(request, queryset)
        return response

    @action(description=_("Process again"), url_path="replay", permissions=["operate"], icon="replay")
    def replay_this(self, request: HttpRequest, object_id: str) -> HttpResponse:
        response: HttpResponse = super().replay_this(request, object_id)
        return response


class DeliveryReplays(ReplayableAdmin):
    kind = KINDS[ReplayKind.DELIVERIES]
    again_title = _("Send messages again")

    def has_failed(self, row: Delivery) -> bool:
        return row.state == DeliveryState.DEAD

    def texts(self, row: Delivery) -> ReplayTexts:
        question = gettext("%(person)s gets the message at %(address)s, if it still asks for anything.")
        return ReplayTexts(
            refused=gettext("Only deliveries that were given up can be sent again."),
            title=gettext("Send again"),
            question=question % {"person": row.recipient, "address": row.to},
            button=gettext("Send again"),
            sent=gettext("It is sent again. Reload this page in a moment."),
            not_sent=gettext("Not sent: the notification no longer asks for anything."),
        )


class CallbackReplays(ReplayableAdmin):
    kind = KINDS[ReplayKind.CALLBACKS]
    again_title = _("Send answers again")

    def has_failed(self, row: Callback) -> bool:
        return row.state in UNENDED

    def offers(self, action: str, row: Callback) -> bool:
        if action == "replay_this" and row.state == CallbackState.WAITING and not row.attempts and not row.detail_fact:
            return False  # it is sent without an operator
        return super().offers(action, row)

    def texts(self, row: Callback) -> ReplayTexts:
        question = gettext(
            "%(engine)s gets “%(answer)s” again under the same webhook-id, so that it can recognize a repeat."
        )
        return ReplayTexts(
            refused=gettext("Only answers that wait or were given up can be sent again."),
            title=gettext("Send the answer again"),
            question=question % {"engine": row.engine, "answer": row.says},
            button=gettext("Send again"),
            sent=gettext("It is sent again. Reload this page in a moment."),
            not_sent=gettext("It is being sent at this moment. Try again in a minute."),
        )


extend(Event, EventReplays)
extend(Delivery, DeliveryReplays)
extend(Callback, CallbackReplays)
