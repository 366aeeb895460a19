from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from notifications.channel_facts import Facts
from notifications.reasons import code

FACTS = Facts(
    name="appworks",
    label=_("AppWorks app"),
    on_lock_screens=True,
    from_start=False,  # only where a gateway is set up
    remedy="Correct APPWORKS_GATEWAY_URL and APPWORKS_GATEWAY_KEY, or repair the gateway.",
)

NO_GATEWAY = code("appworks_no_gateway", gettext_noop("No AppWorks Gateway is set up."))
NO_USER_NAME = code("appworks_no_user_name", gettext_noop("No user name at the AppWorks Gateway is known."))
GATEWAY = code("appworks_gateway", gettext_noop("The AppWorks Gateway"))
KEY_REFUSED = code(
    "appworks_key_refused",
    gettext_noop("The AppWorks Gateway does not accept our key (APPWORKS_GATEWAY_KEY): %(words)s"),
)
NO_GATEWAY_NOW = code("appworks_no_gateway_now", gettext_noop("No AppWorks Gateway is set up any more."))
LEFT_ALONE = code("appworks_left_alone", gettext_noop("The AppWorks Gateway does not work and is paused for a while."))
"""The reason in rows that version 0.2.0 wrote."""
NOT_A_USER_NAME = code(
    "appworks_not_a_user_name",
    gettext_noop("This is not a valid AppWorks user name: it has a comma, a control character, or spaces at its ends."),
)
ELSEWHERE = code(
    "appworks_elsewhere",
    gettext_noop(
        "The AppWorks Gateway redirects (%(status)s), which is not followed. Set its final address as "
        "APPWORKS_GATEWAY_URL."
    ),
)
NOT_FOUND = code(
    "appworks_not_found",
    gettext_noop("The AppWorks Gateway finds nothing there (path in APPWORKS_GATEWAY_OPTIONS): %(words)s"),
)
REFUSED = code("appworks_refused", gettext_noop("The AppWorks Gateway refuses the message: %(words)s"))
DOWN = code("appworks_down", gettext_noop("The AppWorks Gateway does not work at present: %(words)s"))
