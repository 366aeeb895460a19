from typing import Any

import django.db.models.deletion
from django.db import migrations, models

import notifications.models.validators
from notifications import roles


def give_rights(apps: Any, schema_editor: Any) -> None:
    roles.give_as(apps, "unsubscription", like="categorychoice")


class Migration(migrations.Migration):
    """A brand's own address and replies, and what people turn off by the link in an e-mail."""

    dependencies = [
        ('notifications', '0061_absences'),
    ]

    operations = [
        migrations.AddField(
            model_name='brand',
            name='domain',
            field=models.CharField(blank=True, db_default='', default='', help_text='Links go there, such as https://updates.acme.example. Empty: those of this installation.', max_length=200, validators=[notifications.models.validators.validate_own_address], verbose_name='address of its pages'),
        ),
        migrations.AddField(
            model_name='brand',
            name='reply_to',
            field=models.EmailField(blank=True, db_default='', default='', help_text='Empty: e-mails say that replies are not read.', max_length=254, verbose_name='replies go to'),
        ),
        migrations.AddField(
            model_name='historicalbrand',
            name='domain',
            field=models.CharField(blank=True, db_default='', default='', help_text='Links go there, such as https://updates.acme.example. Empty: those of this installation.', max_length=200, validators=[notifications.models.validators.validate_own_address], verbose_name='address of its pages'),
        ),
        migrations.AddField(
            model_name='historicalbrand',
            name='reply_to',
            field=models.EmailField(blank=True, db_default='', default='', help_text='Empty: e-mails say that replies are not read.', max_length=254, verbose_name='replies go to'),
        ),
        migrations.CreateModel(
            name='Unsubscription',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('channel', models.CharField(max_length=20, verbose_name='channel')),
                ('at', models.DateTimeField(verbose_name='turned off at')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='turned on again at')),
                ('category', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='notifications.category', verbose_name='category')),
                ('recipient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='unsubscriptions', to='notifications.recipient', verbose_name='person')),
            ],
            options={
                'verbose_name': 'unsubscription',
                'verbose_name_plural': 'unsubscriptions',
                'ordering': ['-at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('undone_at', None)), fields=('recipient', 'category', 'channel'), name='one_unsubscription')],
            },
        ),
        migrations.RunPython(give_rights, migrations.RunPython.noop),
    ]
