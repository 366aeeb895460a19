"""The arrows of the architecture: who may import whom, read from the sources themselves.

A module may import from its own layer and from those above it in the table. What must reach the other way goes through
the registries of `notifications/lifecycle.py` and `wfpush/outbox.py`.
"""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# Lowest first. A package stands for everything in it that is not listed by itself.
LAYERS: dict[str, list[str]] = {
    "leaf helpers of the project": [
        "wfpush.addresses",
        "wfpush.announce",
        "wfpush.appworks",
        "wfpush.background",
        "wfpush.breaker",
        "wfpush.bodylimit",
        "wfpush.pointers",
        "wfpush.broker",
        "wfpush.cancellation",
        "wfpush.channel_layer",
        "wfpush.checks",
        "wfpush.children",
        "wfpush.proxies",
        "wfpush.crypto",
        "wfpush.datafolder",
        "wfpush.dispatcher",
        "wfpush.embedded",
        "wfpush.embedded_servers",
        "wfpush.env",
        "wfpush.firebase",
        "wfpush.formats",
        "wfpush.handler",
        "wfpush.holder",
        "wfpush.http",
        "wfpush.http_checks",
        "wfpush.identifiers",
        "wfpush.lifeline",
        "wfpush.lead",
        "wfpush.logging",
        "wfpush.lost_secrets",
        "wfpush.metrics",
        "wfpush.models",
        "wfpush.outage",
        "wfpush.outbox",
        "wfpush.p256",
        "wfpush.places",
        "wfpush.postgres",
        "wfpush.pooling",
        "wfpush.ports",
        "wfpush.push_hosts",
        "wfpush.presence",
        "wfpush.quiet",
        "wfpush.problems",
        "wfpush.nul",
        "wfpush.redaction",
        "wfpush.related",
        "wfpush.schema",
        "wfpush.service_accounts",
        "wfpush.startup",
        "wfpush.subscription",
        "wfpush.tallies",
        "wfpush.tasks",
        "wfpush.threads",
        "wfpush.ticker",
        "wfpush.together",
        "wfpush.vapid",
        "wfpush.watchdog",
        "wfpush.worker",
        "wfpush.zones",
    ],
    "types, errors": [
        "notifications.types",
        "notifications.errors",
        "notifications.strictjson",
        "notifications.variable_names",
    ],
    "models": ["notifications.models"],
    "what many verbs share": [
        "notifications.absence",
        "notifications.access",
        "notifications.cloudevents",
        "notifications.colours",
        "notifications.credentials",
        "notifications.directory",
        "notifications.escalated",
        "notifications.eventdata",
        "notifications.expressions",
        "notifications.formats",
        "notifications.labels",
        "notifications.languages",
        "notifications.outcomes",
        "notifications.plaintext",
        "notifications.lifecycle",
        "notifications.links",
        "notifications.live",
        "notifications.mapping",
        "notifications.people",
        "notifications.representation",
        "notifications.roles",
        "notifications.signing",
        "notifications.times",
        "notifications.unconnected",
        "notifications.useragent",
        "notifications.visible",
        "notifications.words",
    ],
    "connectors, transports": ["notifications.connectors", "notifications.transports"],
    "route, render, deliver": [
        "notifications.addressing",
        "notifications.audit",
        "notifications.casework",
        "notifications.claims",
        "notifications.copies",
        "notifications.deliver",
        "notifications.devices",
        "notifications.farewells",
        "notifications.landing",
        "notifications.ledger",
        "notifications.liquid",
        "notifications.liquid_filters",
        "notifications.message",
        "notifications.template_check",
        "notifications.trial",
        "notifications.parcels",
        "notifications.password_places",
        "notifications.pauses",
        "notifications.planning",
        "notifications.push",
        "notifications.render",
        "notifications.rooms",
        "notifications.route",
        "notifications.guessing",
        "notifications.signing_in",
        "notifications.standing",
        "notifications.health",
        "notifications.tokens",
        "notifications.sensitive",
        "notifications.versions",
        "notifications.writing",
    ],
    "pipeline": ["notifications.pipeline"],
    "ingest, respond, callback": [
        "notifications.accounts",
        "notifications.answer_body",
        "notifications.answer_variables",
        "notifications.callback",
        "notifications.again",
        "notifications.engine_replies",
        "notifications.engine_trial",
        "notifications.four_eyes",
        "notifications.engine_truth",
        "notifications.poll",
        "notifications.ingest",
        "notifications.person_variables",
        "notifications.respond",
    ],
    "tasks, api, inbox, admin, consumers": [
        "notifications.admin",
        "notifications.api",
        "notifications.apps",
        "notifications.consumers",
        "notifications.housekeeping",
        "notifications.inbox",
        "notifications.management",
        "notifications.sockets",
        "notifications.starter",
        "notifications.tasks",
    ],
    "escalations": ["escalations"],
    "the project itself": [
        "wfpush.admin",
        "wfpush.apps",
        "wfpush.asgi",
        "wfpush.management",
        "wfpush.settings",
        "wfpush.urls",
        "wfpush.web",
    ],
}
# These know the product by its public API alone.
STRANGERS = ["demo", "bench"]
# Except for what makes and removes a data folder, and ends processes with their parent, as `manage.py up` does; and for
# the transport and the clock that are measured by themselves.
KNOWN_TO_STRANGERS = {
    "bench.harness": {"wfpush.datafolder", "wfpush.embedded", "wfpush.env", "wfpush.lifeline"},
    "bench.escalation_clock": {"escalations.calendars", "escalations.escalate", "wfpush.outbox"},
    "bench.escalation_rows": {"escalations.models", "escalations.rules", "notifications.models"},
    "bench.push_sender": {
        "wfpush.dispatcher",
        "notifications.transports.payload",
        "notifications.transports.webpush",
        "notifications.types",
    },
}

OURS = ["wfpush", "notifications", "escalations"]
SIGNALS = {"receiver", "Signal"}


class Module:
    """One source file: its dotted name and what it imports."""

    def __init__(self, name: str, source: str, is_package: bool = False) -> None:
        self.name = name
        self.package = name if is_package else name.rpartition(".")[0]
        self.tree = ast.parse(source)

    def imported(self) -> Iterator[tuple[str, str]]:
        """(module, name taken from it or "") for every import, relative ones resolved, those for typing included."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from ((alias.name, "") for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield from ((self._absolute(node), alias.name) for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        base = self.package.split(".")[: len(self.package.split(".")) - node.level + 1] if node.level else []
        return ".".join([*base, *([node.module] if node.module else [])])

    def imports_inside_functions(self) -> list[int]:
        """Line numbers."""
        functions = [node for node in ast.walk(self.tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        inner = [node for function in functions for node in ast.walk(function)]
        return sorted({node.lineno for node in inner if isinstance(node, ast.Import | ast.ImportFrom)})

    def signals(self) -> list[str]:
        return [
            f"{module}.{name}".rstrip(".")
            for module, name in self.imported()
            if module.rpartition(".")[2] == "signals" or name == "signals" or name in SIGNALS
        ]


def modules(packages: list[str]) -> dict[str, Module]:
    found = {}
    for package in packages:
        for file in sorted((ROOT / package).rglob("*.py")):
            parts = list(file.relative_to(ROOT).with_suffix("").parts)
            if "migrations" in parts:
                continue
            is_package = parts[-1] == "__init__"
            name = ".".join(parts[:-1] if is_package else parts)
            found[name] = Module(name, file.read_text(encoding="utf-8"), is_package)
    return found


def layer_of(module: str) -> int | None:
    """The number of a module's layer; None if neither it nor a package around it is in the table."""
    while "." in module or module in LAYERS["escalations"]:
        for number, members in enumerate(LAYERS.values()):
            if module in members:
                return number
        module = module.rpartition(".")[0]
    return None


def arrows(module: Module, known: dict[str, Module]) -> set[str]:
    """The modules of ours that a module imports. `from package import name` means the module of that name, if any."""
    targets = set()
    for target, name in module.imported():
        if target.partition(".")[0] in OURS:
            deeper = f"{target}.{name}"
            targets.add(deeper if deeper in known or layer_of(deeper) != layer_of(target) else target)
    return targets - {module.name}


def backward_arrows(known: dict[str, Module]) -> list[str]:
    titles = list(LAYERS)
    wrong = []
    for module in known.values():
        mine = layer_of(module.name)
        for target in sorted(arrows(module, known)):
            theirs = layer_of(target)
            if mine is not None and theirs is not None and theirs > mine:
                wrong.append(f"{module.name} ({titles[mine]}) imports {target} ({titles[theirs]})")
    return wrong


PRODUCT = modules(OURS)
OUTSIDERS = modules(STRANGERS)
EVERYTHING = PRODUCT | OUTSIDERS


def test_every_module_has_its_place_in_the_table() -> None:
    homeless = [name for name in PRODUCT if layer_of(name) is None and name not in OURS]

    assert homeless == [], "Add these modules to LAYERS in tests/test_layering.py, each where it belongs."


def test_no_module_imports_from_a_layer_that_builds_on_it() -> None:
    assert backward_arrows(PRODUCT) == []


def test_the_root_packages_import_nothing() -> None:
    assert [name for name in OURS if name in PRODUCT and list(PRODUCT[name].imported())] == []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: arrows(module, PRODUCT) for name, module in PRODUCT.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_demo_and_bench_know_only_the_public_api() -> None:
    known = {name: arrows(module, PRODUCT) - KNOWN_TO_STRANGERS.get(name, set()) for name, module in OUTSIDERS.items()}

    assert {name: targets for name, targets in known.items() if targets} == {}


def test_imports_stand_at_the_top() -> None:
    inside = {name: module.imports_inside_functions() for name, module in EVERYTHING.items()}

    assert {name: lines for name, lines in inside.items() if lines} == {}


def test_nobody_sends_or_receives_signals() -> None:
    used = {name: module.signals() for name, module in EVERYTHING.items()}

    assert {name: signals for name, signals in used.items() if signals} == {}


# --- The checks themselves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("notifications.models.events", "from notifications.route import Match", ["notifications.route"]),
        ("notifications.models.events", "from notifications import route", ["notifications.route"]),
        ("notifications.models.events", "from .. import route", ["notifications.route"]),
        ("notifications.models.events", "from ..route import Match", ["notifications.route"]),
        ("notifications.models.events", "import notifications.api.views", ["notifications.api.views"]),
        ("wfpush.http", "from notifications.models import Engine", ["notifications.models"]),
        ("wfpush.http", "import wfpush.settings", ["wfpush.settings"]),
        ("notifications.respond", "from escalations import clock", ["escalations"]),
        (
            "notifications.pipeline",
            "if TYPE_CHECKING:\n    from notifications.ingest import x",
            ["notifications.ingest"],
        ),
        ("notifications.pipeline", "from notifications.route import Match\nfrom wfpush import outbox", []),
        ("notifications.api.views", "from notifications.inbox import cards", []),
        ("escalations.steps", "from notifications.pipeline import notify", []),
    ],
)
def test_an_arrow_that_runs_back_is_found(name: str, source: str, found: list[str]) -> None:
    module = Module(name, source)

    wrong = backward_arrows({name: module})

    assert [line.split(" imports ")[1].split(" ")[0] for line in wrong] == found


def test_a_new_module_is_not_in_the_table() -> None:
    assert layer_of("notifications.brand_new") is None
    assert layer_of("wfpush.brand_new") is None
    assert layer_of("notifications.models.brand_new") == layer_of("notifications.models")


@pytest.mark.parametrize(
    "source",
    [
        "from django.dispatch import receiver",
        "from django.db.models.signals import post_save",
        "from django.db.models import signals",
        "import django.core.signals",
        "from django.dispatch import Signal",
    ],
)
def test_a_signal_is_found(source: str) -> None:
    assert Module("notifications.x", source).signals()
    assert not Module("notifications.x", "import signal\nfrom signal import SIGTERM").signals()


def test_an_import_inside_a_function_is_found_by_its_line() -> None:
    source = "import os\ndef b():\n    import sys\nclass A:\n  async def c(self):\n    if os:\n      from a import d\n"

    assert Module("notifications.x", source).imports_inside_functions() == [3, 7]
