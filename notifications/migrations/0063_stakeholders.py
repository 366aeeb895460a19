from importlib import import_module
from typing import Any

import django.db.models.deletion
import simple_history.models
from django.conf import settings
from django.db import migrations, models

from notifications import roles


same = import_module("notifications.migrations.0016_configuration_changes")

TABLES = {"notifications_caselist": "", "notifications_caselist_people": "", "notifications_caselist_teams": ""}


def give_rights(apps: Any, schema_editor: Any) -> None:
    roles.give_as(apps, "caselist", like="journey")


class Migration(migrations.Migration):
    """Roles of people in cases, and lists of people for types of cases."""

    dependencies = [
        ('notifications', '0062_unsubscriptions'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='case',
            name='roles',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='roles'),
        ),
        migrations.AddField(
            model_name='routetarget',
            name='role',
            field=models.CharField(blank=True, db_default='', default='', help_text='As events name it in “case.roles”, such as requester.', max_length=60, verbose_name='role'),
        ),
        migrations.AlterField(
            model_name='routetarget',
            name='kind',
            field=models.CharField(choices=[('assignee', "the task's assignee"), ('candidates', "the task's candidates"), ('task_teams', "the members of the event's teams"), ('team', 'the members of a team'), ('team_lead', "the lead of the event's or the named team"), ('manager', "the assignee's manager"), ('initiator', 'who started it'), ('followers', "the case's followers"), ('role', 'who has a role in the case'), ('case_list', 'the list for cases of this type'), ('recipients', "the event's recipients"), ('person', 'a named person'), ('customer', 'the customer'), ('path', 'the person found at a path in the event')], max_length=20, verbose_name='kind'),
        ),
        migrations.CreateModel(
            name='CaseList',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('case_type', models.CharField(help_text='As events name it in “case.type”, such as repair.', max_length=100, verbose_name='kind of case')),
                ('engine', models.ForeignKey(blank=True, help_text='Empty: every engine.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='notifications.engine', verbose_name='engine')),
                ('people', models.ManyToManyField(blank=True, related_name='case_lists', to='notifications.recipient', verbose_name='people')),
                ('teams', models.ManyToManyField(blank=True, related_name='case_lists', to='notifications.team', verbose_name='teams')),
            ],
            options={
                'verbose_name': 'list for cases',
                'verbose_name_plural': 'lists for cases',
                'ordering': ['case_type', 'engine'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalCaseList',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('case_type', models.CharField(help_text='As events name it in “case.type”, such as repair.', max_length=100, verbose_name='kind of case')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('engine', models.ForeignKey(blank=True, db_constraint=False, help_text='Empty: every engine.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.engine', verbose_name='engine')),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical list for cases',
                'verbose_name_plural': 'historical lists for cases',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalCaseList_people',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('m2m_history_id', models.AutoField(primary_key=True, serialize=False)),
                ('caselist', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.caselist')),
                ('history', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='notifications.historicalcaselist')),
                ('recipient', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.recipient')),
            ],
            options={
                'verbose_name': 'HistoricalCaseList_people',
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalCaseList_teams',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('m2m_history_id', models.AutoField(primary_key=True, serialize=False)),
                ('caselist', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.caselist')),
                ('history', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='notifications.historicalcaselist')),
                ('team', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='notifications.team')),
            ],
            options={
                'verbose_name': 'HistoricalCaseList_teams',
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.AddConstraint(
            model_name='caselist',
            constraint=models.UniqueConstraint(fields=('engine', 'case_type'), name='one_list_a_case_type', nulls_distinct=False),
        ),
        migrations.RunSQL(list(same.triggers(TABLES)), list(same.undo(TABLES))),
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
