from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from notifications.channel_facts import Facts
from notifications.reasons import code

FACTS = Facts(
    name="webpush",
    label=_("browser"),
    devices="browsers",
    trust="device",
    answers_label=_("browser notification"),
    on_lock_screens=True,
    from_start=True,
    remedy="Check the network, VAPID_PRIVATE_KEY and VAPID_SUBJECT.",
)

NO_BROWSER = code("webpush_no_browser", gettext_noop("No browser is registered."))
NOT_HTTPS = code("webpush_not_https", gettext_noop("The endpoint must begin with https://."))
NOT_ADMITTED = code(
    "webpush_not_admitted", gettext_noop("%(service)s is not a push service that is known here (PUSH_ALLOWED_HOSTS).")
)
NOT_PUBLIC = code("webpush_not_public", gettext_noop("%(service)s has no public address."))
KEY_NOT_HELD = code(
    "webpush_key_of_nobody",
    gettext_noop("It subscribed under a key that neither VAPID_PRIVATE_KEY nor a brand holds any more."),
)
KEY_NOT_HELD_BEFORE = code(
    "webpush_key_not_held", gettext_noop("It subscribed under a key that VAPID_PRIVATE_KEY no longer holds.")
)
"""The reason as versions before 0.4.0 stored it."""
USELESS_KEY = code("webpush_useless_key", gettext_noop("Its key %(words)s."))
NOT_SUBSCRIBED = code("webpush_not_subscribed", gettext_noop("The browser is no longer subscribed: %(words)s"))
OTHER_KEY = code("webpush_other_key", gettext_noop("The browser subscribed under another VAPID key: %(words)s"))
KEY_REFUSED = code("webpush_key_refused", gettext_noop("%(service)s does not accept our VAPID key: %(words)s"))
TOO_LARGE = code("webpush_too_large", gettext_noop("Even without its text it is too large for %(service)s: %(words)s"))
REFUSED = code("webpush_refused", gettext_noop("%(service)s refuses the message: %(words)s"))
ELSEWHERE = code("webpush_elsewhere", gettext_noop("%(service)s redirects, which is not followed: %(status)s"))
DOWN = code("webpush_down", gettext_noop("%(service)s does not work at present: %(words)s"))
