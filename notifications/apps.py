from importlib import import_module

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

SOURCES = (
    "notifications.routing.pipeline",
    "notifications.routing.expiry",
    "notifications.routing.entitlement_review",
    "notifications.items.snoozing",
    "notifications.people.link_mails",
    "notifications.delivery.engine",
    "notifications.preferences.change_effects",
    "notifications.conversation.notifying",
    "notifications.rotas.feeds",
    "notifications.absences.feeds",
    "notifications.engines.callback",
    "notifications.engines.poll",
    "notifications.replays.orders",
    "notifications.retention.pruning",
    "notifications.retention.erasing",
    "wfpush.observability.service_watch",
)
"""Modules with due work of their own (`SOURCES` in each): loaded once the models are."""

SERVICE_KINDS = (
    "notifications.delivery.service_kinds",
    "notifications.engines.service_kinds",
    "notifications.absences.feeds",
    "notifications.rotas.feeds",
)
"""Modules with kinds of services that we call (`kinds` in each)."""

ORDER = 200
"""Position of this app's observers of tasks: after clocks."""


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # Import by name: models cannot be imported before now.
        import_module("notifications.channel_facts").all_facts()  # also registers the codes of reasons
        import_module("notifications.cases.lifecycle").register(
            "conversation", import_module("notifications.cases.messages").observe, order=ORDER
        )
        import_module("notifications.cases.lifecycle").register(
            "entitlements", import_module("notifications.routing.entitlement_review").observe, order=ORDER
        )
        import_module("notifications.cases.lifecycle").register_after_kept(
            import_module("notifications.engines.returned_answers").look_at
        )
        outbox = import_module("wfpush.queue.outbox")
        for module in SOURCES:
            for source in import_module(module).SOURCES:
                outbox.register(source)
        services = import_module("wfpush.observability.services")
        for module in SERVICE_KINDS:
            services.register(import_module(module).kinds)
