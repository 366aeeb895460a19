"""The installation on which the table's faults happen: servers, web, a worker, an engine, a mail server, Bob."""

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.soak.fault_table.doubles import Engine, MailServer
from tests.soak.fault_table.statements import Speaker, readiness, speakers
from tests.soak.fault_table.steady_load import SteadyLoad
from tests.soak.installation import Installation
from tests.soak.servers import Servers
from tests.support.calls import Caller
from tests.support.processes import House
from tests.support.surfing import Browser


class Stage(Installation):
    def __init__(self, house: House, servers: Servers) -> None:
        self.servers = servers
        self.receiver: Engine = Engine()
        self.mail = MailServer()
        house.environment |= servers.environment | {"EMAIL_URL": f"smtp://127.0.0.1:{self.mail.port}"}
        super().__init__(house, self.receiver)
        house.change("UPDATE notifications_category SET channels = ARRAY['live', 'email']")
        self.flooded: set[str] = set()
        """Tasks of the events that the other engine has sent."""
        self.flood = Caller(self.port, self._add_flooding_engine())
        self.load = SteadyLoad(self, self.receiver, self.mail)
        self.load.add_people()

    def _add_flooding_engine(self) -> str:
        clerk = self.house.clerk()
        made = clerk.run("create_engine", "orders")
        clerk.run("create_person", "fred", "--name", "Fred")
        self.house.dismiss_clerk()
        return str(json.loads(made.strip().splitlines()[-1])["api_key"])

    def speakers(self) -> list[Speaker]:
        """As a superuser sees them."""
        password = secrets.token_urlsafe(12)
        words = ("createsuperuser", "--noinput", "--username", "root", "--email", "root@example.com")
        made = self.house.run(*words, DJANGO_SUPERUSER_PASSWORD=password)
        assert made.process.returncode == 0, made.said
        return speakers(self.house, self.url, password)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def is_quiet(self) -> bool:
        """Whether `/readyz` has neither a fault nor a note."""
        try:
            return readiness(Browser(self.url)) == []
        except OSError:
            return False

    def cluster(self) -> psutil.Process:
        return self.child("cluster")

    def dispatcher(self) -> psutil.Process:
        return self.child("dispatcher")


@contextmanager
def staged() -> Iterator[Stage]:
    with Servers() as servers, House() as house:
        house.is_migrated = servers.are_migrated
        stage = Stage(house, servers)
        try:
            yield stage
        finally:
            stage.receiver.go_on()
            stage.mail.go_on()
            stage.receiver.refuse()
            stage.mail.refuse()
