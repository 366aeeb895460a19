
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('sign_on', '0001_initial'),
    ]

    operations = [
        migrations.AddField(
            model_name='historicalidentityprovider',
            name='certificate',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='certificate'),
        ),
        migrations.AddField(
            model_name='historicalidentityprovider',
            name='kind',
            field=models.CharField(choices=[('openid_connect', 'OpenID Connect'), ('saml', 'SAML 2.0')], default='openid_connect', max_length=16, verbose_name='protocol'),
        ),
        migrations.AddField(
            model_name='historicalidentityprovider',
            name='sso_url',
            field=models.URLField(blank=True, db_default='', default='', max_length=500, verbose_name='address for signing in'),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='certificate',
            field=models.TextField(blank=True, db_default='', default='', verbose_name='certificate'),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='kind',
            field=models.CharField(choices=[('openid_connect', 'OpenID Connect'), ('saml', 'SAML 2.0')], default='openid_connect', max_length=16, verbose_name='protocol'),
        ),
        migrations.AddField(
            model_name='identityprovider',
            name='sso_url',
            field=models.URLField(blank=True, db_default='', default='', max_length=500, verbose_name='address for signing in'),
        ),
        migrations.AlterField(
            model_name='historicalidentityprovider',
            name='client_id',
            field=models.CharField(blank=True, max_length=200, verbose_name='client ID'),
        ),
        migrations.AlterField(
            model_name='historicalidentityprovider',
            name='issuer',
            field=models.CharField(blank=True, help_text="The provider's address, such as https://login.acme.example/realms/staff.", max_length=500, verbose_name='issuer'),
        ),
        migrations.AlterField(
            model_name='identityprovider',
            name='client_id',
            field=models.CharField(blank=True, max_length=200, verbose_name='client ID'),
        ),
        migrations.AlterField(
            model_name='identityprovider',
            name='issuer',
            field=models.CharField(blank=True, help_text="The provider's address, such as https://login.acme.example/realms/staff.", max_length=500, verbose_name='issuer'),
        ),
    ]
