from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from notifications.channel_facts import Facts
from notifications.reasons import code

FACTS = Facts(
    name="email",
    label=_("e-mail"),
    trust="mailbox",
    answers_label=_("e-mail"),
    on_lock_screens=False,  # some mail programs show subjects on lock screens: template_check warns of them separately
    from_start=True,
    remedy="Correct EMAIL_URL, or repair the mail server.",
)

NO_ADDRESS = code("email_no_address", gettext_noop("No e-mail address is known."))
NOT_AN_ADDRESS = code("email_not_an_address", gettext_noop("This is not an e-mail address."))
NOT_TAKEN = code("email_not_taken", gettext_noop("The mail server did not accept it: %(words)s"))
NO_SUCH_ADDRESS = code("email_no_such_address", gettext_noop("The address does not exist: %(words)s"))
REFUSED = code("email_refused", gettext_noop("The mail server refuses it: %(words)s"))
