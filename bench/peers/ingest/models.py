"""The columns, the constraint and the indexes of our own events, and keys kept as digests."""

import uuid
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone


class Engine(models.Model):
    slug = models.SlugField(unique=True)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.slug


class ApiKey(models.Model):
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=20), default=list)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.digest[:8]


class Event(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    engine = models.ForeignKey(Engine, on_delete=models.CASCADE)
    source = models.CharField(max_length=500)
    event_id = models.CharField(max_length=200)
    type = models.CharField(max_length=200)
    subject = models.CharField(max_length=500, blank=True)
    time = models.DateTimeField(null=True)
    received_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(null=True, default=timezone.now)
    lease_until = models.DateTimeField(null=True)
    lease_token = models.UUIDField(null=True)
    attempts = models.PositiveIntegerField(default=0)
    data: Any = models.JSONField(default=dict)
    extensions: Any = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    group = models.CharField(max_length=260, blank=True)
    status = models.CharField(max_length=10, default="accepted")
    plan: Any = models.JSONField(default=dict)
    unresolved = models.PositiveIntegerField(default=0)
    processed_at = models.DateTimeField(null=True)
    error = models.TextField(blank=True)
    task = models.UUIDField(null=True, db_index=True)
    case = models.BigIntegerField(null=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["engine", "source", "event_id"], name="peer_event_is_unique")]
        indexes = [
            models.Index(fields=["due_at"], condition=Q(due_at__isnull=False), name="peer_event_due"),
            models.Index(fields=["engine", "group", "id"], condition=Q(due_at__isnull=False), name="peer_event_group"),
            models.Index(fields=["status", "-id"], name="peer_event_status"),
        ]

    def __str__(self) -> str:
        return self.event_id
