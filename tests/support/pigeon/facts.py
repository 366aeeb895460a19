from django.conf import settings

from notifications.channel_facts import Facts

FACTS = Facts(
    name="pigeon",
    label="pigeon post",
    on_lock_screens=True,
    from_start=False,
    is_set_up=lambda: not getattr(settings, "PIGEONS_MOULT", False),
)
