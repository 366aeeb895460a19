import django.core.serializers.json
from django.db import migrations, models


class Migration(migrations.Migration):
    """The history of teams and brands keeps how their people are reached."""

    dependencies = [
        ('notifications', '0071_held_reviews'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalbrand',
            name='parts',
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
        migrations.AddField(
            model_name='historicalteam',
            name='parts',
            field=models.JSONField(editable=False, encoder=django.core.serializers.json.DjangoJSONEncoder, null=True),
        ),
    ]
