from django.db import migrations, models




class Migration(migrations.Migration):
    """Records tell of new passwords and ended sessions, too."""

    dependencies = [
        ('sign_on', '0003_outcomes_of_factors'),
    ]

    operations = [
        migrations.AlterField(
            model_name='signinrecord',
            name='outcome',
            field=models.CharField(choices=[('signed_in', 'signed in'), ('refused', 'refused'), ('signed_out', 'signed out by the provider'), ('changed', 'teams or roles changed'), ('factors', 'second factors changed'), ('emergency', 'emergency account used'), ('password', 'new password'), ('ended', 'signed out elsewhere')], max_length=12, verbose_name='outcome'),
        ),
    ]
