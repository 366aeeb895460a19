"""Reasons of duty: why somebody is notified, and why a rota means nobody."""

from django.utils.translation import gettext_noop as _

from notifications.reasons import code

ON_DUTY = code("on_duty", _("on duty for %(rota)s"))
NOBODY_ON_DUTY = code("nobody_on_duty", _("nobody is on duty for %(rota)s"))
NO_LONGER_ON_DUTY = code("no_longer_on_duty", _("No longer on duty for %(rota)s"), takes_away=True)
ROTA_GONE = code("rota_gone", _("the duty rota was deleted"))
