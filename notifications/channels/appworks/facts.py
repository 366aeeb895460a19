from django.utils.translation import gettext_lazy as _

from notifications.channel_facts import Facts

FACTS = Facts(
    name="appworks",
    label=_("AppWorks app"),
    on_lock_screens=True,
    from_start=False,  # only where a gateway is set up
)
