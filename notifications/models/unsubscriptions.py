"""What people turned off by the link in a message."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from notifications.models.people import Recipient
from notifications.models.routing import Category


class Unsubscription(models.Model):
    """Somebody who had a message turned off further ones of its category, and may have turned them on again."""

    recipient = models.ForeignKey(
        Recipient, verbose_name=_("person"), on_delete=models.CASCADE, related_name="unsubscriptions"
    )
    category = models.ForeignKey(Category, verbose_name=_("category"), on_delete=models.CASCADE, related_name="+")
    channel = models.CharField(_("channel"), max_length=20)
    at = models.DateTimeField(_("turned off at"))
    undone_at = models.DateTimeField(_("turned on again at"), null=True, blank=True)

    class Meta:
        verbose_name = _("unsubscription")
        verbose_name_plural = _("unsubscriptions")
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["recipient", "category", "channel"], condition=Q(undone_at=None), name="one_unsubscription"
            )
        ]

    def __str__(self) -> str:
        return f"{self.recipient} · {self.category} · {self.channel}"
