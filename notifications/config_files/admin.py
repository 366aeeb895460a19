"""The desk's lists of applied configurations, with undo, and of things that files own, which can be released."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.decorators import action, column, display, time_column
from notifications.config_files import applying
from notifications.config_files.kinds import tables
from notifications.config_files.models import ConfigApply, OwnedThing


@admin.register(ConfigApply)
class ConfigApplyAdmin(LedgerAdmin):
    empty_says = _("Files that were applied with “config apply”, with their changes. There are none yet.")
    list_display = ["applied", "by_name", "source", "count", "state"]
    list_select_related = ["undoes", "undone_by"]
    search_fields = ["by_name", "source"]
    fields = ["at", "by_name", "source", "state", "lines"]
    readonly_fields = ["state", "lines"]

    applied = time_column("at", _("at"), "id")
    count = column(lambda record: len(record.after), _("changed things"))

    @display(description=_("state"))
    def state(self, record: ConfigApply) -> str:
        if record.undoes_id is not None:
            return gettext("undoes no. %(number)d") % {"number": record.undoes_id}
        undone = getattr(record, "undone_by", None)
        return gettext("undone by no. %(number)d") % {"number": undone.pk} if undone else gettext("applied")

    @display(description=_("changes"))
    def lines(self, record: ConfigApply) -> SafeString:
        return format_html('<pre class="desk-code">{}</pre>', "\n".join(record.sentences))


@admin.register(OwnedThing)
class OwnedThingAdmin(LedgerAdmin):
    empty_says = _("Configuration that files own, which the desk does not change. There is none yet.")
    list_display = ["thing", "what", "file"]
    list_filter = ["kind"]
    search_fields = ["name", "file"]
    actions = ["release"]
    fields = ["what", "name", "file"]
    readonly_fields = ["what"]
    thing = column(lambda owned: owned.name, _("name"), "name")

    @display(description=_("kind"), ordering="kind")
    def what(self, owned: OwnedThing) -> str:
        table = tables().get(owned.kind)
        return str(capfirst(table.label)) if table is not None else owned.kind

    def has_release_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("config_files.delete_ownedthing")

    @action(description=_("Release"), permissions=["release"])
    def release(self, request: HttpRequest, queryset: QuerySet[OwnedThing]) -> None:
        """Let the desk change the things, until their files are applied again."""
        for owned in queryset:
            self.log(request, owned, f"Released {owned.kind} “{owned.name}” from {owned.file}")
            applying.release(owned.kind, owned.name)
        text = gettext("The desk can change them now. Applying their files takes them over again.")
        self.message_user(request, text)
