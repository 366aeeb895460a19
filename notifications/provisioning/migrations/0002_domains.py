import django.contrib.postgres.fields
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):
    """The e-mail domains of a directory."""

    dependencies = [
        ('provisioning', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalscimdirectory',
            name='domains',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253, validators=[django.core.validators.RegexValidator('^(?!-)[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+$', 'Enter a domain in lower case, such as acme.example.')]), blank=True, db_default=[], default=list, help_text='One a line. The directory may send no other addresses. Empty: it may send any.', size=None, verbose_name='e-mail domains'),
        ),
        migrations.AddField(
            model_name='scimdirectory',
            name='domains',
            field=django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=253, validators=[django.core.validators.RegexValidator('^(?!-)[a-z0-9-]{1,63}(\\.[a-z0-9-]{1,63})+$', 'Enter a domain in lower case, such as acme.example.')]), blank=True, db_default=[], default=list, help_text='One a line. The directory may send no other addresses. Empty: it may send any.', size=None, verbose_name='e-mail domains'),
        ),
    ]
