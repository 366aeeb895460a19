from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SecondFactorsConfig(AppConfig):
    name = "notifications.second_factors"
    label = "second_factors"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
