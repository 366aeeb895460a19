import wfpush.identifiers
from django.db import migrations, models


class Migration(migrations.Migration):
    """E-mail addresses that people write to get a sign-in link, until a worker has looked up whose they are."""

    dependencies = [
        ('notifications', '0076_absences_of_leaders'),
    ]

    operations = [
        migrations.CreateModel(
            name='LinkRequest',
            fields=[
                ('due_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lease_until', models.DateTimeField(blank=True, editable=False, null=True)),
                ('lease_token', models.UUIDField(blank=True, editable=False, null=True)),
                ('attempts', models.PositiveIntegerField(default=0, editable=False)),
                ('id', models.UUIDField(default=wfpush.identifiers.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', models.CharField(max_length=254)),
                ('next', models.CharField(max_length=500)),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'abstract': False,
                'indexes': [models.Index(condition=models.Q(('due_at__isnull', False)), fields=['due_at'], name='link_request_due')],
            },
        ),
    ]
