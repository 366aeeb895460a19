"""Accounts and groups with their rights, locked sign-ins, and failures of background tasks."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import axes.admin
import django_q.admin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from axes.utils import reset
from django import forms
from django.contrib import admin
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import UsernameField
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from notifications.admin.desk.base import DeskAdmin, LedgerAdmin
from notifications.admin.desk.decorators import action, count_column, display, time_column
from notifications.admin.desk.display import link, mark, shortened, took
from notifications.admin.desk.filters import Conditions
from notifications.inbox.sign_in.ways import announce_password
from notifications.models import Recipient
from notifications.people import login_limits, revocation
from wfpush.models import Heartbeat
from wfpush.security.redaction import redact_text

PACKAGE_ADMINS = (axes.admin, django_q.admin)
"""Modules that register admins when they are imported. They are imported first, so that ours replace theirs."""

for _model in (User, Group, AccessAttempt, AccessLog, AccessFailureLog, Schedule, Success, Failure, OrmQ):
    # A row of Schedule could run any Python path. The broker's table and the list of successes are not used.
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)


for _model, _one, _many in (
    (AccessAttempt, _("lock"), _("locks")),
    (AccessLog, _("sign-in"), _("sign-ins")),
    (Failure, _("failed background task"), _("failed background tasks")),
):  # names of packages' models on all our pages, which their migrations do not see
    _model._meta.verbose_name, _model._meta.verbose_name_plural = _one, _many


# --- users and groups -----------------------------------------------------------------------------------------------
class Rights(Conditions):
    title = _("rights")
    parameter_name = "rights"
    conditions = {
        "all": (_("all rights"), Q(is_superuser=True)),
        "staff": (_("this desk, by their groups"), Q(is_staff=True, is_superuser=False)),
        "inbox": (_("their inbox only"), Q(is_staff=False)),
    }


class UserForm(forms.ModelForm):
    """The form of a user without the password, so that not even the beginning of its hash is shown."""

    class Meta:
        model = User
        fields = ["username", "email", "is_active", "is_staff", "is_superuser", "groups"]
        field_classes = {"username": UsernameField}


@contextmanager
def _ending_access(users: list[User]) -> Iterator[None]:
    """Delete users inside; afterwards end the sessions, devices and tokens of their people."""
    ids = list(Recipient.objects.filter(user__in=users).values_list("pk", flat=True))
    yield
    for pk in ids:
        revocation.settle(pk, timezone.now())


@admin.register(User)
class UserAdmin(DjangoUserAdmin, DeskAdmin):
    """The list of users. Only superusers can make superusers, so only they may change or delete one."""

    empty_says = _("Accounts that can sign in. Add the first one.")

    form = UserForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ["username", "person", "rights", "seen", "is_active"]
    list_filter = [Rights, "is_active", "groups"]
    list_select_related = ["recipient"]
    list_prefetch_related = ["groups"]
    search_fields = ["username", "email", "recipient__name", "recipient__ref"]
    seen = time_column("last_login", _("last signed in"))
    filter_horizontal = []
    autocomplete_fields = ["groups"]
    readonly_fields = ["person", "password_link", "last_login", "date_joined"]
    fieldsets = [
        (None, {"fields": ["username", "password_link", "person", "email"]}),
        (_("Rights"), {"fields": ["is_active", "is_staff", "is_superuser", "groups"]}),
        (_("Times"), {"fields": ["last_login", "date_joined"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        return [*self.readonly_fields, *([] if request.user.is_superuser else ["is_superuser"])]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_change_permission(request, obj)
        return allowed and not self._is_above(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed: bool = super().has_delete_permission(request, obj)
        return allowed and not self._is_above(request, obj)

    def save_model(self, request: HttpRequest, obj: User, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if change:
            revocation.settle_account(obj, timezone.now())

    def delete_model(self, request: HttpRequest, obj: User) -> None:
        with _ending_access([obj]):
            super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[User]) -> None:
        with _ending_access(list(queryset)):
            super().delete_queryset(request, queryset)

    def _is_above(self, request: HttpRequest, user: Any) -> bool:
        return isinstance(user, User) and user.is_superuser and not request.user.is_superuser

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        """Redirect to the page for one's own password, which asks for the old one and keeps this browser signed in."""
        if id == str(request.user.pk):
            return redirect("admin:password_change")
        with transaction.atomic():
            response: HttpResponse = super().user_change_password(request, id, form_url)
            if request.method == "POST" and response.status_code == 302:
                announce_password(request, User.objects.get(pk=id))
        return response

    @display(description=_("person"), ordering="recipient__name")
    def person(self, user: User) -> SafeString:
        return link(getattr(user, "recipient", None))

    @display(description=_("password"))
    def password_link(self, user: User) -> SafeString:
        words = gettext("set a new one") if user.has_usable_password() else gettext("none: set one")
        address = reverse("admin:auth_user_password_change", args=[user.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', address, words)

    @display(description=_("rights"))
    def rights(self, user: User) -> str:
        if user.is_superuser:
            return gettext("all rights")
        return ", ".join(group.name for group in user.groups.all()) or (
            gettext("none") if user.is_staff else gettext("inbox")
        )


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, DeskAdmin):
    empty_says = _("Roles: what accounts may do at the desk. Add the first one.")
    list_display = ["name", "size", "right_count"]
    search_fields = ["name"]
    size = count_column("users", _("users"), User, "groups__id__exact")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Group]:
        groups = super().get_queryset(request)
        return groups.annotate(users=Count("user", distinct=True), rights=Count("permissions", distinct=True))

    @display(description=_("rights"), ordering="rights")
    def right_count(self, group: Any) -> int:
        return int(group.rights)


# --- locks ----------------------------------------------------------------------------------------------------------
class LockState(Conditions):
    title = _("locked")
    parameter_name = "locked"

    def conditions_now(self) -> dict[str, tuple[Any, Q]]:
        locked = Q(pk__in=login_limits.locked(timezone.now()))
        return {"yes": (_("locked"), locked), "no": (_("not locked"), ~locked)}


@admin.register(AccessAttempt)
class AccessAttemptAdmin(LedgerAdmin):
    """Failed sign-ins and locks. The list does not show the typed passwords, not even masked."""

    empty_says = _("Accounts locked after too many wrong passwords. There are none.")

    list_display = ["username", "ip_address", "failures", "last_try", "state"]
    list_filter = [LockState]
    search_fields = ["=username", "=ip_address"]
    fields = ["username", "ip_address", "failures_since_start", "state", "attempt_time", "path_info", "user_agent"]
    last_try = time_column("attempt_time", _("last try"))
    actions = ["unlock"]

    def has_unlock_permission(self, request: HttpRequest) -> bool:
        return self.may(request, "delete")

    @action(description=_("Unlock"), permissions=["unlock"])
    def unlock(self, request: HttpRequest, queryset: QuerySet[AccessAttempt]) -> None:
        """Forget the failures of these names and addresses. Both are counted, so both are freed: a name at all
        addresses, and an address for all names."""
        attempts = list(queryset)
        for attempt in attempts:
            self.log(request, attempt, f"Unlocked {attempt.username} at {attempt.ip_address}")
            if attempt.username:  # without a filter, axes would forget all failures
                reset(username=attempt.username)
            if attempt.ip_address:
                reset(ip=attempt.ip_address)
        names = ", ".join(sorted({attempt.username or attempt.ip_address for attempt in attempts}))
        self.message_user(request, gettext("%(names)s may sign in again.") % {"names": names})

    @display(description=_("failures"), ordering="failures_since_start")
    def failures(self, attempt: AccessAttempt) -> int:
        return int(attempt.failures_since_start)

    @display(description=_("state"))
    def state(self, attempt: AccessAttempt) -> SafeString:
        wait = login_limits.wait_of(attempt, timezone.now())
        if not wait:
            return mark("wait", gettext("may try"))
        return mark("bad", gettext("locked for %(minutes)d min") % {"minutes": math.ceil(wait.total_seconds() / 60)})


@admin.register(AccessLog)
class AccessLogAdmin(LedgerAdmin):
    empty_says = _("Who signed in, when and from where. Nobody has signed in yet.")
    list_display = ["username", "ip_address", "signed_in", "logout_time", "user_agent"]
    search_fields = ["=username", "=ip_address"]
    fields = ["username", "ip_address", "attempt_time", "logout_time", "path_info", "user_agent"]
    signed_in = time_column("attempt_time", _("signed in"))


# --- background tasks -----------------------------------------------------------------------------------------------
@admin.register(Failure)
class FailureAdmin(LedgerAdmin):
    """Failed background tasks. Tasks are wake-ups: a failure costs latency, and points to a bug or to the host."""

    empty_says = _("Failed background tasks. There were none in 7 days.")

    list_display = ["func", "stopped", "duration", "short_result"]
    list_filter = ["func"]
    search_fields = ["func", "name"]
    fields = ["name", "func", "started", "stopped", "attempt_count", "full_result"]

    @display(description=_("took"))
    def duration(self, failure: Failure) -> str:
        return took(failure.started, failure.stopped)

    @display(description=_("error"))
    def short_result(self, failure: Failure) -> SafeString:
        return shortened(redact_text(str(failure.result)))

    @display(description=_("error"))
    def full_result(self, failure: Failure) -> SafeString:
        return format_html('<pre class="desk-json" tabindex="0">{}</pre>', redact_text(str(failure.result)))


@admin.register(Heartbeat)
class HeartbeatAdmin(LedgerAdmin):
    empty_says = _("Heartbeats of the worker. There are none: start `manage.py worker`.")
    list_display = ["name", "release", "last_beat"]
    last_beat = time_column("beat_at", _("last beat"))
