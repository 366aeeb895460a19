from django.utils.translation import gettext_lazy as _

from notifications.channel_facts import Facts

FACTS = Facts(
    name="webpush",
    label=_("browser"),
    devices="browsers",
    trust="device",
    answers_label=_("browser notification"),
    on_lock_screens=True,
    from_start=True,
)
