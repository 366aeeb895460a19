"""Empty the search index, whose text has no marks from now on. A schedule fills it within minutes."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("notifications", "0037_reasons_without_texts")]

    operations = [migrations.RunSQL("DELETE FROM notifications_searchedpart", migrations.RunSQL.noop)]
