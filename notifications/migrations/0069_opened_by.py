from django.db import migrations, models


class Migration(migrations.Migration):
    """By which way an item was opened."""

    dependencies = [
        ('notifications', '0068_languages_of_starters'),
    ]

    operations = [
        migrations.AddField(
            model_name='notification',
            name='opened_by',
            field=models.CharField(editable=False, max_length=20, null=True, verbose_name='opened through'),
        ),
    ]
