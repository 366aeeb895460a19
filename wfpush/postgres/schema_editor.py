"""Django's schema editor for migrations that were interrupted while an index was built."""

from django.db.backends.postgresql.schema import DatabaseSchemaEditor
from django.db.models import Index, Model

IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)"


class SchemaEditor(DatabaseSchemaEditor):
    def add_index(self, model: type[Model], index: Index, concurrently: bool = False) -> None:
        """Create an index. One that is built concurrently may be there already: it is kept if it is complete. What an
        interrupted build has left is not, and is built again."""
        if concurrently and not self.collect_sql:
            name = self.quote_name(index.name)
            with self.connection.cursor() as cursor:
                cursor.execute(IS_VALID, [name])
                row = cursor.fetchone()
            if row == (True,):
                return
            if row is not None:
                self.execute(f"DROP INDEX CONCURRENTLY {name}")
        super().add_index(model, index, concurrently)
