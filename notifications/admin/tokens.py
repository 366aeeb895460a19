"""Tokens and links of people: whose they are, until when they are valid, and an action that ends them."""

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from notifications.admin.base import LedgerAdmin, count_words
from notifications.admin.decorators import action, display
from notifications.admin.filters import Conditions, Usable
from notifications.admin.words import ago, link, mark
from notifications.models import LinkMail, RecipientToken, SignInLink
from notifications.people import devices


@admin.register(RecipientToken)
class RecipientTokenAdmin(LedgerAdmin):
    list_display = ["starts", "person", "label", "last_used", "made", "state"]
    list_filter = [Usable]
    list_select_related = ["recipient"]
    search_fields = ["prefix", "label", "=recipient__ref", "recipient__name"]
    fields = ["starts", "person", "label", "state", "made", "last_used", "expires_at", "revoked_at"]
    readonly_fields = fields
    actions = ["void"]

    def has_void_permission(self, request: HttpRequest) -> bool:
        return self.may(request)

    @action(description=_("Void: sign these devices and portals out"), permissions=["void"])
    def void(self, request: HttpRequest, queryset: QuerySet[RecipientToken]) -> None:
        tokens = list(queryset)
        theirs = RecipientToken.objects.filter(pk__in=[token.pk for token in tokens])
        voided = devices.revoke_tokens(theirs, timezone.now(), devices.SIGNED_OUT_BY_DESK)
        for token in tokens:
            self.log(request, token, "Voided")
        self.message_user(request, count_words(voided, len(tokens), gettext("Tokens voided")))

    @display(description=_("begins with"), ordering="prefix")
    def starts(self, token: RecipientToken) -> str:
        return str(token)

    @display(description=_("person"), ordering="recipient__name")
    def person(self, token: RecipientToken) -> SafeString:
        return link(token.recipient)

    @display(description=_("works"))
    def state(self, token: RecipientToken) -> SafeString:
        if token.revoked_at:
            return mark("quiet", gettext("revoked"))
        return mark("ok", gettext("works")) if token.usable else mark("quiet", gettext("expired"))

    @display(description=_("made"), ordering="created_at")
    def made(self, token: RecipientToken) -> SafeString:
        return ago(token.created_at)

    @display(description=_("last used"), ordering="last_used_at")
    def last_used(self, token: RecipientToken) -> SafeString:
        return ago(token.last_used_at)


class LinkUse(Conditions):
    title = _("used")
    parameter_name = "used"
    conditions = {"yes": (_("used"), Q(used_at__isnull=False)), "no": (_("not used"), Q(used_at=None))}


@admin.register(SignInLink)
class SignInLinkAdmin(LedgerAdmin):
    list_display = ["made", "person", "next", "expires_at", "state"]
    list_filter = [LinkUse]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__ref", "recipient__name"]
    fields = ["person", "next", "made", "expires_at", "used_at"]
    readonly_fields = fields
    actions = ["void"]

    def has_void_permission(self, request: HttpRequest) -> bool:
        return self.may(request)

    @action(description=_("Void: these links sign nobody in any more"), permissions=["void"])
    def void(self, request: HttpRequest, queryset: QuerySet[SignInLink]) -> None:
        now, links = timezone.now(), list(queryset)
        working = SignInLink.objects.filter(pk__in=[row.pk for row in links], used_at=None, expires_at__gt=now)
        voided = working.update(expires_at=now)
        for row in links:
            self.log(request, row, "Voided")
        self.message_user(request, count_words(voided, len(links), gettext("Links voided")))

    @display(description=_("made"), ordering="created_at")
    def made(self, row: SignInLink) -> SafeString:
        return ago(row.created_at)

    @display(description=_("person"), ordering="recipient__name")
    def person(self, row: SignInLink) -> SafeString:
        return link(row.recipient)

    @display(description=_("state"))
    def state(self, row: SignInLink) -> SafeString:
        if row.used_at:
            return mark("ok", gettext("used"))
        return (
            mark("wait", gettext("not used yet"))
            if row.expires_at > timezone.now()
            else mark("quiet", gettext("ended unused"))
        )


@admin.register(LinkMail)
class LinkMailAdmin(LedgerAdmin):
    """Links that people asked for by e-mail, or that the desk sent."""

    list_display = ["request_time", "person", "asker", "state"]
    list_select_related = ["recipient"]
    search_fields = ["=recipient__ref", "recipient__name"]
    fields = ["request_time", "person", "asker", "next", "state", "sent_at", "detail"]
    readonly_fields = fields

    @display(description=_("asked for"), ordering="created_at")
    def request_time(self, mail: LinkMail) -> SafeString:
        return ago(mail.created_at)

    @display(description=_("person"), ordering="recipient__name")
    def person(self, mail: LinkMail) -> SafeString:
        return link(mail.recipient)

    @display(description=_("by"))
    def asker(self, mail: LinkMail) -> str:
        return mail.by or gettext("the person")

    @display(description=_("state"))
    def state(self, mail: LinkMail) -> SafeString:
        if mail.sent_at:
            return mark("ok", gettext("sent"))
        if mail.due_at:
            return mark("wait", mail.detail or gettext("on its way"))
        return mark("bad", mail.detail or gettext("They may not sign in by a link any more."))
