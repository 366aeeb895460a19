"""Push messages a second, alone and with their ledger."""

import tempfile
from pathlib import Path

from bench import push_path, push_sends
from bench.harness import Figure, House
from bench.push_orders import vapid_key
from bench.push_service import issue

LOOPBACK = {"PUSH_ALLOWED_CIDRS": "127.0.0.0/8", "PUSH_ALLOWED_HOSTS": "localhost"}


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="wfpush-bench-") as folder:
        certificates = issue(Path(folder))
        own = {"SSL_CERT_FILE": str(certificates.authority), "VAPID_PRIVATE_KEY": vapid_key()}
        with House(works=False, settings=LOOPBACK | own) as house:
            return [*push_sends.measure(house, certificates), *push_path.measure(house)]
