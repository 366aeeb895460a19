"""What happens to the engine and to the mail server, and a burst of somebody else's events."""

from functools import partial
from typing import Any

from tests.soak.fault_table.faults import Fault
from tests.soak.fault_table.stage import Stage
from tests.soak.installation import event

BACK_OFF = 60.0
BURST = 20_000
ONE_TASK = 5_000
"""Of these all are of one task, so that they are one group."""
BATCH = 1_000


def of_engine(stage: Stage) -> list[Fault]:
    engine = stage.receiver
    answer = engine.answer
    part = "invoices"
    return [
        Fault("engine refuses connections", engine.refuse, part, engine.listen, bound=BACK_OFF),
        Fault("engine hangs", engine.hang, part, engine.go_on, bound=BACK_OFF),
        Fault("engine answers 500", partial(answer, 500), part, partial(answer, 204), bound=BACK_OFF),
        Fault("engine answers 401", partial(answer, 401), part, partial(answer, 204), bound=BACK_OFF),
    ]


def of_mail_server(stage: Stage) -> list[Fault]:
    server = stage.mail
    part = r"\bemail|e-mail"

    def reply(text: str) -> None:
        server.data_reply = text

    well = partial(reply, "250 OK")
    how: dict[str, Any] = {"bound": BACK_OFF, "concerns_mail": True}
    later, never = partial(reply, "451 4.3.2 Not now"), partial(reply, "554 5.7.1 No")
    return [
        Fault("mail server refuses connections", server.refuse, part, server.listen, **how),
        Fault("mail server hangs", server.hang, part, server.go_on, **how),
        Fault("mail server answers 451", later, part, well, **how),
        Fault("mail server answers 554", never, part, well, gives_up_mail=True, **how),
    ]


def burst(stage: Stage) -> Fault:
    """The row ends when the backlog is said; the events are processed meanwhile and afterwards."""

    def post() -> None:
        for first in range(0, BURST, BATCH):
            flood = [flooding(number) for number in range(first, first + BATCH)]
            kind = "application/cloudevents-batch+json"
            status, answer = stage.flood.insist("POST", "/api/v1/events", flood, kind=kind)
            assert status == 202, answer
            stage.flooded |= {each["data"]["task"]["id"] for each in flood}

    return Fault(
        f"{BURST} events of another engine", post, r"events wait|oldest_due\S* events", bound=BACK_OFF, quiet_within=900
    )


def flooding(number: int) -> dict[str, Any]:
    """Of engine `orders`, for Fred."""
    task = "F-one" if number < ONE_TASK else f"F-{number}"
    named = {"id": task, "name": f"Order {number}", "kind": "approval", "assignee": "fred"}
    return event(f"f-{number}", source="orders", task=named)
