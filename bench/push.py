"""Push messages: how many a second, alone and with their ledger, and how soon a real browser shows one."""

import tempfile
from pathlib import Path

from bench import push_path, push_sends, push_shown
from bench.harness import Figure, House
from bench.push_orders import vapid_key
from bench.push_service import Certificates, issue

LOOPBACK = {"PUSH_ALLOWED_CIDRS": "127.0.0.0/8", "PUSH_ALLOWED_HOSTS": "localhost"}


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wfpush-bench-") as folder:
        return _measure(issue(Path(folder)))


def _measure(certificates: Certificates) -> list[Figure]:
    """The one that needs the worker first: later it would share the machine with what is measured."""
    own = {"SSL_CERT_FILE": str(certificates.authority), "VAPID_PRIVATE_KEY": vapid_key()}
    with House(settings=LOOPBACK | own) as house:
        shown = push_shown.measure(house, certificates)
        house.stop_working()
        return [*push_sends.measure(house, certificates), *push_path.measure(house), *shown]
