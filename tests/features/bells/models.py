"""Bells: whoever has one can be a target."""

from django.db import models

from notifications.models import Recipient


class Bell(models.Model):
    name = models.CharField("name", max_length=50)
    person = models.ForeignKey(Recipient, verbose_name="person", on_delete=models.CASCADE, related_name="bells")

    class Meta:
        verbose_name = "bell"
        verbose_name_plural = "bells"

    def __str__(self) -> str:
        return self.name
