from django.db import migrations, models


class Migration(migrations.Migration):
    """Records tell of second factors and emergency accounts, too."""

    dependencies = [
        ('sign_on', '0002_saml'),
    ]

    operations = [
        migrations.AlterField(
            model_name='signinrecord',
            name='outcome',
            field=models.CharField(choices=[('signed_in', 'signed in'), ('refused', 'refused'), ('signed_out', 'signed out by the provider'), ('changed', 'teams or roles changed'), ('factors', 'second factors changed'), ('emergency', 'emergency account used')], max_length=12, verbose_name='outcome'),
        ),
    ]
