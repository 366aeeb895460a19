import django.core.serializers.json
import django.db.models.deletion
from django.db import migrations, models

from wfpush.postgres.revision import create_triggers, drop_triggers

CONFIGURATION = {
    "escalations_businesscalendar": "",
    "escalations_calendarday": "",
    "escalations_personcalendar": "",
    "escalations_policy": "",
    "escalations_policycondition": "",
    "escalations_policystep": "",
    "escalations_teamcalendar": "",
}


class Migration(migrations.Migration):
    """Policies and calendars are configuration (wfpush/postgres/revision.py), and their history keeps their parts. A
    policy may belong to a route: the rules assistant shows and saves both together."""

    dependencies = [("escalations", "0004_sentences_to_facts"), ("notifications", "0016_core_tables")]

    operations = [
        migrations.AddField(
            model_name="historicalbusinesscalendar",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalpolicy",
            name="parts",
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name="historicalpolicy",
            name="route",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.DO_NOTHING,
                related_name="+",
                to="notifications.route",
                verbose_name="route",
            ),
        ),
        migrations.AddField(
            model_name="policy",
            name="route",
            field=models.OneToOneField(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="policy",
                to="notifications.route",
                verbose_name="route",
            ),
        ),
        migrations.RunSQL(create_triggers(CONFIGURATION), drop_triggers(CONFIGURATION)),
    ]
