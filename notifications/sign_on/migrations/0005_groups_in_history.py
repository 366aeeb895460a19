import django.core.serializers.json
from django.db import migrations, models


class Migration(migrations.Migration):
    """The history of a provider has its groups."""

    dependencies = [
        ('sign_on', '0004_outcomes_of_passwords'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalidentityprovider',
            name='parts',
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
    ]
