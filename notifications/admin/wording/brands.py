"""Brands: the names, colours and addresses under which customers are addressed."""

import re
from collections.abc import Iterator
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminColorInputWidget

from notifications.admin.desk.base import HistoryAdmin
from notifications.admin.desk.decorators import action, count_column, display
from notifications.admin.desk.display import mark, moment, with_why
from notifications.admin.desk.fields import AddressField
from notifications.admin.people.reach import DefaultInline
from notifications.channel_facts import channel_name
from notifications.channels.base import BrandKey, BrandKeys, Identity
from notifications.channels.email.senders import check_sender, needs
from notifications.channels.registry import channels
from notifications.models import Brand, Recipient
from notifications.wording.colours import READABLE, contrast

COLOUR = re.compile("#[0-9a-fA-F]{6}")


class BrandForm(forms.ModelForm):
    logo_url = AddressField(label=_("Logo"), help_text=_("An https address of an SVG or PNG."))

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
            return colour  # the model's validator reports it
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
    empty_says = _("The names, colours and contacts that customers see. Add the first one.")
    form = BrandForm
    list_display = ["name", "colours", "from_email", "domain", "people_count"]
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
    people_count = count_column("people_total", _("people"), Recipient, "brand__id__exact")
    inlines = [DefaultInline]
    actions_detail = ["new_push_key", "remove_push_keys"]

    def get_fieldsets(self, request: HttpRequest, obj: Brand | None = None) -> Any:
        identities = (_("Sender identity"), {"fields": ["identities"]})
        return self.fold_prepopulated([*self.fieldsets, *([identities] if obj is not None else [])])

    @display(description=_("By channel"))
    def identities(self, brand: Brand) -> SafeString:
        return SafeString(render_to_string("admin/desk/identities.html", {"channels": list(_channels(brand))}))

    @action(description=_("New push key"), url_path="new-push-key", permissions=["change"], icon="key")
    def new_push_key(self, request: HttpRequest, object_id: str) -> HttpResponse:
        brand: Brand = self.get_row(request, object_id)
        title = gettext("New push key")
        if request.method != "POST":
            text = gettext(
                "Browsers that turn notifications on for this brand now use this key; others follow "
                "at their next visit. No message is lost."
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
            text = gettext("Older keys without subscribed browsers. They cannot be restored.")
            return self.ask(request, brand, title=title, text=text, button=gettext("Remove"), danger=True)
        count = self._keys.remove_unused(brand)
        summary = ngettext("%(count)d key was removed.", "%(count)d keys were removed.", count)
        return self.done(request, brand, summary % {"count": count})

    def offers(self, action: str, row: Brand) -> bool:
        keys = _brand_keys()
        if keys is None or action != "remove_push_keys":
            return keys is not None
        return any(not key.devices for key in keys.of(row)[1:])

    @property
    def _keys(self) -> BrandKeys:
        """Return the channel's keys. Raise Http404 if no channel has keys of brands."""
        if (keys := _brand_keys()) is None:
            raise Http404
        return keys

    def save_model(self, request: HttpRequest, obj: Brand, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if "from_email" in form.changed_data and (needed := needs(obj.from_email)):
            self.message_user(request, needed, messages.WARNING)

    def get_inlines(self, request: HttpRequest, obj: Brand | None) -> list[Any]:
        return self.inlines if obj is not None else []

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(people_total=Count("people"))

    @display(description=_("colours"))
    def colours(self, brand: Brand) -> SafeString:
        return format_html(
            '<span class="desk-swatch" style="background:{}"></span> '
            '<span class="desk-swatch" style="background:{}"></span> {}',
            brand.accent,
            brand.accent_dark,
            brand.accent,
        )


# --- identities and keys of a brand, by channel -----------------------------------------------------------------------
def _brand_keys() -> BrandKeys | None:
    """Return the keys of the channel for which brands have keys, if there is one."""
    return next((each.keys for each in channels().values() if each.keys is not None), None)


def _channels(brand: Brand) -> Iterator[dict[str, Any]]:
    for channel in channels().values():
        identity = channel.identity(brand)
        if channel.keys is not None or identity is not None:
            keys = channel.keys.of(brand) if channel.keys is not None else []
            yield {
                "name": channel_name(channel.name),
                "has_keys": channel.keys is not None,
                "keys": [_line(key, newest=not at) for at, key in enumerate(keys)],
                "identity": _identity_text(identity) if identity is not None else "",
            }


def _identity_text(identity: Identity) -> SafeString:
    text = format_html('<span dir="auto">{}</span>', identity.text)
    return with_why(mark(identity.state, text, identity.detail) if identity.state else text, identity.note)


def _line(key: BrandKey, *, newest: bool) -> dict[str, Any]:
    state = mark("ok", gettext("new browsers use it")) if newest else mark("", gettext("still signs"))
    if not key.readable:
        state = mark("bad", gettext("cannot be read: none of ENCRYPTION_KEYS opens it"))
    return {"key": f"{key.name[:16]}…", "state": state, "made": moment(key.made), "devices": key.devices}
