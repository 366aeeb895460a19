"""Django's PostgreSQL backend with a time limit for every wait.

A server that is gone refuses at once. A server that hangs (a stuck disk, a frozen machine, a network that drops
everything) takes connections and statements and never answers: without limits, one thread after another would be stuck.
"""

from typing import Any

from django.db.backends.postgresql import base

from wfpush.postgres import driver
from wfpush.postgres.moments import with_moments
from wfpush.postgres.schema_editor import SchemaEditor
from wfpush.postgres.silence import silence

OPTIONS: dict[str, int] = {
    "connect_timeout": 5,
    # TCP keepalive finds a cut connection within half a minute. Unix sockets do not need it.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Options of libpq (seconds, the last in milliseconds), unless DATABASE_URL sets others."""


class DatabaseWrapper(base.DatabaseWrapper):
    """The class that Django looks for in the module that `ENGINE` names."""

    Database = driver
    SchemaEditorClass = SchemaEditor

    def get_connection_params(self) -> dict[str, Any]:
        params = OPTIONS | super().get_connection_params()
        return params | {"context": with_moments(params["context"])}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with silence.trying():
            return super().get_new_connection(conn_params)
