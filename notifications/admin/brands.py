"""Brands: under which name, colours and addresses customers hear."""

import re
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminColorInputWidget, UnfoldAdminURLInputWidget

from notifications.admin import brand_identities
from notifications.admin.base import HistoryAdmin
from notifications.admin.decorators import action, display
from notifications.admin.reaching import DefaultInline
from notifications.admin.words import list_url
from notifications.channels.base import BrandKeys
from notifications.channels.email.senders import check_sender, needs
from notifications.models import Brand, Recipient
from notifications.wording.colours import READABLE, contrast

COLOUR = re.compile("#[0-9a-fA-F]{6}")


class BrandForm(forms.ModelForm):
    logo_url = forms.URLField(
        label=_("Logo"),
        required=False,
        max_length=500,
        assume_scheme="https",
        widget=UnfoldAdminURLInputWidget,
        help_text=_("An https address of an SVG or PNG."),
    )

    class Meta:
        help_texts = {
            "from_email": _("Sender of e-mails, such as Acme &lt;no-reply@acme.example&gt;.")
        }  # shown as HTML
        widgets = {
            "accent": UnfoldAdminColorInputWidget(attrs={"type": "color"}),
            "accent_dark": UnfoldAdminColorInputWidget(attrs={"type": "color"}),
        }

    def clean_domain(self) -> str:
        return str(self.cleaned_data["domain"]).rstrip("/")

    def clean_from_email(self) -> str:
        sender = str(self.cleaned_data["from_email"])
        if sender:
            check_sender(sender)
        return sender

    def clean_accent(self) -> str:
        return self._readable("accent", "#ffffff", gettext("white"))

    def clean_accent_dark(self) -> str:
        return self._readable("accent_dark", "#121316", gettext("the dark background"))

    def _readable(self, field: str, background: str, name: str) -> str:
        colour: str = self.cleaned_data[field]
        if not COLOUR.fullmatch(colour):
            return colour  # the model has the message
        if (ratio := contrast(colour, background)) < READABLE:
            raise ValidationError(
                gettext(
                    "Text in this colour is hard to read on %(background)s: contrast %(found).1f, "
                    "at least %(needed).1f is needed."
                )
                % {"background": name, "found": ratio, "needed": READABLE}
            )
        return colour


@admin.register(Brand)
class BrandAdmin(HistoryAdmin):
    form = BrandForm
    list_display = ["name", "slug", "colours", "from_email", "domain", "people_count"]
    search_fields = ["name", "slug", "from_email", "domain"]
    prepopulated_fields = {"slug": ["name"]}
    fieldsets = [
        (None, {"fields": ["name", "slug", "logo_url"]}),
        (_("Colours"), {"fields": [("accent", "accent_dark")]}),
        (_("E-mail and links"), {"fields": [("from_email", "reply_to"), "domain"]}),
        (
            _("How customers reach you"),
            {"fields": ["contact", ("contact_phone", "contact_email"), "contact_address", "names_staff"]},
        ),
    ]
    readonly_fields = ["identities"]
    actions_detail = ["new_push_key", "remove_push_keys"]

    def get_fieldsets(self, request: HttpRequest, obj: Brand | None = None) -> Any:
        identities = (_("As whom it sends"), {"fields": ["identities"]})
        return [*self.fieldsets, *([identities] if obj is not None else [])]

    @display(description=_("By channel"))
    def identities(self, brand: Brand) -> SafeString:
        return brand_identities.shown(brand)

    @action(description=_("New push key"), url_path="new-push-key", permissions=["change"], icon="key")
    def new_push_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        brand: Brand = self.get_row(request, object_id)
        title = gettext("New push key")
        if request.method != "POST":
            text = gettext(
                "Browsers that turn notifications on for this brand subscribe under it from now on, and others at their"
                " next visit. Until then they get messages by the key that they have: no message is lost."
            )
            return self.ask(request, brand, title=title, text=text, button=gettext("Make a key"))
        self._keys.make(brand, timezone.now())
        return self.done(request, brand, gettext("The brand has a new push key."))

    @action(
        description=_("Remove unused push keys"), url_path="remove-push-keys", permissions=["change"], icon="key_off"
    )
    def remove_push_keys(self, request: HttpRequest, object_id: str) -> HttpResponse:
        brand: Brand = self.get_row(request, object_id)
        title = gettext("Remove unused push keys")
        if request.method != "POST":
            text = gettext(
                "Keys behind the newest, under which no browser is subscribed any more. They cannot be put back."
            )
            return self.ask(request, brand, title=title, text=text, button=gettext("Remove"), danger=True)
        count = self._keys.remove_unused(brand)
        summary = ngettext("%(count)d key was removed.", "%(count)d keys were removed.", count)
        return self.done(request, brand, summary % {"count": count})

    def offers(self, action: str, row: Brand) -> bool:
        keys = brand_identities.keys()
        if keys is None or action != "remove_push_keys":
            return keys is not None
        return any(not key.devices for key in keys.of(row)[1:])

    @property
    def _keys(self) -> BrandKeys:
        """Raises Http404 where no channel has keys of brands."""
        if (keys := brand_identities.keys()) is None:
            raise Http404
        return keys

    def save_model(self, request: HttpRequest, obj: Brand, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "from_email" in form.changed_data and (needed := needs(obj.from_email)):
            self.message_user(request, needed, messages.WARNING)

    inlines = [DefaultInline]

    def get_inlines(self, request: HttpRequest, obj: Brand | None) -> list[Any]:
        return self.inlines if obj is not None else []

    def get_queryset(self, request: HttpRequest) -> QuerySet[Brand]:
        brands: QuerySet[Brand] = super().get_queryset(request)
        return brands.annotate(people_total=Count("people"))

    @display(description=_("colours"))
    def colours(self, brand: Brand) -> SafeString:
        return format_html(
            '<span class="desk-swatch" style="background:{}"></span> '
            '<span class="desk-swatch" style="background:{}"></span> {}',
            brand.accent,
            brand.accent_dark,
            brand.accent,
        )

    @display(description=_("people"), ordering="people_total")
    def people_count(self, brand: Any) -> SafeString:
        query = f"brand__id__exact={brand.pk}"
        return format_html('<a class="desk-link" href="{}">{}</a>', list_url(Recipient, query), brand.people_total)
