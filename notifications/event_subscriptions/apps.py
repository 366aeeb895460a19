from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class EventSubscriptionsConfig(AppConfig):
    name = "notifications.event_subscriptions"
    label = "event_subscriptions"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
