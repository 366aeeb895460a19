from django.apps import AppConfig


class ConformanceConfig(AppConfig):
    name = "notifications.conformance"
    label = "conformance"
