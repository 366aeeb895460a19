from django.db import migrations

# Devices know their session by this digest alone. Without an index, removing one hashes all sessions: 0.3 s for 200,000.
CREATE = """
CREATE INDEX CONCURRENTLY session_by_digest ON django_session (encode(sha256(decode(session_key, 'escape')), 'hex'))
"""
DROP = "DROP INDEX CONCURRENTLY IF EXISTS session_by_digest"


class Migration(migrations.Migration):
    atomic = False  # the table may be large, and people sign in meanwhile

    dependencies = [("notifications", "0005_tallies"), ("sessions", "0001_initial")]

    # What an interrupted try left behind is no index: it goes first.
    operations = [migrations.RunSQL([DROP, CREATE], [DROP])]
