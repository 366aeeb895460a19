"""A person's desktop: a D-Bus of its own with a notification daemon that shows nothing, remembers all, and presses."""

import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from dbus_fast import BusType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusDict, DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

from tests.pushlab.background import Background
from tests.support.waiting import PATIENCE_SECONDS, eventually

NAME = "org.freedesktop.Notifications"
Strings = Annotated[list[str], DBusSignature("as")]
BY_THE_PERSON, BY_THE_PROGRAM = 2, 3
"""Why a notification has closed, as the desktop notifications specification numbers it."""
OWN_KEYS = ("default", "settings")
"""Not buttons of the site: a click on the notification itself, and Chromium's way to its settings."""
BUS = """\
<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:tmpdir=/tmp</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""
"""A session bus that starts nothing by itself, as the system's own would."""


@dataclass(frozen=True)
class Shown:
    """What a browser asked to show. `buttons`: the words on them, to the key that stands for a press."""

    id: int
    title: str
    body: str
    buttons: dict[str, str]
    is_silent: bool
    stays: bool

    def says(self, *words: str) -> bool:
        return all(word in f"{self.title}\n{self.body}" for word in words)


class Daemon(ServiceInterface):
    """The freedesktop.org specification, version 1.2."""

    def __init__(self) -> None:
        super().__init__(NAME)
        self.count = 0
        self.shown: dict[int, Shown] = {}
        self.history: list[Shown] = []

    @dbus_method()
    def GetCapabilities(self) -> Strings:
        return ["actions", "body", "persistence", "sound"]

    @dbus_method()
    def GetServerInformation(self) -> Annotated[list[str], DBusSignature("ssss")]:
        return ["pushlab", "tests", "1", "1.2"]

    @dbus_method()
    def Notify(
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Strings,
        hints: DBusDict,
        timeout: DBusInt32,
    ) -> DBusUInt32:
        if replaces not in self.shown:
            self.count += 1
        number = replaces if replaces in self.shown else self.count
        buttons = {words: key for key, words in zip(actions[::2], actions[1::2], strict=True) if key not in OWN_KEYS}
        silent = "suppress-sound" in hints and bool(hints["suppress-sound"].value)
        stays = timeout == 0 or ("urgency" in hints and hints["urgency"].value == 2)
        self.shown[number] = Shown(number, title, body, buttons, silent, stays)
        self.history.append(self.shown[number])
        return number

    @dbus_method()
    def CloseNotification(self, number: DBusUInt32) -> None:
        if self.shown.pop(number, None):
            self.NotificationClosed(number, BY_THE_PROGRAM)

    @dbus_signal()
    def NotificationClosed(self, number: int, reason: int) -> Annotated[list[int], DBusSignature("uu")]:
        return [number, reason]

    @dbus_signal()
    def ActionInvoked(self, number: int, key: str) -> Annotated[list[int | str], DBusSignature("us")]:
        return [number, key]


class Desktop:
    """`environment` is for the programs that run on it."""

    def __init__(self, background: Background) -> None:
        self._background = background
        with tempfile.NamedTemporaryFile("w", suffix=".conf", encoding="utf-8") as config:
            config.write(BUS)
            config.flush()
            command = ["dbus-daemon", f"--config-file={config.name}", "--nofork", "--print-address"]
            self._bus = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
            address = self._said()
        self.environment = {"DBUS_SESSION_BUS_ADDRESS": address}
        self._daemon = Daemon()
        self._connection = background.run(self._serve(address))

    def _said(self) -> str:
        assert self._bus.stdout is not None
        address = self._bus.stdout.readline().strip()
        assert address, "dbus-daemon says no address"
        return address

    async def _serve(self, address: str) -> MessageBus:
        connection = await MessageBus(bus_address=address, bus_type=BusType.SESSION).connect()
        connection.export("/org/freedesktop/Notifications", self._daemon)
        await connection.request_name(NAME)
        return connection

    def stop(self) -> None:
        self._background.run(self._leave())
        self._bus.terminate()
        self._bus.wait(10)

    async def _leave(self) -> None:
        self._connection.disconnect()

    # --- what tests see and do --------------------------------------------------------------------
    @property
    def shown(self) -> list[Shown]:
        """What is on the screen now."""
        return list(self._daemon.shown.values())

    @property
    def history(self) -> list[Shown]:
        """All that ever was, each replacement by itself."""
        return list(self._daemon.history)

    def shows(self, *words: str, within: float = PATIENCE_SECONDS) -> Shown:
        """Wait for a notification with these words. Says what there is if it does not come."""
        return self.sees(lambda each: each.says(*words), f"a notification that says {words}", within=within)

    def sees(self, wanted: Callable[[Shown], bool], what: str, *, within: float = PATIENCE_SECONDS) -> Shown:
        try:
            return eventually(lambda: next(filter(wanted, self.shown), None), what, within=within)  # type: ignore[return-value]
        except AssertionError as fault:
            raise AssertionError(f"{fault}\nshown: {self.shown}\nearlier: {self.history}") from None

    def press(self, shown: Shown, words: str) -> None:
        """A button of it. The desktop takes the notification away, as desktops do."""
        key = next((key for said, key in shown.buttons.items() if said.startswith(words)), None)
        assert key is not None, f"No button {words!r}: {shown}"
        self._act(shown, key)

    def click(self, shown: Shown) -> None:
        """The notification itself, beside its buttons."""
        self._act(shown, "default")

    def clear(self) -> None:
        """Sweep the screen."""
        for shown in self.shown:
            self._background.run(self._close(shown.id))

    def _act(self, shown: Shown, key: str) -> None:
        self._background.run(self._invoke(shown.id, key))

    async def _invoke(self, number: int, key: str) -> None:
        self._daemon.ActionInvoked(number, key)
        await self._close(number)

    async def _close(self, number: int) -> None:
        self._daemon.shown.pop(number, None)
        self._daemon.NotificationClosed(number, BY_THE_PERSON)
