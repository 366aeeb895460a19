"""`python -m demo`: the engine as a process of its own, bound to 127.0.0.1."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator

from aiohttp import web

from demo import mail
from demo.client import WfpushClient
from demo.config import ConfigError, Settings
from demo.definitions import load_definitions
from demo.engine import Engine
from demo.records import utc_now
from demo.seed import prepare
from demo.sender import Connection, Sender
from demo.server import make_app
from demo.store import Store, StoreError

log = logging.getLogger("demo")


def build(settings: Settings, store: Store) -> web.Application:
    """The application with everything behind it. Raises StoreError when the data folder cannot be used."""
    engine = Engine(load_definitions(), store, settings.base_url, utc_now)
    engine.load()
    connection = Connection(settings.wfpush_url)

    async def background(_app: web.Application) -> AsyncIterator[None]:
        async with WfpushClient(settings.wfpush_url, settings.api_key) as client:
            sender = Sender(engine, client, connection)
            engine.on_events = sender.notify
            connection.client = client
            first = asyncio.create_task(prepare(store, engine, client, connection, sender, settings.brand))
            yield
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)
            await sender.close()

    app = make_app(engine, connection, settings, background)
    mail.add_to(app, mail.Mailbox(settings.mail))
    return app


def main() -> int:
    """Serves until stopped. Returns the exit status: 2 for wrong settings, 1 for a data folder that cannot be used."""
    logging.basicConfig(level=logging.INFO, format="demo: %(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("spiff").setLevel(logging.WARNING)  # it tells every change of every node
    try:
        settings = Settings.from_env(os.environ)
    except ConfigError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 2
    store = Store(settings.data)
    try:
        store.open(patience=10)
        app = build(settings, store)
    except StoreError as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    log.info("serving %s, speaking to wfpush at %s", settings.base_url, settings.wfpush_url)
    web.run_app(app, host="127.0.0.1", port=settings.port, print=None, access_log=None, shutdown_timeout=3)
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
