from django.apps import AppConfig


class TransferConfig(AppConfig):
    name = "notifications.transfer"
    label = "transfer"
