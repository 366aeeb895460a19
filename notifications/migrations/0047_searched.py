import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

# What is searched with items and lies in other tables: the table, its columns, the key that is noted, and which rows
# are searched. Cases and people are made first and named then, in one transaction: nobody has items of these yet.
ELSEWHERE = [
    (
        "notifications_case",
        ["title"],
        "case",
        "EXISTS (SELECT 1 FROM notifications_notification WHERE case_id = NEW.id)",
    ),
    (
        "notifications_task",
        ["initiator_id"],
        "task",
        "EXISTS (SELECT 1 FROM notifications_notification WHERE task_id = NEW.id)",
    ),
    (
        "notifications_recipient",
        ["name", "ref"],
        "person",
        "EXISTS (SELECT 1 FROM notifications_task WHERE initiator_id = NEW.id)"
        " OR EXISTS (SELECT 1 FROM notifications_notification WHERE on_behalf_of_id = NEW.id)",
    ),
]
DELETED = """
CREATE FUNCTION wfpush_searched_deleted() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    INSERT INTO notifications_searchedanew (inbox_id)
    SELECT DISTINCT recipient_id FROM former
    WHERE EXISTS (SELECT 1 FROM notifications_searchedpart part WHERE part.recipient_id = former.recipient_id);
    RETURN NULL;
END $body$;
CREATE TRIGGER searched_deleted AFTER DELETE ON notifications_notification REFERENCING OLD TABLE AS former
FOR EACH STATEMENT EXECUTE FUNCTION wfpush_searched_deleted()
"""


def noting(table, columns, key, searched):
    name = f"wfpush_searched_{key}"
    differs = " OR ".join(f"OLD.{column} IS DISTINCT FROM NEW.{column}" for column in columns)
    return f"""
CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    IF {searched} THEN INSERT INTO notifications_searchedanew ({key}_id) VALUES (NEW.id); END IF;
    RETURN NULL;
END $body$;
CREATE TRIGGER searched_anew AFTER UPDATE OF {", ".join(columns)} ON {table} FOR EACH ROW
WHEN ({differs}) EXECUTE FUNCTION {name}()"""


def undo():
    for _table, _columns, key, _searched in ELSEWHERE:
        yield f"DROP FUNCTION wfpush_searched_{key}() CASCADE"
    yield "DROP FUNCTION wfpush_searched_deleted() CASCADE"


class Migration(migrations.Migration):
    dependencies = [("notifications", "0046_news")]

    operations = [
        migrations.CreateModel(
            name="SearchedPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("upto", models.BigIntegerField()),
                ("items", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("texts", django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)),
                (
                    "recipient",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="searched_parts",
                        to="notifications.recipient",
                    ),
                ),
            ],
            options={"verbose_name": "part of what is searched", "verbose_name_plural": "parts of what is searched"},
        ),
        migrations.CreateModel(
            name="SearchedAnew",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("case_id", models.BigIntegerField(null=True)),
                ("task_id", models.UUIDField(null=True)),
                ("person_id", models.BigIntegerField(null=True)),
                ("inbox_id", models.BigIntegerField(null=True)),
            ],
            options={
                "verbose_name": "change of what is searched",
                "verbose_name_plural": "changes of what is searched",
            },
        ),
        migrations.RunSQL([*(noting(*each) for each in ELSEWHERE), DELETED], list(undo())),
    ]
