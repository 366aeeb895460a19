"""PATCH as identity providers send it: beside the RFC in a few ways that scim2-models does not read."""

from collections.abc import Iterator
from typing import Any, TypeVar

from scim2_models import Context, InvalidSyntaxException, InvalidValueException, PatchOp, Resource

from notifications.provisioning.schemas import message_of

R = TypeVar("R", bound=Resource[Any])
READ_ONLY = ("id", "meta", "schemas")
MAX_OPERATIONS = 1_000


def apply(resource: R, payload: Any) -> bool:
    """Apply the operations of a PATCH to the resource, all or none. Return whether it has changed.

    Raises SCIMException and pydantic's ValidationError.
    """
    operations = payload.get("Operations") if isinstance(payload, dict) else None
    if not isinstance(operations, list):
        raise InvalidSyntaxException(detail="Send a PatchOp with a list of Operations.")
    if len(operations) > MAX_OPERATIONS:
        raise InvalidValueException(detail=f"A request can have {MAX_OPERATIONS:,} operations. Send fewer at a time.")
    usual = [part for operation in operations for part in _usual(operation)]
    if not usual:
        return False
    model, sent = message_of(PatchOp, type(resource)), {**payload, "Operations": usual}
    patch = model.model_validate(sent, scim_ctx=Context.RESOURCE_PATCH_REQUEST)
    return bool(patch.patch(resource))


def _usual(operation: Any) -> Iterator[Any]:
    """Yield the operation as the RFC has it. Okta repeats the id in the value; Entra ID writes paths with filters as
    keys of a value, and lists what it removes with empty references."""
    if isinstance(operation, dict) and str(operation.get("op")).lower() == "remove" and operation.get("path"):
        yield {**operation, **({"value": _selected(operation["value"])} if "value" in operation else {})}
        return
    if not isinstance(operation, dict) or operation.get("path") or not isinstance(operation.get("value"), dict):
        yield operation
        return
    value = {name: part for name, part in operation["value"].items() if name.lower() not in READ_ONLY}
    plain = {name: part for name, part in value.items() if "[" not in name}
    if plain:
        yield {**operation, "value": plain}
    for name, part in value.items():
        if name not in plain:
            yield {**operation, "path": name, "value": part}


def _selected(value: Any) -> Any:
    """Return what a removal selects: entries by their `value` alone, if they have one."""
    if isinstance(value, list):
        return [_selected(entry) for entry in value]
    return {"value": value["value"]} if isinstance(value, dict) and value.get("value") else value
