import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models

import notifications.models.validators
from wfpush.postgres.resumable import AddField


class Migration(migrations.Migration):
    """New columns of tables that are in use all the time, each in a statement of its own: no table is locked while
    another is waited for. Constant defaults rewrite no row, and processes of 0.3.0 need not know the columns."""

    atomic = False
    dependencies = [("notifications", "0016_core_tables")]

    operations = [
        AddField(
            model_name="event",
            name="urgency",
            field=models.SmallIntegerField(
                choices=[(0, "urgent"), (1, "high"), (2, "normal"), (3, "low")], db_default=2, default=2, editable=False
            ),
        ),
        AddField(
            model_name="notification",
            name="back_at",
            field=models.DateTimeField(
                blank=True, help_text="When it came back by itself.", null=True, verbose_name="back since"
            ),
        ),
        AddField(
            model_name="notification",
            name="notice",
            field=models.CharField(
                blank=True,
                db_default="",
                help_text="Why the person was told again, or was told by an escalation; until the task changes.",
                max_length=300,
                verbose_name="notice",
            ),
        ),
        AddField(
            model_name="notification",
            name="opened_by",
            field=models.CharField(editable=False, max_length=20, null=True, verbose_name="opened through"),
        ),
        AddField(
            model_name="notification",
            name="revised_at",
            field=models.DateTimeField(blank=True, editable=False, null=True, verbose_name="content changed at"),
        ),
        AddField(
            model_name="notification",
            name="revised_from",
            field=models.CharField(blank=True, editable=False, max_length=43, null=True),
        ),
        AddField(
            model_name="notification",
            name="revision",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=43, verbose_name="revision"
            ),
        ),
        AddField(
            model_name="notification",
            name="snoozed_until",
            field=models.DateTimeField(blank=True, null=True, verbose_name="snoozed until"),
        ),
        AddField(
            model_name="case",
            name="roles",
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name="roles"),
        ),
        AddField(
            model_name="response",
            name="revision",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=43, verbose_name="revision"
            ),
        ),
        AddField(
            model_name="response",
            name="values",
            field=models.JSONField(
                blank=True,
                db_default=models.Value([], models.JSONField()),
                default=list,
                help_text="What was filled into the task's form.",
            ),
        ),
        AddField(
            model_name="actiontoken",
            name="revision",
            field=models.CharField(
                blank=True, db_default="", default="", editable=False, max_length=43, verbose_name="revision"
            ),
        ),
        AddField(
            model_name="delivery",
            name="critical",
            field=models.BooleanField(editable=False, null=True),
        ),
        AddField(
            model_name="delivery",
            name="held",
            field=models.CharField(
                blank=True,
                choices=[
                    ("quiet", "quiet hours"),
                    ("digest", "comes together with others"),
                    ("repeats", "repeats"),
                    ("throttle", "too many at once"),
                    ("snoozed", "snoozed"),
                ],
                max_length=10,
                null=True,
                verbose_name="held back for",
            ),
        ),
        AddField(
            model_name="device",
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
        AddField(
            model_name="device",
            name="silent",
            field=models.BooleanField(db_default=False, default=False, verbose_name="without a sound"),
        ),
        AddField(
            model_name="engine",
            name="most_waiting",
            field=models.PositiveIntegerField(
                blank=True,
                help_text="While so many of its events are not processed yet, further ones are answered with 429, and the engine sends them again later. Empty: no limit.",
                null=True,
                validators=[django.core.validators.MinValueValidator(1)],
                verbose_name="events that may wait",
            ),
        ),
        AddField(
            model_name="engine",
            name="not_compared_reason_fact",
            field=models.JSONField(blank=True, editable=False, null=True),
        ),
        AddField(
            model_name="engine",
            name="reads_before_answers",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="If what the task asks has changed in the engine since it was answered, the answer is not told, and its person is asked again.",
                verbose_name="read the task before a final answer",
            ),
        ),
        AddField(
            model_name="category",
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
        AddField(
            model_name="category",
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
        AddField(
            model_name="category",
            name="mandatory_reason",
            field=models.CharField(
                blank=True, db_default="", default="", help_text="Shown to people.", max_length=200, verbose_name="why"
            ),
        ),
        AddField(
            model_name="brand",
            name="contact_address",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=300, verbose_name="address for customers"
            ),
        ),
        AddField(
            model_name="brand",
            name="contact_email",
            field=models.EmailField(
                blank=True, db_default="", default="", max_length=254, verbose_name="e-mail for customers"
            ),
        ),
        AddField(
            model_name="brand",
            name="contact_phone",
            field=models.CharField(
                blank=True, db_default="", default="", max_length=40, verbose_name="phone for customers"
            ),
        ),
        AddField(
            model_name="brand",
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
        AddField(
            model_name="brand",
            name="names_staff",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Off: questions and answers come under the brand's name.",
                verbose_name="customers read names of staff",
            ),
        ),
        AddField(
            model_name="brand",
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
        AddField(
            model_name="routetarget",
            name="ref",
            field=models.CharField(blank=True, db_default="", default="", max_length=40, verbose_name="what it names"),
        ),
        AddField(
            model_name="routetarget",
            name="role",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="As events name it in “case.roles”, such as requester.",
                max_length=60,
                verbose_name="role",
            ),
        ),
    ]
