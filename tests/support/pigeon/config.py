from typing import Any

from wfpush.config.env import Environment


def read(env: Environment, base_url: str) -> dict[str, Any]:
    return {"PIGEONS": env.integer("PIGEONS", default=2, minimum=1)}
