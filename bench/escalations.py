"""How many steps of policies one worker takes and tells of a second, in batches and one by one."""

from bench.harness import Figure, House

RATE = 500.0
SECONDS = 900.0


def measure() -> list[Figure]:
    with House(works=False) as house:
        rates = house.inside("escalation_steps", within=SECONDS)
    what, ours, singly = "Steps taken and told of by one worker", rates["together"], rates["singly"]
    return [Figure(what, ours, "the same, one by one", singly, "steps/s", f"at least {RATE:g}/s", ours >= RATE)]
