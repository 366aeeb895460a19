from django.conf import settings
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from notifications.channel_facts import Facts
from notifications.reasons import code

FACTS = Facts(
    name="sms",
    label=_("SMS"),
    on_lock_screens=True,
    from_start=False,  # each costs money
    is_set_up=lambda: settings.SMS is not None,
    remedy="Correct SMS_URL, or repair the gateway.",
)

GATEWAY = code("sms_gateway", gettext_noop("The SMS gateway"))

# --- nothing to send, or nowhere --------------------------------------------------------------------------------------
NO_NUMBER = code("sms_no_number", gettext_noop("No phone number is known."))
NO_GATEWAY_NOW = code("sms_no_gateway_now", gettext_noop("No SMS gateway is set up any more."))
LONG_LINK = code("sms_long_link", gettext_noop("The link alone takes more than SMS_MAX_PARTS=%(most)s parts."))

# --- no answer --------------------------------------------------------------------------------------------------------
NOT_REACHED = code("sms_not_reached", gettext_noop("The SMS gateway cannot be reached: %(words)s"))
NOT_SECURE = code("sms_not_secure", gettext_noop("No secure connection to the SMS gateway could be made: %(words)s"))
NO_ADDRESS = code("sms_no_address", gettext_noop("The name of the SMS gateway has no address."))
NO_SIGN_IN = code("sms_no_sign_in", gettext_noop("The SMS gateway did not answer the sign-in."))
LOST = code("sms_connection_lost", gettext_noop("The connection to the SMS gateway was lost."))
CLOSED = code("sms_connection_closed", gettext_noop("The connection to the SMS gateway is closed."))
UNANSWERED = code(
    "sms_unanswered",
    gettext_noop("The SMS gateway may have accepted it: the connection ended before it replied. It is not sent twice."),
)
UNKNOWN = code(
    "sms_unknown",
    gettext_noop("The SMS gateway may have accepted it, and it is not sent twice: %(words)s"),
)
PARTLY = code("sms_partly", gettext_noop("Only %(taken)s of %(parts)s parts were accepted: %(why)s"))

# --- answers ----------------------------------------------------------------------------------------------------------
REFUSES_US = code(
    "sms_refuses_us", gettext_noop("The SMS gateway refuses us (SMS_USER, SMS_PASSWORD, SMS_SENDER): %(words)s")
)
REFUSES_SIGN_IN = code(
    "sms_refuses_sign_in",
    gettext_noop("The SMS gateway does not accept our sign-in (SMS_USER, SMS_PASSWORD, SMS_TOKEN): %(words)s"),
)
NO_SUCH_NUMBER = code("sms_no_such_number", gettext_noop("The SMS gateway knows no such number: %(words)s"))
NOT_TAKEN = code("sms_not_taken", gettext_noop("The SMS gateway did not accept it: %(words)s"))
REFUSED = code("sms_refused", gettext_noop("The SMS gateway refuses the message: %(words)s"))
ELSEWHERE = code("sms_elsewhere", gettext_noop("The SMS gateway is not at SMS_URL: %(words)s"))
DOWN = code("sms_down", gettext_noop("The SMS gateway does not work at present: %(words)s"))
