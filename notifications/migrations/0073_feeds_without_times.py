from django.db import migrations, models


class Migration(migrations.Migration):
    """A feed that was not read yet can be checked as a whole, as restoring does. Nothing of the schema changes."""

    dependencies = [
        ('notifications', '0072_history_of_defaults'),
    ]

    operations = [
        migrations.AlterField(
            model_name='absencefeed',
            name='back_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='absencefeed',
            name='failing_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='absencefeed',
            name='fault_fact',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='absencefeed',
            name='read_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='absencefeed',
            name='told_at',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        migrations.AlterField(
            model_name='rotafeed',
            name='failing_since',
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='rotafeed',
            name='fault_fact',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name='rotafeed',
            name='read_at',
            field=models.DateTimeField(blank=True, null=True),
        ),
    ]
