"""Limits of engines, API keys and channels, with what is used of each."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import DeskChangeList, HistoryAdmin
from notifications.admin.desk.decorators import display
from notifications.admin.desk.display import mark
from notifications.intake import limit_use
from notifications.models import Limit
from wfpush.numbers import number


class LimitList(DeskChangeList):
    """The list of limits. The use of those on a page is read at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        self.result_list: Any = list(self.result_list)
        uses = limit_use.uses(self.result_list, timezone.now())
        for limit in self.result_list:
            limit.use = uses.get(limit)


@admin.register(Limit)
class LimitAdmin(HistoryAdmin):
    empty_says = _(
        "Limits of events a minute, and of messages an hour to one person. Keys may send 300,000 events a minute "
        "without one."
    )
    list_display = ["limited", "limit", "used"]
    list_select_related = ["engine", "api_key__engine"]
    search_fields = ["engine__name", "api_key__name", "channel"]
    autocomplete_fields = ["engine", "api_key"]
    fields = ["engine", "api_key", "channel", "most", "used"]
    readonly_fields = ["used"]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[LimitList]:
        return LimitList

    @display(description=_("limit of"), ordering="engine__name")
    def limited(self, limit: Limit) -> str:
        return limit.subject

    @display(description=_("at most"), ordering="most")
    def limit(self, limit: Limit) -> str:
        return limit.amount

    @display(description=_("used"))
    def used(self, limit: Limit | None) -> SafeString | str:
        """Return the most of one of the last ten minutes, or of one person within the last hour."""
        if limit is None or limit.pk is None:
            return "–"
        use = limit.use if hasattr(limit, "use") else limit_use.of(limit)
        if use is None:
            return gettext("unknown: Redis does not answer")
        share = f"{number(use.most_used)} ({round(100 * use.most_used / limit.most)} %)"
        return mark("bad" if use.most_used >= limit.most else "warn" if use.is_near else "ok", share)
