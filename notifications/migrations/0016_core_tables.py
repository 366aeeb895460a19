import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

import wfpush.crypto
import wfpush.identifiers
from notifications import roles
from wfpush.postgres.revision import create_triggers, drop_triggers

CONFIGURATION = {"notifications_templatefact": "", "notifications_customertext": ""}


class Migration(migrations.Migration):
    """New tables of core. The foreign keys are made at the end: tables that are in use are locked only then."""

    dependencies = [("notifications", "0015_why_answers_were_refused"), ("wfpush", "0005_new_tables")]

    operations = [
        migrations.CreateModel(
            name="TemplateFact",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="facts",
                        to="notifications.templateversion",
                        verbose_name="version",
                    ),
                ),
                (
                    "position",
                    models.PositiveSmallIntegerField(
                        default=0,
                        help_text="The first is shown large, if it is money or a number.",
                        verbose_name="position",
                    ),
                ),
                (
                    "path",
                    models.CharField(
                        max_length=150,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z_][A-Za-z0-9_]*(\\.([A-Za-z_][A-Za-z0-9_]*|\\d+))*$",
                                "Write a path such as task.kind.",
                            )
                        ],
                        verbose_name="path",
                    ),
                ),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("text", "text"),
                            ("number", "number"),
                            ("money", "amount of money"),
                            ("date", "date"),
                            ("datetime", "date and time"),
                            ("person", "person"),
                        ],
                        default="text",
                        max_length=10,
                        verbose_name="kind",
                    ),
                ),
                (
                    "labels",
                    models.JSONField(
                        default=dict,
                        help_text='Language to label, such as {"en": "Amount", "de": "Betrag"}.',
                        verbose_name="labels",
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        blank=True,
                        help_text="Of money: EUR, or a path. Empty: “currency” beside the amount.",
                        max_length=150,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z_][A-Za-z0-9_]*(\\.([A-Za-z_][A-Za-z0-9_]*|\\d+))*$",
                                "Write a path such as task.kind.",
                            )
                        ],
                        verbose_name="currency",
                    ),
                ),
            ],
            options={
                "verbose_name": "key fact",
                "verbose_name_plural": "key facts",
                "ordering": ["position", "pk"],
                "constraints": [models.UniqueConstraint(fields=("version", "path"), name="one_fact_a_path")],
            },
        ),
        migrations.CreateModel(
            name="CustomerText",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("language", models.CharField(default="en", max_length=20, verbose_name="language")),
                (
                    "channel",
                    models.CharField(
                        blank=True,
                        help_text="Empty: every channel without words of its own.",
                        max_length=20,
                        verbose_name="channel",
                    ),
                ),
                ("title", models.CharField(max_length=500, verbose_name="title")),
                ("body", models.TextField(blank=True, max_length=10000, verbose_name="body")),
                (
                    "short_body",
                    models.CharField(
                        blank=True,
                        help_text="For lock screens; empty: the start of the body.",
                        max_length=500,
                        verbose_name="short body",
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="customer_texts",
                        to="notifications.templateversion",
                        verbose_name="version",
                    ),
                ),
            ],
            options={
                "verbose_name": "text for customers",
                "verbose_name_plural": "texts for customers",
                "ordering": ["language", "channel"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("version", "language", "channel"), name="one_customer_text_a_language_and_channel"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="LinkMail",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="link_mails",
                        to="notifications.recipient",
                        verbose_name="person",
                    ),
                ),
                ("next", models.CharField(default="/", max_length=500, verbose_name="next")),
                (
                    "by",
                    models.CharField(
                        blank=True, help_text="Empty: the person.", max_length=150, verbose_name="asked for by"
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="asked for at")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="sent at")),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="why not")),
            ],
            options={
                "verbose_name": "link by e-mail",
                "verbose_name_plural": "links by e-mail",
                "ordering": ["-created_at"],
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="link_mail_due"
                    ),
                    models.Index(fields=["created_at"], name="notificatio_created_4fb04d_idx"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LinkRequest",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                (
                    "id",
                    models.UUIDField(
                        default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("email", models.CharField(max_length=254)),
                ("next", models.CharField(max_length=500)),
                ("created_at", models.DateTimeField()),
            ],
            options={
                "abstract": False,
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="link_request_due"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SavedView",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="saved_views",
                        to="notifications.recipient",
                    ),
                ),
                ("name", models.CharField(max_length=60, verbose_name="name")),
                ("query", models.CharField(max_length=1000)),
            ],
            options={
                "verbose_name": "saved view",
                "verbose_name_plural": "saved views",
                "ordering": ["name"],
                "constraints": [models.UniqueConstraint(fields=("recipient", "name"), name="one_saved_view_a_name")],
            },
        ),
        migrations.CreateModel(
            name="PushKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "brand",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="push_keys",
                        to="notifications.brand",
                        verbose_name="brand",
                    ),
                ),
                ("public_key", models.CharField(max_length=100, unique=True, verbose_name="public key")),
                ("private_key", wfpush.crypto.EncryptedTextField()),
                ("created_at", models.DateTimeField(verbose_name="made at")),
            ],
            options={
                "verbose_name": "key for push",
                "verbose_name_plural": "keys for push",
                "ordering": ["-created_at", "-pk"],
                "default_permissions": (),
            },
        ),
        migrations.CreateModel(
            name="TaskContent",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "task",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="contents",
                        to="notifications.task",
                    ),
                ),
                ("revision", models.CharField(max_length=43, verbose_name="revision")),
                ("content", models.JSONField(verbose_name="content")),
                ("event", models.JSONField(verbose_name="event")),
                ("created_at", models.DateTimeField(verbose_name="created at")),
            ],
            options={
                "verbose_name": "content of a task",
                "verbose_name_plural": "contents of tasks",
                "constraints": [models.UniqueConstraint(fields=("task", "revision"), name="one_content_a_revision")],
            },
        ),
        migrations.CreateModel(
            name="SearchedPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="searched_parts",
                        to="notifications.recipient",
                    ),
                ),
                ("upto", models.BigIntegerField()),
                ("at", models.DateTimeField()),
                ("items", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("texts", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
            ],
            options={
                "verbose_name": "part of what is searched",
                "verbose_name_plural": "parts of what is searched",
            },
        ),
        migrations.CreateModel(
            name="SearchedAnew",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case_id", models.BigIntegerField(null=True)),
                ("task_id", models.UUIDField(null=True)),
                ("person_id", models.BigIntegerField(null=True)),
                ("inbox_id", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "change of what is searched",
                "verbose_name_plural": "changes of what is searched",
            },
        ),
        migrations.CreateModel(
            name="EntitlementReview",
            fields=[
                ("due_at", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_until", models.DateTimeField(blank=True, editable=False, null=True)),
                ("lease_token", models.UUIDField(blank=True, editable=False, null=True)),
                ("attempts", models.PositiveIntegerField(default=0, editable=False)),
                ("person_id", models.BigIntegerField(primary_key=True, serialize=False)),
            ],
            options={
                "abstract": False,
                "default_permissions": (),
                "indexes": [
                    models.Index(
                        condition=models.Q(("due_at__isnull", False)), fields=["due_at"], name="entitlement_review_due"
                    )
                ],
            },
        ),
        migrations.RunSQL(create_triggers(CONFIGURATION), drop_triggers(CONFIGURATION)),
        roles.give_rights(templatefact="templateaction", customertext="templatetext", linkmail="signinlink"),
    ]
