"""Django's PostgreSQL backend, except that nobody waits for ever for a server that has fallen silent.

A server that is gone refuses at once. One that hangs (a stuck disk, a frozen machine, a network that drops everything)
takes connections and statements and never answers: without an end to the wait, one thread after the other is stuck.
"""

from typing import Any

from django.db.backends.postgresql import base

from wfpush.postgres import driver
from wfpush.postgres.moments import with_moments
from wfpush.postgres.silence import silence

OPTIONS: dict[str, int] = {
    "connect_timeout": 5,
    # A line that is cut without a word is noticed within half a minute. Sockets of Unix have none of this.
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""Of libpq (seconds, the last in milliseconds), unless DATABASE_URL says otherwise."""


class DatabaseWrapper(base.DatabaseWrapper):
    """What Django looks for in the module that `ENGINE` names."""

    Database = driver

    def get_connection_params(self) -> dict[str, Any]:
        params = OPTIONS | super().get_connection_params()
        return params | {"context": with_moments(params["context"])}

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with silence.trying():
            return super().get_new_connection(conn_params)
