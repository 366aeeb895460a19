from notifications.insight.admin import engagement  # noqa: F401  # registers its page
