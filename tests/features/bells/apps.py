from django.apps import AppConfig


class BellsConfig(AppConfig):
    name = "tests.features.bells"
    label = "bells"
    verbose_name = "Desk"
    default_auto_field = "django.db.models.BigAutoField"
