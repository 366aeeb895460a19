import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import notifications.sign_on.models
import simple_history.models
import wfpush.crypto
import wfpush.identifiers
from django.conf import settings
from django.db import migrations, models

from notifications import roles


class Migration(migrations.Migration):
    """Identity providers, and the record of sign-ins there."""

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
        ('notifications', '0040_reworded_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='IdentityProvider',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('slug', models.SlugField(help_text='Part of its addresses. It cannot be changed later.', max_length=60, unique=True, verbose_name='slug')),
                ('identity_key', models.CharField(default=notifications.sign_on.models.new_identity_key, editable=False, max_length=32, unique=True)),
                ('name', models.CharField(help_text='People see it on the sign-in page.', max_length=80, verbose_name='name')),
                ('issuer', models.URLField(help_text="The provider's address, such as https://login.acme.example/realms/staff.", max_length=500, verbose_name='issuer')),
                ('client_id', models.CharField(max_length=200, verbose_name='client ID')),
                ('client_secret', wfpush.crypto.EncryptedTextField(blank=True, verbose_name='client secret')),
                ('domains', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253, validators=[django.core.validators.RegexValidator('^(?!-)[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+$', 'Enter a domain in lower case, such as acme.example.')]), help_text='One a line. People with these addresses sign in there, and the provider may name no others.', size=None, validators=[django.core.validators.MinLengthValidator(1)], verbose_name='e-mail domains')),
                ('trusts_addresses', models.BooleanField(default=False, help_text='For providers without email_verified, such as Entra ID, whose administrators assign addresses.', verbose_name='its e-mail addresses are verified')),
                ('creates_people', models.BooleanField(default=False, help_text='While this is off, only people who are known here can sign in.', verbose_name='unknown people get an account')),
                ('groups_claim', models.CharField(blank=True, default='groups', help_text='Usually: groups.', max_length=100, verbose_name='claim with groups')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('works_since', models.DateTimeField(blank=True, editable=False, null=True, verbose_name='works since')),
                ('fault', models.CharField(blank=True, editable=False, max_length=40)),
                ('fault_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'verbose_name': 'identity provider',
                'verbose_name_plural': 'identity providers',
                'ordering': ['name'],
            },
        ),
        migrations.CreateModel(
            name='HistoricalIdentityProvider',
            fields=[
                ('id', models.BigIntegerField(auto_created=True, blank=True, db_index=True, verbose_name='ID')),
                ('slug', models.SlugField(help_text='Part of its addresses. It cannot be changed later.', max_length=60, verbose_name='slug')),
                ('name', models.CharField(help_text='People see it on the sign-in page.', max_length=80, verbose_name='name')),
                ('issuer', models.URLField(help_text="The provider's address, such as https://login.acme.example/realms/staff.", max_length=500, verbose_name='issuer')),
                ('client_id', models.CharField(max_length=200, verbose_name='client ID')),
                ('domains', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253, validators=[django.core.validators.RegexValidator('^(?!-)[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+$', 'Enter a domain in lower case, such as acme.example.')]), help_text='One a line. People with these addresses sign in there, and the provider may name no others.', size=None, validators=[django.core.validators.MinLengthValidator(1)], verbose_name='e-mail domains')),
                ('trusts_addresses', models.BooleanField(default=False, help_text='For providers without email_verified, such as Entra ID, whose administrators assign addresses.', verbose_name='its e-mail addresses are verified')),
                ('creates_people', models.BooleanField(default=False, help_text='While this is off, only people who are known here can sign in.', verbose_name='unknown people get an account')),
                ('groups_claim', models.CharField(blank=True, default='groups', help_text='Usually: groups.', max_length=100, verbose_name='claim with groups')),
                ('active', models.BooleanField(default=True, verbose_name='active')),
                ('history_id', models.AutoField(primary_key=True, serialize=False)),
                ('history_date', models.DateTimeField(db_index=True)),
                ('history_change_reason', models.CharField(max_length=100, null=True)),
                ('history_type', models.CharField(choices=[('+', 'Created'), ('~', 'Changed'), ('-', 'Deleted')], max_length=1)),
                ('history_user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'historical identity provider',
                'verbose_name_plural': 'historical identity providers',
                'ordering': ('-history_date', '-history_id'),
                'get_latest_by': ('history_date', 'history_id'),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name='SignInRecord',
            fields=[
                ('id', models.UUIDField(default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_index=True, verbose_name='at')),
                ('identity', models.CharField(blank=True, help_text='The e-mail address or subject that the provider sent.', max_length=320, verbose_name='identity')),
                ('outcome', models.CharField(choices=[('signed_in', 'signed in'), ('refused', 'refused'), ('signed_out', 'signed out by the provider'), ('changed', 'teams or roles changed')], max_length=12, verbose_name='outcome')),
                ('code', models.CharField(blank=True, max_length=40, verbose_name='reason')),
                ('detail', models.CharField(blank=True, max_length=500, verbose_name='details')),
                ('address', models.GenericIPAddressField(null=True, verbose_name='network address')),
                ('browser', models.CharField(blank=True, max_length=300, verbose_name='browser')),
                ('provider', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='records', to='sign_on.identityprovider', verbose_name='provider')),
                ('user', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='user')),
            ],
            options={
                'verbose_name': 'security event',
                'verbose_name_plural': 'security events',
                'ordering': ['-at'],
                'default_permissions': ('view',),
            },
        ),
        migrations.CreateModel(
            name='GroupMapping',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('group', models.CharField(help_text='As the provider sends it: a name, or an ID.', max_length=200, verbose_name='group at the provider')),
                ('role', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='auth.group', verbose_name='desk role')),
                ('team', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='notifications.team', verbose_name='team')),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='mappings', to='sign_on.identityprovider')),
            ],
            options={
                'verbose_name': 'group',
                'verbose_name_plural': 'groups',
                'ordering': ['group'],
                'constraints': [models.CheckConstraint(condition=models.Q(('team', None), ('role', None), _connector='XOR'), name='group_has_team_or_role', violation_error_message='Choose a team or a desk role.'), models.UniqueConstraint(fields=('provider', 'group', 'team'), name='one_mapping_a_team'), models.UniqueConstraint(fields=('provider', 'group', 'role'), name='one_mapping_a_role')],
            },
        ),
        migrations.CreateModel(
            name='ProviderSession',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sid', models.CharField(max_length=255)),
                ('created_at', models.DateTimeField()),
                ('provider', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='sessions', to='sign_on.identityprovider')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'session of a provider',
                'verbose_name_plural': 'sessions of providers',
                'default_permissions': (),
                'constraints': [models.UniqueConstraint(fields=('provider', 'sid', 'user'), name='one_row_a_provider_session')],
            },
        ),
        roles.give_added_rights("sign_on"),
    ]
