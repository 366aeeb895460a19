from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from notifications.channel_facts import Facts
from notifications.reasons import code

FACTS = Facts(
    name="fcm",
    label=_("app"),
    devices="apps",
    trust="device",
    answers_label=_("app notification"),
    on_lock_screens=True,
    from_start=True,
    remedy="Check the network and FIREBASE_CREDENTIALS.",
)

NO_APP = code("fcm_no_app", gettext_noop("No app is registered."))
NO_ACCOUNT = code(
    "fcm_no_account",
    gettext_noop("There is no service account for the Firebase project “%(project)s” in FIREBASE_CREDENTIALS."),
)
TOO_LATE = code("fcm_too_late", gettext_noop("Firebase did not answer within %(seconds)s s."))
NOT_REGISTERED = code("fcm_not_registered", gettext_noop("The app is no longer registered on this device."))
OTHER_PROJECT = code(
    "fcm_other_project", gettext_noop("The app is registered with another Firebase project than “%(project)s”.")
)
KEY_OF_APPLE = code(
    "fcm_key_of_apple",
    gettext_noop(
        "Apple or the browser's push service rejects the key in the Firebase project “%(project)s”. "
        "Upload a valid one (Project settings, Cloud Messaging). Android is unaffected."
    ),
)
ACCOUNT_REFUSED = code(
    "fcm_account_refused", gettext_noop("Firebase refuses the service account of “%(project)s”: %(words)s")
)
NOT_TAKEN = code("fcm_not_taken", gettext_noop("Firebase did not accept it: %(words)s"))
NO_SUCH_ADDRESS = code("fcm_no_such_address", gettext_noop("Firebase does not know this address."))
WRONG_MESSAGE = code("fcm_wrong_message", gettext_noop("Firebase rejects the message: %(words)s"))
NOT_SIGNED_IN = code(
    "fcm_not_signed_in",
    gettext_noop("Google does not let the service account of “%(project)s” sign in: %(words)s"),
)
NO_SIGN_IN = code("fcm_no_sign_in", gettext_noop("Google's sign-in did not answer: %(words)s"))
