"""JMESPath with limits, since a short expression can need more time or memory than there is.

`[@,@] | [@,@] | …` doubles its value at every step without copying it, and `to_string(@)` then writes all of it; `join`
repeats a long separator; brackets can nest as deep as Python's stack. Administrators write the expressions, and engines
send the documents.
"""

import time
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from jmespath import Options, compile, exceptions, functions
from jmespath.visitor import TreeInterpreter

from notifications.types import Json

MAX_LENGTH = 500
"""Characters of an expression."""
MAX_DEPTH = 50
"""Levels of an expression."""
MAX_STEPS = 300_000
"""Parts of expressions evaluated for one document, and elements that they build."""
MAX_WEIGHT = 250_000
"""Values of a result, intermediate ones included; CHARACTERS of text count as one."""
CHARACTERS = 16
MAX_SECONDS = 1.0
"""CPU time for one document."""
_LOOK_EVERY = 256

_BUILDS = frozenset(
    {
        "filter_projection",
        "flatten",
        "function_expression",
        "multi_select_dict",
        "multi_select_list",
        "projection",
        "slice",
        "value_projection",
    }
)
"""Parts of an expression that build a new value; the others return an existing one."""


class InvalidExpression(ValueError):
    """Raised for text that is not JMESPath; the message is for the person who typed it."""


class LimitExceeded(Exception):
    """Raised when an expression exceeds a limit; the message says which."""


def check(expression: str) -> None:
    """Raise InvalidExpression with a sentence for the person who typed the expression."""
    if len(expression) > MAX_LENGTH:
        raise InvalidExpression(f"Write at most {MAX_LENGTH} characters.")
    try:
        Evaluation().search(expression, {})
    except (
        exceptions.UnknownFunctionError,
        exceptions.ArityError,
        exceptions.EmptyExpressionError,
        LimitExceeded,
    ) as wrong:
        raise InvalidExpression(str(wrong)) from None
    except exceptions.ParseError as wrong:
        raise InvalidExpression(f"This is not JMESPath: {str(wrong).splitlines()[0]}") from None
    except exceptions.JMESPathError:
        return  # valid JMESPath that needs something an empty document does not have
    except (ValueError, OverflowError, TypeError) as wrong:
        raise InvalidExpression(f"This cannot be evaluated: {wrong}") from None


class Evaluation:
    """Evaluates the expressions of one mapping on one document, with common limits."""

    def __init__(self) -> None:
        self._bounds = _Bounds()
        self._interpreter = _Interpreter(self._bounds)

    def search(self, expression: str, document: Any) -> Any:
        """Return the result. Raises LimitExceeded, JMESPathError, and errors of Python for odd numbers."""
        return self._interpreter.visit(_compiled(expression), document)

    def weigh(self, value: Any) -> None:
        """Raise LimitExceeded for a value with more members than a result may have; shared parts count each time."""
        self._bounds.weigh(value)


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    try:
        parsed = compile(expression).parsed
    except RecursionError:
        raise LimitExceeded(f"The expression has more than {MAX_DEPTH} levels.") from None
    if any(level > MAX_DEPTH for level in _levels(parsed)):
        raise LimitExceeded(f"The expression has more than {MAX_DEPTH} levels.")
    return parsed


def _levels(parsed: Any) -> Iterator[int]:
    """Yield the level of each part. Not recursive, since it looks for deep nesting."""
    waiting = [(parsed, 1)]
    while waiting:
        part, level = waiting.pop()
        yield level
        waiting += [(child, level + 1) for child in part.get("children", ()) if isinstance(child, dict)]


class _Bounds:
    """The steps, time and values that the expressions of one document have used."""

    def __init__(self) -> None:
        self._steps = 0
        self._since = time.thread_time()
        self._weights: dict[int, tuple[int, Any]] = {}
        """Weights by identity, with the object itself, so that its id is not reused meanwhile."""

    def step(self, count: int = 1) -> None:
        before = self._steps
        self._steps += count
        if self._steps > MAX_STEPS:
            raise LimitExceeded(f"It takes more than {MAX_STEPS:,} steps.")
        if before // _LOOK_EVERY != self._steps // _LOOK_EVERY and time.thread_time() - self._since > MAX_SECONDS:
            raise LimitExceeded(f"It takes longer than {MAX_SECONDS:g} s.")

    def built(self, value: Any) -> None:
        if isinstance(value, list | dict):
            self.step(len(value))
        elif isinstance(value, str):
            self.step(len(value) // CHARACTERS)
        self.weigh(value)

    def weigh(self, value: Any) -> None:
        if self._weight(value) > MAX_WEIGHT:
            raise LimitExceeded(f"It builds more than {MAX_WEIGHT:,} values.")

    def _weight(self, value: Any) -> int:
        if isinstance(value, str):
            return 1 + len(value) // CHARACTERS
        if not isinstance(value, list | dict):
            return 1
        cached = self._weights.get(id(value))
        if cached is None:
            members = value.values() if isinstance(value, dict) else value
            names = sum(map(len, value)) // CHARACTERS if isinstance(value, dict) else 0
            cached = self._weights[id(value)] = (1 + names + sum(map(self._weight, members)), value)
        return cached[0]


class _Interpreter(TreeInterpreter):  # type: ignore[misc]  # jmespath has no types
    def __init__(self, bounds: _Bounds) -> None:
        super().__init__(Options(custom_functions=_FUNCTIONS))
        self._bounds = bounds

    def visit(self, node: Any, value: Any) -> Any:
        self._bounds.step()
        result = super().visit(node, value)
        if node["type"] in _BUILDS:
            self._bounds.built(result)
        return result


class _Functions(functions.Functions):  # type: ignore[misc]  # jmespath has no types
    @functions.signature({"types": ["array", "object", "null"]})  # type: ignore[untyped-decorator]
    def _func_by_name(self, variables: Any) -> Json | None:
        """Return variables as engines list them, [{"name", "value"}] or {"name": {"value"}}, as {"name": value}."""
        if isinstance(variables, dict):
            return {name: _value(variable) for name, variable in variables.items()}
        objects = [variable for variable in variables or [] if isinstance(variable, dict)]
        return {
            variable["name"]: _value(variable) for variable in objects if isinstance(variable.get("name"), str)
        } or None

    @functions.signature({"types": ["string"]}, {"types": ["array-string"]})  # type: ignore[untyped-decorator]
    def _func_join(self, separator: str, texts: list[str]) -> str:
        """Join texts, with a limit: only here the result can be longer than the arguments together."""
        length = sum(map(len, texts)) + len(separator) * len(texts)
        if length > MAX_WEIGHT * CHARACTERS:
            raise LimitExceeded(f"It joins more than {MAX_WEIGHT * CHARACTERS:,} characters.")
        return separator.join(texts)


def _value(variable: Any) -> Any:
    return variable["value"] if isinstance(variable, dict) and "value" in variable else variable


_FUNCTIONS = _Functions()
