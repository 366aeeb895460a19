from django.utils.translation import gettext_lazy as _

from notifications.channel_facts import Facts

FACTS = Facts(
    name="fcm",
    label=_("app"),
    devices="apps",
    trust="device",
    answers_label=_("app notification"),
    on_lock_screens=True,
    from_start=True,
)
