"""The desk's pages for importing and exporting a list: a file, a preview of its changes, and the import."""

import secrets
from typing import Any

import redis
import structlog
from django import forms
from django.contrib import messages
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminFileFieldWidget

from notifications.admin.desk.base import DeskAdmin, extend
from notifications.admin.desk.decorators import action
from notifications.admin.desk.display import list_url
from notifications.models import CaseList, Recipient, Team
from notifications.transfer.roster import MAX_FAULTS, Plan, Roster
from notifications.transfer.sheets import KINDS, MOST_BYTES, BadFile, read, write
from notifications.transfer.tables import CaseListRoster, PeopleRoster, TeamRoster

log = structlog.get_logger(__name__)

STORED_SECONDS = 30 * 60
"""Seconds for which a file waits in Redis for its import."""
MAX_SHOWN = 50
"""Maximum number of rows in a preview. Other rows are counted."""


class FileForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        widget=UnfoldAdminFileFieldWidget(attrs={"accept": ".csv,.xlsx"}),
        help_text=_("CSV in UTF-8, with commas or semicolons, or XLSX; at most 1 MB. Nothing is changed yet."),
    )


class TransferAdmin(DeskAdmin):
    """What a list gets that can be exported and imported. `roster`: its table."""

    roster: type[Roster]
    actions_list = ["import_rows", "export_rows"]

    def get_urls(self) -> list[URLPattern]:
        one = path(
            "import/<slug:token>/", self.admin_site.admin_view(self.import_preview), name=self._name("import_preview")
        )
        return [one, *super().get_urls()]

    def _name(self, page: str) -> str:
        return f"{self.opts.app_label}_{self.opts.model_name}_{page}"

    def _url(self, page: str, *args: Any) -> str:
        return reverse(f"admin:{self._name(page)}", args=args)

    def has_import_permission(self, request: HttpRequest) -> bool:
        return bool(self.has_change_permission(request))

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may export. It takes the right to change the list, or to view it and all deliveries,
        which show every address. Viewers who choose from the list for rules may not."""
        sees_addresses = self.has_view_permission(request) and request.user.has_perm("notifications.view_delivery")
        return bool(self.has_change_permission(request) or sees_addresses)

    # --- export -----------------------------------------------------------------------------------------------------
    @action(description=_("Export"), url_path="export", permissions=["export"], icon="download")
    def export_rows(self, request: HttpRequest) -> HttpResponse:
        kind = request.GET.get("kind", "")
        if kind not in KINDS:
            context = {"columns": self.roster().columns(), "back": list_url(self.model), "meta": self.opts}
            return self.page(request, "transfer/export.html", gettext("Export"), **context)
        roster = self.roster()
        content = write(roster.export(roster.rows_of_model(lock=False)), kind)
        name = f"{self.opts.model_name}-{timezone.localdate():%Y-%m-%d}.{kind}"
        self.log_of_list(request, f"Exported as {kind}")
        log.info("list_exported", list=self.opts.model_name, by=request.user.pk)
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return HttpResponse(content, content_type=KINDS[kind], headers=headers)

    # --- import -----------------------------------------------------------------------------------------------------
    @action(description=_("Import"), url_path="import", permissions=["import"], icon="upload")
    def import_rows(self, request: HttpRequest) -> HttpResponse:
        form = FileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            upload = form.cleaned_data["file"]
            try:
                content = upload.read(MOST_BYTES + 1)
                read(upload.name, content)
                token = self._store(request, upload.name, content)
                return HttpResponseRedirect(self._url("import_preview", token))
            except BadFile as error:
                form.add_error("file", str(error))
        context = {"form": form, "columns": self.roster().columns(), "back": list_url(self.model), "meta": self.opts}
        return self.page(request, "transfer/import.html", gettext("Import"), **context)

    def import_preview(self, request: HttpRequest, token: str) -> HttpResponse:
        """Show what the file would change. A POST imports it if it would still do the same."""
        if not self.has_import_permission(request):
            raise PermissionDenied
        file = self._load(request, token)
        if file is None:
            text = gettext("This file was already imported, or its preview has expired. Choose it again if needed.")
            self.message_user(request, text, messages.WARNING)
            return HttpResponseRedirect(self._url("import_rows"))
        name, content = file
        if request.method != "POST":
            return self._preview(request, self._plan(request, self.roster(), name, content), name)
        try:
            plan, is_done = self._import(request, name, content)
        except IntegrityError:  # somebody has just added the same
            plan, is_done = self._plan(request, self.roster(), name, content), False
        if not is_done:
            text = gettext("Data changed meanwhile: check the preview again.")
            self.message_user(request, text, messages.WARNING)
            return self._preview(request, plan, name)
        self._delete(request, token)
        self.message_user(request, _summary(plan), messages.SUCCESS)
        return HttpResponseRedirect(list_url(self.model))

    @transaction.atomic
    def _import(self, request: HttpRequest, name: str, content: bytes) -> tuple[Plan, bool]:
        """Import the file if its effect is still that of the preview; return whether it is. Raise IntegrityError."""
        roster = self.roster()
        plan = self._plan(request, roster, name, content, lock=True)
        if plan.faults or plan.digest != request.POST.get("digest"):
            return plan, False
        roster.write(plan, request.user, name)  # type: ignore[arg-type]  # a user of the desk
        return plan, True

    def _plan(self, request: HttpRequest, roster: Roster, name: str, content: bytes, *, lock: bool = False) -> Plan:
        plan = roster.plan(read(name, content), lock=lock)
        roster.refuse(plan, request.user)  # type: ignore[arg-type]
        return plan

    def _preview(self, request: HttpRequest, plan: Plan, name: str) -> HttpResponse:
        shown = {"faults": plan.faults[:MAX_FAULTS], "more_faults": max(len(plan.faults) - MAX_FAULTS, 0)}
        rows = plan.changes[:MAX_SHOWN]
        shown |= {"rows": rows, "more_rows": len(plan.changes) - len(rows), "summary": _summary(plan)}
        context = {"plan": plan, "file": name, "again": self._url("import_rows"), **shown}
        return self.page(request, "transfer/import_preview.html", gettext("Preview of the import"), **context)

    # --- the stored file --------------------------------------------------------------------------------------------
    def _key(self, request: HttpRequest, token: str) -> str:
        return f"wfpush:import:{self.opts.model_name}:{request.user.pk}:{token}"

    def _store(self, request: HttpRequest, name: str, content: bytes) -> str:
        """Return the token of the file's preview. Raise BadFile if Redis is unreachable."""
        token = secrets.token_hex(16)
        try:
            cache.set(self._key(request, token), (name[:200], content), STORED_SECONDS)
        except (redis.RedisError, OSError) as error:
            log.warning("import_is_not_kept", fault=str(error))
            raise BadFile(gettext("The file cannot be kept at the moment. Try again in a minute.")) from error
        return token

    def _load(self, request: HttpRequest, token: str) -> tuple[str, bytes] | None:
        try:
            file: tuple[str, bytes] | None = cache.get(self._key(request, token))
        except (redis.RedisError, OSError):
            return None
        return file

    def _delete(self, request: HttpRequest, token: str) -> None:
        try:
            cache.delete(self._key(request, token))
        except (redis.RedisError, OSError) as error:  # it expires; importing it again would change nothing
            log.warning("import_is_not_forgotten", fault=str(error))


def _summary(plan: Plan) -> str:
    """Return a summary such as “12 new, 3 changed, 1985 as they were”."""
    new, changed, same = len(plan.new), len(plan.changed), plan.same
    return ", ".join(
        [
            ngettext("%(count)d new", "%(count)d new", new) % {"count": new},
            ngettext("%(count)d changed", "%(count)d changed", changed) % {"count": changed},
            ngettext("%(count)d unchanged", "%(count)d unchanged", same) % {"count": same},
        ]
    )


class PeopleTransfer(TransferAdmin):
    roster = PeopleRoster


class TeamTransfer(TransferAdmin):
    roster = TeamRoster


class CaseListTransfer(TransferAdmin):
    roster = CaseListRoster


extend(Recipient, PeopleTransfer)
extend(Team, TeamTransfer)
extend(CaseList, CaseListTransfer)
