"""What a person turned off by the link in an e-mail, on the person's page."""

from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from notifications.admin.base import ReadOnlyInline
from notifications.admin.decorators import display
from notifications.admin.words import ago
from notifications.channel_facts import channel_name
from notifications.models import Unsubscription


class UnsubscriptionInline(ReadOnlyInline):
    model = Unsubscription
    fields = ["category", "by", "off", "on_again"]
    readonly_fields = fields
    related = ["category"]
    show_change_link = False
    verbose_name_plural = _("turned off by the link in an e-mail")

    @display(description=_("by"))
    def by(self, row: Unsubscription) -> str:
        return channel_name(row.channel)

    @display(description=_("turned off"))
    def off(self, row: Unsubscription) -> SafeString:
        return ago(row.at)

    @display(description=_("turned on again"))
    def on_again(self, row: Unsubscription) -> SafeString:
        return ago(row.undone_at)
