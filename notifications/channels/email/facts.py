from django.utils.translation import gettext_lazy as _

from notifications.channel_facts import Facts

FACTS = Facts(
    name="email",
    label=_("e-mail"),
    trust="mailbox",
    answers_label=_("e-mail"),
    on_lock_screens=False,  # subjects are shown by some mail programs: their check has words of its own
    from_start=True,
)
