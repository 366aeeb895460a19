"""Actions for a person's data: export as JSON, and erasure after a preview of what is deleted and what stays."""

from typing import Any, cast

from django import forms
from django.contrib import messages
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from notifications.admin.base import DeskAdmin
from notifications.admin.decorators import action
from notifications.admin.display import change_url, page_url
from notifications.models import Erasure, Recipient
from notifications.retention import erasing
from notifications.retention.person_export import export
from notifications.retention.preview import preview


class ErasureForm(forms.Form):
    """A form for the person's ref, typed again as a confirmation."""

    ref = forms.CharField(label=_("The person's ref, once more"), widget=UnfoldAdminTextInputWidget)

    def __init__(self, person: Recipient, *args: Any) -> None:
        super().__init__(*args)
        self._person = person

    def clean_ref(self) -> str:
        typed: str = self.cleaned_data["ref"]
        if typed != self._person.ref:
            raise ValidationError(gettext("That is not their ref. Nothing was erased."))
        return typed


class PersonalData(DeskAdmin):
    def has_export_data_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("notifications.export_recipient"))

    def has_erase_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(request.user.has_perm("notifications.erase_recipient"))

    @action(description=_("Their data"), url_path="data", permissions=["export_data"], icon="download")
    def export_data(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person: Recipient = self.get_row(request, object_id)
        if request.method != "POST":
            text = gettext("A JSON file with everything that is held about %(person)s, with the files they sent.")
            erase = page_url(person, "erase") if self.has_erase_permission(request) else ""
            context = {"text": text % {"person": person}, "erase": erase, "back": change_url(person)}
            return self.page(request, "admin/desk/personal_data.html", gettext("Their data"), **context)
        self.log(request, person, gettext("Exported all data of the person"))
        name = f"person-{person.pk}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        pieces = (piece.encode() for piece in export(person, timezone.now()))
        return StreamingHttpResponse(pieces, content_type="application/json", headers=headers)  # type: ignore[return-value]

    @action(description=_("Erase…"), url_path="erase", permissions=["erase"], icon="delete")
    def erase(self, request: HttpRequest, object_id: str) -> HttpResponse:
        person: Recipient = self.get_row(request, object_id)
        existing = Erasure.objects.filter(person=person).first()
        if existing is not None:
            return HttpResponseRedirect(change_url(existing))
        if refusal := _refusal(cast(User, request.user), person):
            return self.done(request, person, refusal, messages.ERROR)
        form = ErasureForm(person, request.POST or None)
        if request.method == "POST" and form.is_valid():
            with transaction.atomic():
                erasure = erasing.order(person, request.user, timezone.now())
                self.log(request, erasure, gettext("Ordered the erasure of a person"))
            self.message_user(request, gettext("Their account is closed and their name is gone; the rest follows."))
            return HttpResponseRedirect(change_url(erasure))
        title = gettext("Erase %(person)s") % {"person": person}
        context = {"row": person, "back": change_url(person), "form": form, "preview": preview(person)}
        return self.page(request, "admin/desk/erase.html", title, **context)


def _refusal(by: User, person: Recipient) -> str:
    if person.user_id == by.pk:
        return gettext("You cannot erase yourself: let another administrator do it.")
    if person.user is not None and person.user.is_superuser and not by.is_superuser:
        return gettext("Only those with all rights can erase somebody who has them.")
    return ""
