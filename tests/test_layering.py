"""The arrows of the architecture: which room may import which, read from the sources themselves.

A room is a package of an app, or a module that lies beside the rooms. It may import from its own line of the table and
from those above it. What must reach the other way goes through the `FEATURE` of each app (wfpush/features.py). Names
in strings count as imports: of modules, and of models, permissions, tables and pages by the label of their app.
"""

import ast
import re
from collections.abc import Iterable, Mapping
from graphlib import CycleError, TopologicalSorter

import pytest
from django.conf import settings

from tests.support.modules import OURS, Module, modules, room_of
from wfpush import features

# Lowest first. Each room stands for everything in it.
FLOORS: dict[str, str] = {
    "leaves of the project": (
        "wfpush: concurrency crypto csv_export features identifiers models net numbers postgres security zones"
    ),
    "Redis, and servers of our own": "wfpush: redis embedded",
    "due work, and the environment": "wfpush: queue config",
    "processes": "wfpush: processes",
    "requests": "wfpush: web",
    "numbers and log lines": "wfpush: observability",
    "what Django and django-q2 load by name": "wfpush: apps formats tasks",
    "types, errors": "notifications: types errors channel_facts reasons additions feature_targets fixed_rows",
    "tables": "notifications: models",
    "numbers of events and engines": "notifications: observability",
    "words": "notifications: wording",
    "forms of tasks, files, calendars that are read": "notifications: forms attachments calendar_feeds",
    "what people decide about": "notifications: revisions",
    "what comes in, what people have and want, how it leaves": ("notifications: intake items channels preferences"),
    "people": "notifications: people",
    "tasks and cases, engine kinds": "notifications: cases connectors",
    "routing": "notifications: routing",
    "answers out and in": "notifications: answers delivery",
    "engines": "notifications: engines",
    "what starts it all": (
        "notifications: admin admin_site api apps config_tables feature housekeeping inbox management personal_data "
        "roles signing_in starter tasks urls"
    ),
    "features": (
        "notifications: absences conformance config_files conversation customers insight "
        "provisioning replays retention rotas second_factors sign_on signed_answers transfer"
    ),
    "why steps are taken": "escalations: reasons",
    "time": (
        "escalations: admin api apps calendars clocks compliance feature forecast kinds management models policies"
    ),
    "features of time": "escalations: team_time",
    "features that follow steps, too": "notifications: event_subscriptions",
    "the settings, and what is begun with them": "wfpush: __main__ asgi management settings",
}
LAYERS = {
    title: [f"{app}.{room}" for app, _, rooms in [line.partition(":")] for room in rooms.split()]
    for title, line in FLOORS.items()
}
FEATURES: dict[str, list[str]] = {
    "escalations.team_time": ["notifications.absences"],
    "notifications.absences": [],
    "notifications.conformance": [],
    "notifications.config_files": [],
    "notifications.conversation": [],
    "notifications.customers": ["notifications.conversation"],
    "notifications.event_subscriptions": [],
    "notifications.insight": [],
    "notifications.provisioning": [],
    "notifications.replays": [],
    "notifications.retention": [],
    "notifications.transfer": [],
    "notifications.rotas": [],
    "notifications.sign_on": [],
    "notifications.second_factors": ["notifications.sign_on"],
    "notifications.signed_answers": ["notifications.second_factors"],
}
"""Each feature with the features that it needs: no other module may import it."""
# These know the product by its public API alone.
STRANGERS = ["demo", "bench"]
# These are run by developers, and may import everything; no app imports them.
DEVELOPERS = ["tools", "tests"]
# Except for what makes and removes a data folder, and ends processes with their parent, as `manage.py up` does; and for
# the transport and the clock that are measured by themselves.
KNOWN_TO_STRANGERS = {
    "bench.harness": {
        "wfpush.config.env",
        "wfpush.embedded.datafolder",
        "wfpush.embedded.shared_servers",
        "wfpush.processes.lifeline",
    },
    "bench.day.inside": {
        "notifications.connectors.credentials",
        "notifications.items.ledger_audit",
        "notifications.models",
    },
    # The peer writes the same rows by the ORM.
    "bench.peers.answers.settings": {"wfpush.settings"},
    "bench.peers.answers.views": {"notifications.models"},
    "bench.peers.inboxes.settings": {"wfpush.settings"},
    "bench.peers.inboxes.tasks": {"notifications.models"},
    "bench.escalation_steps": {
        "escalations.clocks.due_steps",
        "escalations.models",
        "escalations.policies.rules",
        "notifications.models",
        "wfpush.processes.garbage",
    },
    "bench.follower_rows": {"notifications.models", "wfpush.crypto"},
    "bench.growth_pages": {"notifications.models"},
    "bench.growth_rows": {"notifications.items.search_index", "notifications.models"},
    "bench.retention_rows": {
        "notifications.models",
        "notifications.retention.erasing",
        "notifications.retention.models",
        "notifications.retention.pruning",
        "wfpush.postgres.bulk",
    },
    "bench.scim_token": {
        "notifications.provisioning",
        "notifications.provisioning.models",
        "notifications.provisioning.tokens",
    },
    "bench.push_sender": {
        "wfpush.processes.garbage",
        "notifications.channels.payload",
        "notifications.channels.webpush.transport",
        "notifications.types",
    },
}

GROUND, SETTINGS = "wfpush", "wfpush.settings"
SAYS = re.compile(r".+\n\nIn: .+\nOut: .+")


def layer_of(module: str) -> int | None:
    """The number of a module's layer; None if its room is not in the table."""
    return next((number for number, rooms in enumerate(LAYERS.values()) if room_of(module) in rooms), None)


def arrows(module: Module, known: Mapping[str, Module]) -> set[str]:
    """The modules of ours that a module imports, or names in strings."""
    return imports(module, known) | set(module.named(known)) - {module.name}


def imports(module: Module, known: Mapping[str, Module]) -> set[str]:
    """The modules of ours that a module imports. `from package import name` means the module of that name, if any."""
    targets = set()
    for target, name in module.imported():
        if target.partition(".")[0] in OURS:
            deeper = f"{target}.{name}"
            targets.add(deeper if deeper in known or layer_of(deeper) != layer_of(target) else target)
    return targets - {module.name}


def developers_modules(module: Module) -> list[str]:
    """What a module imports of DEVELOPERS."""
    return sorted({target for target, _ in module.imported() if target.partition(".")[0] in DEVELOPERS})


def arrows_of_rooms(known: dict[str, Module]) -> dict[str, set[str]]:
    rooms: dict[str, set[str]] = {}
    for module in known.values():
        mine = room_of(module.name)
        rooms.setdefault(mine, set()).update({room_of(target) for target in arrows(module, known)} - {mine})
    return rooms


def circle(graph: dict[str, set[str]]) -> Iterable[str]:
    """Names of which each imports the next, and the last one the first; none if there is no circle."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def backward_arrows(known: dict[str, Module], modules: Iterable[Module] | None = None) -> list[str]:
    titles = list(LAYERS)
    wrong = []
    for module in modules or known.values():
        mine = layer_of(module.name)
        for target in sorted(arrows(module, known)):
            theirs = layer_of(target)
            if mine is not None and theirs is not None and theirs > mine:
                wrong.append(f"{module.name} ({titles[mine]}) imports {target} ({titles[theirs]})")
    return wrong


PRODUCT = modules(OURS)
OUTSIDERS = modules(STRANGERS)
EVERYTHING = PRODUCT | OUTSIDERS | modules(["tools"])


def test_every_room_has_its_place_in_the_table() -> None:
    homeless = {room_of(name) for name in PRODUCT if layer_of(name) is None and name not in OURS}
    gone = {room for rooms in LAYERS.values() for room in rooms if room not in {room_of(name) for name in PRODUCT}}

    assert homeless == set(), "Add these rooms to FLOORS in tests/test_layering.py, each where it belongs."
    assert gone == set()


def test_no_module_imports_from_a_layer_that_builds_on_it() -> None:
    assert backward_arrows(PRODUCT) == []


def test_the_root_packages_import_nothing() -> None:
    assert [name for name in OURS if name in PRODUCT and list(PRODUCT[name].imported())] == []


def test_nothing_but_a_feature_that_needs_it_imports_a_feature() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, module in PRODUCT.items()
        for target in sorted(arrows(module, PRODUCT))
        if name != SETTINGS
        and room_of(target) in FEATURES
        and room_of(target) not in (room_of(name), *FEATURES.get(room_of(name), []))
    ]

    assert wrong == []


def test_only_the_settings_know_what_is_built_on_the_ground() -> None:
    knowing = {
        name
        for name, module in PRODUCT.items()
        for target in arrows(module, PRODUCT)
        if name.partition(".")[0] == GROUND != target.partition(".")[0]
    }

    assert knowing == {SETTINGS}


def test_the_table_has_the_features_of_the_settings() -> None:
    needs = {
        settings.FEATURES[feature.name]: list(feature.needs) for feature in features.installed()[len(settings.CORE) :]
    }

    assert {name: [settings.FEATURES[each] for each in needed] for name, needed in needs.items()} == FEATURES


def test_no_modules_import_each_other_in_a_circle() -> None:
    assert circle({name: arrows(module, PRODUCT) for name, module in PRODUCT.items()}) == []


def test_no_rooms_import_each_other_in_a_circle() -> None:
    assert circle(arrows_of_rooms(PRODUCT)) == []


def test_every_room_says_what_it_holds_and_what_comes_in_and_goes_out() -> None:
    """Except packages whose layout Django prescribes."""
    rooms = [module for name, module in PRODUCT.items() if name.count(".") == 1 and module.package == name]
    asked_for = {f"{app}.management" for app in OURS} | {"wfpush.formats", *FEATURES}

    silent = {room.name for room in rooms if not SAYS.fullmatch(ast.get_docstring(room.tree) or "")}

    assert silent == asked_for & {room.name for room in rooms}


def test_demo_and_bench_know_only_the_public_api() -> None:
    known = {name: imports(module, PRODUCT) - KNOWN_TO_STRANGERS.get(name, set()) for name, module in OUTSIDERS.items()}

    assert {name: targets for name, targets in known.items() if targets} == {}


def test_no_app_imports_what_developers_run() -> None:
    used = {name: developers_modules(module) for name, module in PRODUCT.items()}

    assert {name: targets for name, targets in used.items() if targets} == {}


def test_imports_stand_at_the_top() -> None:
    inside = {name: module.imports_inside_functions() for name, module in EVERYTHING.items()}

    assert {name: lines for name, lines in inside.items() if lines} == {}


GUARD = "notifications.config_files.fixed"
"""The module that listens to Django's own signals: it refuses to save what files own, whoever saves it."""


def test_nobody_else_sends_or_receives_signals() -> None:
    used = {name: module.signals() for name, module in EVERYTHING.items() if name != GUARD}

    assert {name: signals for name, signals in used.items() if signals} == {}


# --- The checks themselves --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        (
            "notifications.models.events",
            "from notifications.routing.route import Match",
            ["notifications.routing.route"],
        ),
        ("notifications.models.events", "from notifications.routing import route", ["notifications.routing.route"]),
        ("notifications.models.events", "from notifications import routing", ["notifications.routing"]),
        ("notifications.models.events", "from ..routing import route", ["notifications.routing.route"]),
        ("notifications.models.events", "from ..routing.route import Match", ["notifications.routing.route"]),
        ("notifications.models.events", "import notifications.api.views", ["notifications.api.views"]),
        ("wfpush.net.http", "from notifications.models import Engine", ["notifications.models"]),
        ("wfpush.net.http", "import wfpush.settings", ["wfpush.settings"]),
        ("notifications.answers.respond", "from escalations.clocks import clock", ["escalations.clocks.clock"]),
        (
            "notifications.routing.pipeline",
            "if TYPE_CHECKING:\n    from notifications.engines.poll import x",
            ["notifications.engines.poll"],
        ),
        ("wfpush.queue.outbox", "import_module('escalations.clocks.clock')", ["escalations.clocks.clock"]),
        ("wfpush.queue.outbox", "import_string('escalations.clocks.clock.observe')", ["escalations.clocks.clock"]),
        ("wfpush.queue.outbox", "get_model('escalations.Escalation')", ["escalations.models"]),
        ("wfpush.queue.outbox", "apps.get_model('escalations', 'Escalation')", ["escalations.models"]),
        ("wfpush.queue.outbox", "rights('escalation', app='escalations')", ["escalations.models"]),
        ("wfpush.queue.outbox", "{'escalations': 1}", []),
        ("wfpush.queue.outbox", "def f():\n  'The rows of escalations.Escalation.'", []),
        ("notifications.roles", "user.has_perm(f'escalations.view_{name}')", ["escalations.models"]),
        ("notifications.roles", "query('SELECT 1 FROM escalations_escalation e')", ["escalations.models"]),
        ("notifications.roles", "reverse('admin:escalations_policy_changelist')", ["escalations.models"]),
        ("notifications.roles", "query('escalations_in_words')", []),
        ("notifications.roles", "reverse('rotas:duty')", ["notifications.rotas.models"]),
        ("notifications.models.events", "ForeignKey('notifications.Engine')", []),
        (
            "notifications.routing.pipeline",
            "from notifications.routing.route import Match\nfrom wfpush.queue import x",
            [],
        ),
        ("notifications.api.views", "from notifications.inbox import cards", []),
        ("escalations.kinds.notify", "from notifications.routing.pipeline import notify", []),
    ],
)
def test_an_arrow_that_runs_back_is_found(name: str, source: str, found: list[str]) -> None:
    module = Module(name, source)

    wrong = backward_arrows(PRODUCT, [module])

    assert [line.split(" imports ")[1].split(" ")[0] for line in wrong] == found


def test_a_new_room_is_not_in_the_table() -> None:
    assert layer_of("notifications.brand_new") is None
    assert layer_of("wfpush.brand_new.module") is None
    assert layer_of("notifications.models.brand_new") == layer_of("notifications.models")


def test_a_circle_of_rooms_is_found() -> None:
    first = Module("wfpush.net.a", "from wfpush.web import b")
    second = Module("wfpush.web.b", "from wfpush.net import c")
    third = Module("wfpush.net.c", "")
    known = {module.name: module for module in (first, second, third)}

    assert circle({name: arrows(module, known) for name, module in known.items()}) == []
    assert set(circle(arrows_of_rooms(known))) == {"wfpush.net", "wfpush.web"}


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


def test_a_developers_module_in_the_product_is_found() -> None:
    assert developers_modules(Module("notifications.x", "from tools.messages import messages")) == ["tools.messages"]
    assert developers_modules(Module("notifications.x", "from tests.support import api")) == ["tests.support"]
    assert developers_modules(Module("notifications.x", "import toolsmith")) == []


def test_an_import_inside_a_function_is_found_by_its_line() -> None:
    source = "import os\ndef b():\n    import sys\nclass A:\n  async def c(self):\n    if os:\n      from a import d\n"

    assert Module("notifications.x", source).imports_inside_functions() == [3, 7]
