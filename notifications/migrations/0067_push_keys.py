import django.db.models.deletion
from django.db import migrations, models

import wfpush.crypto


class Migration(migrations.Migration):
    """Keys of brands for web push."""

    dependencies = [
        ('notifications', '0066_following'),
    ]

    operations = [
        migrations.CreateModel(
            name='PushKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('public_key', models.CharField(max_length=100, unique=True, verbose_name='public key')),
                ('private_key', wfpush.crypto.EncryptedTextField()),
                ('created_at', models.DateTimeField(verbose_name='made at')),
                ('brand', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='push_keys', to='notifications.brand', verbose_name='brand')),
            ],
            options={
                'default_permissions': (),
                'verbose_name': 'key for push',
                'verbose_name_plural': 'keys for push',
                'ordering': ['-created_at', '-pk'],
            },
        ),
    ]
