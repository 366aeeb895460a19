from notifications.channel_facts import Facts

FACTS = Facts(name="pigeon", label="pigeon post", on_lock_screens=True, from_start=False)
