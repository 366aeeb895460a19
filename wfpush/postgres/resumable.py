"""Operations for migrations that are not atomic, which can run again after an interruption."""

from typing import Any

from django.contrib.postgres import operations


class AddConstraintNotValid(operations.AddConstraintNotValid):
    """Django's operation, which first drops a constraint that an interrupted migration has made."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        table = schema_editor.quote_name(from_state.apps.get_model(app_label, self.model_name)._meta.db_table)
        name = schema_editor.quote_name(self.constraint.name)
        schema_editor.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        super().database_forwards(app_label, schema_editor, from_state, to_state)
