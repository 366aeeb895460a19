"""Push messages: how many a second, alone and with their ledger, how soon a real browser shows one, and how soon
those that work hear of an event while others fail.
"""

import tempfile
from pathlib import Path

from bench import push_mixes, push_path, push_sends, push_shown
from bench.harness import Figure, House
from bench.push_orders import vapid_key
from bench.push_service import Certificates, issue

LOOPBACK = {"PUSH_ALLOWED_CIDRS": "127.0.0.0/8", "PUSH_ALLOWED_HOSTS": "localhost"}


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wfpush-bench-") as folder:
        return _measure(issue(Path(folder)))


def _measure(certificates: Certificates) -> list[Figure]:
    """Those that need the worker first: later it would share the machine with what is measured."""
    own = {"SSL_CERT_FILE": str(certificates.authority), "VAPID_PRIVATE_KEY": vapid_key()}
    with House(settings=LOOPBACK | own) as house:
        shown = [*push_shown.measure(house, certificates), *push_mixes.measure(house, certificates)]
        house.stop_working()
        return [*push_sends.measure(house, certificates), *push_path.measure(house), *shown]
