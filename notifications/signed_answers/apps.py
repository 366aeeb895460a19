from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SignedAnswersConfig(AppConfig):
    name = "notifications.signed_answers"
    label = "signed_answers"
    verbose_name = _("Desk")
    default_auto_field = "django.db.models.BigAutoField"
