"""`manage.py send_test REF`: send a test message to a person's devices, and print the result for each."""

import time
from argparse import ArgumentTypeError
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from notifications.delivery import device_test
from notifications.models import Device, Recipient

LOOK_SECONDS = 0.1


class Command(BaseCommand):
    help = "Send a test message to all devices of a person, or to one, and tell what became of it. The worker must run."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("ref", help="the name engines use for the person")
        parser.add_argument("--device", metavar="ID", type=_device_id, help="this device only; ids are on the desk")
        parser.add_argument(
            "--wait", metavar="SECONDS", type=float, default=30.0, help="how long to wait for the worker; default: 30"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        devices = _devices(options["ref"], options["device"])
        for device in devices:
            device_test.ask(device, timezone.now())
        end = time.monotonic() + options["wait"]
        while device_test.still_waiting(devices) and time.monotonic() < end:
            time.sleep(LOOK_SECONDS)
        outcomes = [(device, *_outcome(device)) for device in devices]
        for device, _arrived, words in outcomes:
            self.stdout.write(f"{device.name} ({device.pk}): {words}")
        failed = sum(not arrived for _device, arrived, _words in outcomes)
        if failed:
            raise CommandError(f"{failed} of {len(devices)} did not get the message.")


def _device_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is no id of a device, such as 01a21062-53e4-7282-b2a7-c5c4818a655f"
        ) from None


def _devices(ref: str, device_id: UUID | None) -> list[Device]:
    """Return the person's devices, or the one with this id. Raises CommandError."""
    person = _person(ref)
    devices = list(Device.objects.filter(recipient=person).order_by("pk"))
    if not devices:
        raise CommandError(
            f"{person} has no device. Notifications are turned on at /devices, in the browser that is to show them."
        )
    if device_id is None:
        return devices
    matches = [device for device in devices if device.pk == device_id]
    if not matches:
        theirs = ", ".join(f"{device.name} ({device.pk})" for device in devices)
        raise CommandError(f"{person} has no such device. There are: {theirs}")
    return matches


def _person(ref: str) -> Recipient:
    """Return the internal person, else the only external one with that ref. Raises CommandError."""
    people = list(Recipient.objects.filter(ref=ref).select_related("engine"))
    internal = [person for person in people if not person.external]
    if not people:
        raise CommandError(f"Nobody is called {ref!r}.")
    if not internal and len(people) > 1:
        engines = ", ".join(str(person.engine) for person in people)
        raise CommandError(f"Several engines have somebody called {ref!r}: {engines}. Use the desk: Devices.")
    person = (internal or people)[0]
    if not person.present:
        raise CommandError(f"{person} is not active, and is told nothing.")
    return person


def _outcome(device: Device) -> tuple[bool, str]:
    """Return whether the push service took the message, and a sentence about it."""
    now = Device.objects.filter(pk=device.pk).first()
    if now is None:
        return False, "it is gone there: the subscription has ended, and the device was removed"
    if now.due_at is None:
        return (False, now.last_fault) if now.last_fault else (True, "its push service has the message")
    if now.lease_token is not None:
        return False, "not yet: its push service has not answered"
    return False, "nobody has sent it: does `manage.py worker` run, and does /readyz say that all is well?"
