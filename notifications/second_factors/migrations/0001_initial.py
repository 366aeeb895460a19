import django.db.models.deletion
import simple_history.models
import wfpush.identifiers
from django.conf import settings
from django.db import migrations, models

from notifications import roles


class Migration(migrations.Migration):
    """Rules for signing in, and e-mails about security. django-allauth has the table of factors."""

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('mfa', '0003_authenticator_type_uniq'),
        ('notifications', '0040_reworded_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Factor',
            fields=[
            ],
            options={
                'verbose_name': 'second factor',
                'verbose_name_plural': 'second factors',
                'proxy': True,
                'default_permissions': ('view', 'delete'),
                'indexes': [],
                'constraints': [],
            },
            bases=('mfa.authenticator',),
        ),
        migrations.CreateModel(
            name='HistoricalSignInRules',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('only', models.BooleanField(db_index=True, default=True, editable=False)),
                ('superusers', models.BooleanField(default=False, verbose_name='superusers need a second factor')),
                ('providers_only', models.BooleanField(default=False, help_text='Passwords and passkeys then work for emergency accounts only.', verbose_name='people sign in at an identity provider only')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical rules for signing in',
                'verbose_name_plural': 'historical rules for signing in',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='SignInRules',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('only', models.BooleanField(default=True, editable=False, unique=True)),
                ('superusers', models.BooleanField(default=False, verbose_name='superusers need a second factor')),
                ('providers_only', models.BooleanField(default=False, help_text='Passwords and passkeys then work for emergency accounts only.', verbose_name='people sign in at an identity provider only')),
                ('emergency_accounts', models.ManyToManyField(blank=True, help_text='They can always sign in here. Each use is e-mailed to all administrators.', related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='emergency accounts')),
                ('roles', models.ManyToManyField(blank=True, help_text='Their members open the desk only after they have set one up.', related_name='+', to='auth.group', verbose_name='roles that need a second factor')),
            ],
            options={
                'verbose_name': 'rules for signing in',
                'verbose_name_plural': 'rules for signing in',
                'default_permissions': ('view', 'add', 'change'),
            },
        ),
        migrations.CreateModel(
            name='HistoricalSignInRules_roles',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('m2m_history_id', models.AutoField(primary_key=True, serialize=False)),
                ('group', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='auth.group')),
                ('history', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='second_factors.historicalsigninrules')),
                ('signinrules', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='second_factors.signinrules')),
            ],
            options={
                'verbose_name': 'HistoricalSignInRules_roles',
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='HistoricalSignInRules_emergency_accounts',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('m2m_history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, to='second_factors.historicalsigninrules')),
                ('user', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('signinrules', models.ForeignKey(blank=True, db_constraint=False, db_tablespace='', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='second_factors.signinrules')),
            ],
            options={
                'verbose_name': 'HistoricalSignInRules_emergency_accounts',
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='SecurityMail',
            fields=[
                ('due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lease_token', models.UUIDField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveIntegerField(default=0, editable=False)),
                ('id', models.UUIDField(default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('app_added', 'An authenticator app was added'), ('app_removed', 'The authenticator app was removed'), ('passkey_added', 'A passkey was added'), ('passkey_removed', 'A passkey was removed'), ('codes_renewed', 'New recovery codes were made'), ('code_used', 'A recovery code was used to sign in'), ('removed_by_desk', 'An administrator removed all second factors'), ('emergency', 'An emergency account was used')], max_length=20)),
                ('name', models.CharField(blank=True, max_length=200)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('browser', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField(null=True)),
                ('detail', models.CharField(blank=True, max_length=500)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'e-mail about security',
                'verbose_name_plural': 'e-mails about security',
                'abstract': False,
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='security_mail_due')],
            },
        ),
        migrations.AddConstraint(
            model_name='signinrules',
            constraint=models.CheckConstraint(condition=models.Q(('only', True)), name='sign_in_rules_one_row'),
        ),
        roles.give_added_rights("second_factors"),
    ]
