import django.contrib.postgres.fields
import django.core.serializers.json
import django.core.validators
from django.db import migrations, models

import notifications.models.routing
import notifications.models.validators


class Migration(migrations.Migration):
    """New columns of histories, and longer titles, which change the catalogue alone. The other fields do not change
    the database."""

    dependencies = [("notifications", "0017_columns")]

    operations = [
        migrations.AddField(
            model_name="historicaldevice",
            name="lock_screen",
            field=models.CharField(
                choices=[
                    ("all", "title and text"),
                    ("title", "the title only"),
                    ("nothing", "only that something came"),
                ],
                db_default="all",
                default="all",
                max_length=10,
                verbose_name="on the lock screen",
            ),
        ),
        migrations.AddField(
            model_name="historicaldevice",
            name="silent",
            field=models.BooleanField(db_default=False, default=False, verbose_name="without a sound"),
        ),
        migrations.AddField(
            model_name="historicalengine",
            name="most_waiting",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="While so many of its events are not processed yet, further ones are answered with 429, and the engine sends them again later. Empty: no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="events that may wait",
            ),
        ),
        migrations.AddField(
            model_name="historicalengine",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalengine",
            name="reads_before_answers",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="If what the task asks has changed in the engine since it was answered, the answer is not told, and its person is asked again.",
                verbose_name="read the task before a final answer",
            ),
        ),
        migrations.AddField(
            model_name="historicalcategory",
            name="frequency",
            field=models.CharField(
                choices=[
                    ("at_once", "at once"),
                    ("digest", "together, at set times"),
                    ("repeats", "the first at once, what repeats together"),
                ],
                db_default="at_once",
                default="at_once",
                help_text="Of messages that ask for no answer. People can choose otherwise.",
                max_length=10,
                verbose_name="how often",
            ),
        ),
        migrations.AddField(
            model_name="historicalcategory",
            name="mandatory",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20),
                blank=True,
                db_default=models.Value(
                    [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=20), size=None)
                ),
                default=list,
                help_text="Channels that nobody can turn off for themselves.",
                size=None,
                verbose_name="people cannot do without",
            ),
        ),
        migrations.AddField(
            model_name="historicalcategory",
            name="mandatory_reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Shown to people.", max_length=200, verbose_name="why"
            ),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="contact_address",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=300, verbose_name="address for customers"
            ),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="contact_email",
            field=models.EmailField(
                blank=True, db_default="", default="", max_length=254, verbose_name="e-mail for customers"
            ),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="contact_phone",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=40, verbose_name="phone for customers"
            ),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="domain",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Links go there, such as https://updates.acme.example. Empty: those of this installation.",
                max_length=200,
                validators=[notifications.models.validators.validate_own_address],
                verbose_name="address of its pages",
            ),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="names_staff",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Off: questions and answers come under the brand's name.",
                verbose_name="customers read names of staff",
            ),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalbrand",
            name="reply_to",
            field=models.EmailField(
                blank=True,
                db_default="",
                default="",
                help_text="Empty: e-mails say that replies are not read.",
                max_length=254,
                verbose_name="replies go to",
            ),
        ),
        migrations.AddField(
            model_name="historicaleventtype",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalfoureyesrule",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalroute",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalteam",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AlterModelOptions(
            name="historicalrecipient",
            options={
                "get_latest_by": ("history_date", "history_id"),
                "ordering": ("-history_date", "-history_id"),
                "verbose_name": "historical person",
                "verbose_name_plural": "historical people",
            },
        ),
        migrations.AlterModelOptions(
            name="recipient",
            options={
                "ordering": ["name", "ref"],
                "verbose_name": "person",
                "verbose_name_plural": "people",
            },
        ),
        migrations.AlterField(
            model_name="callback",
            name="state",
            field=models.CharField(
                choices=[
                    ("waiting", "waiting for the engine"),
                    ("delivered", "the engine has it"),
                    ("handled", "the engine had handled it already"),
                    ("refused", "refused by the engine"),
                    ("superseded", "overtaken by a later answer"),
                    ("failed", "given up"),
                    ("taken_back", "taken back"),
                    ("returned", "not sent: what it decides about has changed"),
                ],
                default="waiting",
                max_length=10,
                verbose_name="state",
            ),
        ),
        migrations.AlterField(
            model_name="event",
            name="status",
            field=models.CharField(
                choices=[
                    ("accepted", "waiting to be processed"),
                    ("processed", "processed"),
                    ("unrouted", "matched no route"),
                    ("stale", "older than what was known"),
                    ("ignored", "the task had ended"),
                    ("kept", "kept until it is clear whether the answer counts"),
                    ("failed", "could not be processed"),
                ],
                default="accepted",
                max_length=10,
                verbose_name="status",
            ),
        ),
        migrations.AlterField(
            model_name="historicalrecipient",
            name="timezone",
            field=models.CharField(
                blank=True,
                help_text="Empty: that of their browser, once they have opened the inbox; UTC until then.",
                max_length=60,
                validators=[notifications.models.validators.validate_timezone],
                verbose_name="time zone",
            ),
        ),
        migrations.AlterField(
            model_name="historicalroute",
            name="priority",
            field=models.IntegerField(
                default=100, help_text="Smaller numbers are tried first.", verbose_name="position"
            ),
        ),
        migrations.AlterField(
            model_name="recipient",
            name="timezone",
            field=models.CharField(
                blank=True,
                help_text="Empty: that of their browser, once they have opened the inbox; UTC until then.",
                max_length=60,
                validators=[notifications.models.validators.validate_timezone],
                verbose_name="time zone",
            ),
        ),
        migrations.AlterField(
            model_name="route",
            name="priority",
            field=models.IntegerField(
                default=100, help_text="Smaller numbers are tried first.", verbose_name="position"
            ),
        ),
        migrations.AlterField(
            model_name="routetarget",
            name="kind",
            field=models.CharField(
                choices=notifications.models.routing.target_kinds,
                max_length=20,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="notification",
            name="title",
            field=models.CharField(max_length=500, verbose_name="title"),
        ),
        migrations.AlterField(
            model_name="task",
            name="name",
            field=models.CharField(blank=True, max_length=500, verbose_name="name"),
        ),
    ]
