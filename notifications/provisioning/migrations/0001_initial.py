import django.core.validators
import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

import wfpush.identifiers
from notifications import roles


class Migration(migrations.Migration):
    """Directories that send people and teams by SCIM."""

    initial = True

    dependencies = [
        ("notifications", "0040_reworded_texts"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ScimDirectory",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        help_text="Such as Entra ID or Okta.", max_length=80, unique=True, verbose_name="name"
                    ),
                ),
                (
                    "active",
                    models.BooleanField(
                        default=True, help_text="While this is off, every request is refused.", verbose_name="active"
                    ),
                ),
                (
                    "ref_source",
                    models.CharField(
                        choices=[("userName", "userName"), ("externalId", "externalId")],
                        default="userName",
                        help_text="The attribute that has the engines' name for a person.",
                        max_length=12,
                        verbose_name="ref of its people",
                    ),
                ),
                (
                    "joins_existing",
                    models.BooleanField(
                        default=False,
                        help_text="Takes over people with exactly the same ref and teams with the same slug, but never staff or rows of other directories.",
                        verbose_name="takes over existing people and teams",
                    ),
                ),
                (
                    "max_departures",
                    models.PositiveIntegerField(
                        default=20,
                        help_text="More deactivations are refused.",
                        verbose_name="people who may leave in an hour",
                    ),
                ),
                (
                    "max_departures_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="The larger number counts.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                        verbose_name="or percent of its people",
                    ),
                ),
                ("extra_departures", models.PositiveIntegerField(default=0, editable=False)),
                ("extra_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("held_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "directory",
                "verbose_name_plural": "directories",
                "ordering": ["name"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalScimDirectory",
            fields=[
                ("id", models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name="ID")),
                (
                    "name",
                    models.CharField(
                        db_index=True, help_text="Such as Entra ID or Okta.", max_length=80, verbose_name="name"
                    ),
                ),
                (
                    "active",
                    models.BooleanField(
                        default=True, help_text="While this is off, every request is refused.", verbose_name="active"
                    ),
                ),
                (
                    "ref_source",
                    models.CharField(
                        choices=[("userName", "userName"), ("externalId", "externalId")],
                        default="userName",
                        help_text="The attribute that has the engines' name for a person.",
                        max_length=12,
                        verbose_name="ref of its people",
                    ),
                ),
                (
                    "joins_existing",
                    models.BooleanField(
                        default=False,
                        help_text="Takes over people with exactly the same ref and teams with the same slug, but never staff or rows of other directories.",
                        verbose_name="takes over existing people and teams",
                    ),
                ),
                (
                    "max_departures",
                    models.PositiveIntegerField(
                        default=20,
                        help_text="More deactivations are refused.",
                        verbose_name="people who may leave in an hour",
                    ),
                ),
                (
                    "max_departures_percent",
                    models.PositiveSmallIntegerField(
                        default=5,
                        help_text="The larger number counts.",
                        validators=[django.core.validators.MaxValueValidator(100)],
                        verbose_name="or percent of its people",
                    ),
                ),
                ("history_id", models.AutoField(primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                ("history_change_reason", models.CharField(max_length=100, null=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "history_user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "historical directory",
                "verbose_name_plural": "historical directories",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="ScimToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("prefix", models.CharField(editable=False, max_length=20)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                ("created_at", models.DateTimeField(editable=False)),
                ("expires_at", models.DateTimeField(blank=True, null=True, verbose_name="expires at")),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tokens",
                        to="provisioning.scimdirectory",
                        verbose_name="directory",
                    ),
                ),
            ],
            options={
                "verbose_name": "directory token",
                "verbose_name_plural": "directory tokens",
                "ordering": ["-created_at", "-pk"],
            },
        ),
        migrations.CreateModel(
            name="ScimDeparture",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("at", models.DateTimeField(verbose_name="time")),
                ("open_tasks", models.PositiveIntegerField(default=0, verbose_name="open tasks")),
                ("offered", models.PositiveIntegerField(default=0, verbose_name="offered")),
                (
                    "person",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scim_departures",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="notifications.recipient",
                        verbose_name="to",
                    ),
                ),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="departures",
                        to="provisioning.scimdirectory",
                        verbose_name="directory",
                    ),
                ),
            ],
            options={
                "verbose_name": "departure",
                "verbose_name_plural": "departures",
                "ordering": ["-at", "-pk"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["directory", "at"], name="scim_departures_in_time"),
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="scim_departure_due"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimGroup",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "external_id",
                    models.CharField(blank=True, default="", editable=False, max_length=200, verbose_name="externalId"),
                ),
                ("created_at", models.DateTimeField(editable=False, verbose_name="created at")),
                ("updated_at", models.DateTimeField(editable=False, verbose_name="last change")),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("display_name", models.CharField(editable=False, max_length=200, verbose_name="displayName")),
                ("display_key", models.CharField(editable=False, max_length=200)),
                (
                    "directory",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="groups",
                        to="provisioning.scimdirectory",
                        verbose_name="directory",
                    ),
                ),
                (
                    "team",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scim_group",
                        to="notifications.team",
                        verbose_name="team",
                    ),
                ),
            ],
            options={
                "verbose_name": "group of a directory",
                "verbose_name_plural": "groups of directories",
                "ordering": ["created_at", "pk"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("directory", "display_key"),
                        name="scim_group_name_is_unique",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), models.Q(("external_id", ""), _negated=True)),
                        fields=("directory", "external_id"),
                        name="scim_group_external_id_is_unique",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(verbose_name="time")),
                ("method", models.CharField(max_length=10, verbose_name="method")),
                ("path", models.CharField(max_length=200, verbose_name="path")),
                ("status", models.PositiveSmallIntegerField(verbose_name="status")),
                ("detail", models.TextField(blank=True, default="", verbose_name="answer")),
                (
                    "directory",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="requests",
                        to="provisioning.scimdirectory",
                        verbose_name="directory",
                    ),
                ),
            ],
            options={
                "verbose_name": "request of a directory",
                "verbose_name_plural": "requests of directories",
                "ordering": ["-pk"],
                "indexes": [
                    models.Index(fields=["directory", "-id"], name="scim_request_newest"),
                    models.Index(fields=["at"], name="provisionin_at_b5b122_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ScimUser",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "external_id",
                    models.CharField(blank=True, default="", editable=False, max_length=200, verbose_name="externalId"),
                ),
                ("created_at", models.DateTimeField(editable=False, verbose_name="created at")),
                ("updated_at", models.DateTimeField(editable=False, verbose_name="last change")),
                ("deleted_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("user_name", models.CharField(editable=False, max_length=200, verbose_name="userName")),
                ("user_key", models.CharField(editable=False, max_length=200)),
                ("active", models.BooleanField(default=True, editable=False, verbose_name="active")),
                ("document", models.JSONField(default=dict, editable=False)),
                ("manager_value", models.CharField(blank=True, default="", editable=False, max_length=200)),
                (
                    "manager_pending",
                    models.BooleanField(default=False, editable=False, verbose_name="manager is missing"),
                ),
                (
                    "directory",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="users",
                        to="provisioning.scimdirectory",
                        verbose_name="directory",
                    ),
                ),
                (
                    "person",
                    models.OneToOneField(
                        editable=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="scim_user",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "person of a directory",
                "verbose_name_plural": "people of directories",
                "ordering": ["created_at", "pk"],
                "indexes": [
                    models.Index(
                        condition=models.Q(("manager_pending", True)),
                        fields=["directory", "manager_value"],
                        name="scim_manager",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None)),
                        fields=("directory", "user_key"),
                        name="scim_user_name_is_unique",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("deleted_at", None), models.Q(("external_id", ""), _negated=True)),
                        fields=("directory", "external_id"),
                        name="scim_external_id_is_unique",
                    ),
                ],
            },
        ),
        roles.give_added_rights("provisioning"),
    ]
