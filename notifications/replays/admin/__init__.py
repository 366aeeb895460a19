from notifications.replays.admin import failed_work, replays  # noqa: F401  # each registers its lists
