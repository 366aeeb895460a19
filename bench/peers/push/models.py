"""Who is told, and what became of it."""

from django.db import models


class Subscription(models.Model):
    endpoint = models.TextField()
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=30)

    def __str__(self) -> str:
        return self.endpoint


class Delivery(models.Model):
    subscription = models.ForeignKey(Subscription, on_delete=models.CASCADE)
    payload = models.TextField()
    state = models.CharField(max_length=10, default="pending", db_index=True)
    error = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.subscription}: {self.state}"
