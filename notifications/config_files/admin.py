"""The desk's lists of applied configurations, things that files own, which can be released, and operators' keys."""

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.desk.base import LedgerAdmin
from notifications.admin.desk.decorators import action, column, display, link_column, time_column
from notifications.admin.engines.keys import RevocableKeyAdmin
from notifications.config_files import applying, operator_keys
from notifications.config_files.kinds import tables
from notifications.config_files.models import ConfigApply, OperatorKey, OwnedThing
from wfpush.crypto import OPERATOR_KEY_PREFIX

LONGEST_LIFE = timedelta(days=366)


@admin.register(ConfigApply)
class ConfigApplyAdmin(LedgerAdmin):
    empty_says = _("Files that were applied, with their changes. There are none yet.")
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


# --- operators' keys --------------------------------------------------------------------------------------------------
class OperatorKeyForm(forms.ModelForm):
    class Meta:
        model = OperatorKey
        fields = ["name", "expires_at"]
        help_texts = {"expires_at": _("Within a year.")}

    def clean_expires_at(self) -> Any:
        expires_at, now = self.cleaned_data["expires_at"], timezone.now()
        if not now < expires_at <= now + LONGEST_LIFE:
            raise ValidationError(gettext("Choose a time within the next year."))
        return expires_at


@admin.register(OperatorKey)
class OperatorKeyAdmin(RevocableKeyAdmin):
    """Keys are made for one's own account only: one for somebody else's could do more than its maker."""

    empty_says = _("Keys by which programs plan and apply configuration as files. Add one for your own account.")
    form = OperatorKeyForm
    form_fields = ["name", "expires_at"]
    shown_fields = ["account", "name", "starts", "state", "made", "last_used", "expires_at", "revoked_at"]
    list_display = ["starts", "account", "name", "last_used", "made", "state"]
    list_select_related = ["user"]
    search_fields = ["prefix", "name", "user__username"]
    begins = OPERATOR_KEY_PREFIX
    account = link_column("user", _("account"), "user__username")

    def save_model(self, request: HttpRequest, obj: OperatorKey, form: Any, change: bool) -> None:
        made, plain = operator_keys.issue(request.user, name=obj.name, expires_at=obj.expires_at)
        obj.pk, obj.user, obj.prefix, obj.digest = made.pk, made.user, made.prefix, made.digest
        obj.created_at = made.created_at
        request.plain_once = plain  # type: ignore[attr-defined]

    def response_add(
        self, request: HttpRequest, obj: OperatorKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        plain: str = request.plain_once  # type: ignore[attr-defined]
        text = gettext("Copy it now, such as to the secrets of your CI. It is not stored here and is shown only once.")
        return self.shown_once(request, obj, gettext("The new operator key"), plain, text)
