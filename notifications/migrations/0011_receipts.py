import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """What channels' services say of messages after they took them."""

    dependencies = [("notifications", "0010_channels_come_from_their_folders")]

    operations = [
        migrations.CreateModel(
            name="DeliveryReceipt",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("channel", models.CharField(max_length=20)),
                ("reference", models.CharField(max_length=200)),
                ("arrived", models.BooleanField(null=True)),
                ("code", models.CharField(blank=True, db_default="", default="", max_length=100)),
                ("created_at", models.DateTimeField()),
                (
                    "delivery",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="receipts",
                        to="notifications.delivery",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["created_at"], name="receipt_created")],
                "constraints": [
                    models.UniqueConstraint(fields=("channel", "reference"), name="one_receipt_a_reference")
                ],
            },
        ),
    ]
