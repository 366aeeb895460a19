import django.db.models.deletion
import wfpush.identifiers
from django.conf import settings
from django.db import migrations, models




class Migration(migrations.Migration):
    """Requests for a new password, and the browsers in which people are signed in."""

    dependencies = [
        ('second_factors', '0001_initial'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='securitymail',
            name='kind',
            field=models.CharField(choices=[('app_added', 'An authenticator app was added'), ('app_removed', 'The authenticator app was removed'), ('passkey_added', 'A passkey was added'), ('passkey_removed', 'A passkey was removed'), ('codes_renewed', 'New recovery codes were made'), ('code_used', 'A recovery code was used to sign in'), ('removed_by_desk', 'An administrator removed all second factors'), ('emergency', 'An emergency account was used'), ('password_link', 'Choose a new password'), ('password_shared', 'No new password by e-mail'), ('password_elsewhere', 'Your account has no password here'), ('password_changed', 'Your password was changed'), ('password_by_desk', 'An administrator set your password')], max_length=20),
        ),
        migrations.CreateModel(
            name='BrowserSession',
            fields=[
                ('digest', models.CharField(editable=False, max_length=64, primary_key=True, serialize=False)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('browser', models.CharField(blank=True, max_length=300)),
                ('began_at', models.DateTimeField()),
                ('used_at', models.DateTimeField(db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'signed-in browser',
                'verbose_name_plural': 'signed-in browsers',
                'default_permissions': (),
            },
        ),
        migrations.CreateModel(
            name='PasswordRequest',
            fields=[
                ('due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lease_token', models.UUIDField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveIntegerField(default=0, editable=False)),
                ('id', models.UUIDField(default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=254)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('browser', models.CharField(blank=True, max_length=300)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'request for a password',
                'verbose_name_plural': 'requests for passwords',
                'abstract': False,
                'default_permissions': (),
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='password_request_due')],
            },
        ),
    ]
