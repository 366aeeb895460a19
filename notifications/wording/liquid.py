"""Liquid for administrators: a small, bounded language on plain JSON.

python-liquid's own limits have gaps. A range or a list can be filtered whatever its size, and consecutive loops are not
added up. `replace` and `times` grow without limit, and the lexer needs seconds for a tag that is never closed. Here
every template has a maximum length, number of loop rounds, size of values and CPU time. Tags and filters that are not
listed do not exist: no loaders, includes, `safe`, HTML escaping or the server's clock.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from io import StringIO
from typing import Any, NamedTuple, TextIO

from django.utils.translation import gettext as _
from liquid import BoundTemplate, Environment, Mode, RenderContext, Token
from liquid.ast import Node
from liquid.builtin import content, illegal, output
from liquid.builtin.expressions import FilteredExpression
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.builtin.tags import (
    assign_tag,
    capture_tag,
    case_tag,
    comment_tag,
    for_tag,
    if_tag,
    inline_comment_tag,
    unless_tag,
)
from liquid.exceptions import (
    LiquidError,
    LiquidInterrupt,
    LoopIterationLimitError,
    OutputStreamLimitError,
    ResourceLimitError,
    StopRender,
    UnknownFilterError,
)
from liquid.expression import Expression
from liquid.output import LimitedStringIO
from liquid.undefined import UNDEFINED, Undefined
from liquid.utils import ReadOnlyChainMap

from notifications.errors import RenderError
from notifications.types import Json
from notifications.wording import directions, liquid_filters

MAX_SOURCE = 10_000
"""Characters of a template."""

MAX_ROUNDS = 1_000
"""Loop rounds of one rendering, all loops together."""

MAX_OUTPUT = 256 * 1024
"""Bytes of output; texts are cut to their own, smaller lengths afterwards."""

MAX_SECONDS = 0.5
"""CPU time of one thread, which the load of other threads does not change."""

ASKED_EVERY = 0.05
"""Seconds for which a reading of a thread's processor time is used."""

_SPACES_IN_TAG = re.compile(r"\{[{%]-?\s{100}")
_JSON = (dict, list, str, int, float, bool)


class Missing(Undefined):
    """A variable that does not exist, or is null: empty for conditions and `default`; printed as “—” with a warning."""

    __slots__ = ("missed",)

    def __init__(
        self, name: str, *, token: Token | None = None, obj: object = UNDEFINED, hint: str | None = None
    ) -> None:
        super().__init__(name, token=token, obj=obj, hint=hint)
        self.missed: list[str] = []

    def __str__(self) -> str:
        if self.name not in self.missed:
            self.missed.append(self.name)
        return liquid_filters.MISSING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Undefined) or other is None

    __hash__ = Undefined.__hash__


class FilledText(NamedTuple):
    """A rendered text. `missing` are names of variables that did not exist, `odd` describes values with which filters
    could not compute; the text has “—” in their places."""

    text: str
    missing: list[str]
    odd: list[str]


class _Thread(threading.local):
    """The processor time of this thread, without a system call for each rendering."""

    read_at = float("-inf")
    used = 0.0

    def time_by(self, now: float) -> float:
        """Return the time used, or at most ASKED_EVERY more: no thread uses more than the time that passes."""
        if now - self.read_at > ASKED_EVERY:
            self.read_at, self.used = now, time.thread_time()
        return self.used + (now - self.read_at)


_thread = _Thread()


class Context(RenderContext):
    """One rendering: looks up in dictionaries and lists only, and counts rounds and time."""

    __slots__ = ("deadline", "earliest", "missed", "odd", "place", "right_to_left", "rounds")

    def __init__(self, template: BoundTemplate, data: Json, place: liquid_filters.Place) -> None:
        super().__init__(template, globals=data)
        self.scope = ReadOnlyChainMap(self.locals, data)
        self.place = place
        self.right_to_left = directions.runs_right_to_left(place.locale)
        self.missed: list[str] = []
        self.odd: dict[str, liquid_filters.OddNumber] = {}
        self.rounds = 0
        now = time.monotonic()
        self.earliest = now + MAX_SECONDS
        self.deadline = _thread.time_by(now) + MAX_SECONDS

    def check_time(self) -> None:
        """Raise an error past the deadline. Processor time is slow to read, and at most the elapsed time."""
        if time.monotonic() > self.earliest and time.thread_time() > self.deadline:
            raise ResourceLimitError("the template takes too long", token=None)

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        self.check_time()
        member: object = self.scope.get(path[0]) if isinstance(path[0], str) else None
        for name in path[1:]:
            member = self.get_item(member, name)
        if member is None:
            return self._missing(path) if default is UNDEFINED else default
        return member

    def get_item(self, obj: Any, key: Any) -> Any:
        """Return a member, an item, or Liquid's `size`, `first` and `last`; None for anything else."""
        if isinstance(obj, dict | for_tag.ForLoop) and isinstance(key, str) and key in obj:
            member = obj[key]
            return member if isinstance(member, _JSON) or isinstance(obj, for_tag.ForLoop) else None
        if isinstance(obj, list | tuple) and isinstance(key, int) and not isinstance(key, bool):
            return obj[key] if -len(obj) <= key < len(obj) else None
        if key == "size" and isinstance(obj, list | tuple | dict | str):
            return len(obj)
        if isinstance(obj, list | tuple) and obj and key in ("first", "last"):
            return obj[0 if key == "first" else -1]
        return None

    def _missing(self, path: list[object]) -> Missing:
        missing = Missing(".".join(str(name) for name in path))
        missing.missed = self.missed
        return missing

    def filter(self, name: str, token: Token | None) -> Callable[..., object]:
        self.check_time()
        function = super().filter(name, token)

        def call(*operands: Any, **options: Any) -> object:
            try:
                return function(*operands, **options)
            except liquid_filters.OddNumber as fault:
                fault.token = token
                self.odd.setdefault(str(fault.args[0]), fault)
                return Missing(name)

        return call

    def assign(self, key: str, val: Any) -> None:
        self.check_time()
        super().assign(key, val)

    def raise_for_loop_limit(self, length: int = 1) -> None:
        """Count the rounds of a loop as it begins: nested and consecutive loops all count."""
        self.rounds += length
        if self.rounds > MAX_ROUNDS:
            raise LoopIterationLimitError(f"more than {MAX_ROUNDS} loop rounds", token=None)


class Buffer(LimitedStringIO):
    """Counts bytes of output, without encoding ASCII text."""

    def write(self, text: str) -> int:
        self.size += len(text) if text.isascii() else len(text.encode())
        if self.size > self.limit:
            raise OutputStreamLimitError("output stream limit reached", token=None)
        return StringIO.write(self, text)


class OutputNode(output.OutputNode):
    """Prints values as people write them."""

    __slots__ = ()

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        text = liquid_filters.shown(self.expression.evaluate(context))
        right_to_left = isinstance(context, Context) and context.right_to_left
        return buffer.write(directions.marked(text, right_to_left=right_to_left))


class Output(output.Output):
    node_class = OutputNode


class CappedStop(Expression):
    """The end of a range. Refused when the range has more rounds than a template may take."""

    __slots__ = ("start", "stop")

    def __init__(self, literal: RangeLiteral) -> None:
        super().__init__(literal.token)
        self.start, self.stop = literal.start, literal.stop

    def __str__(self) -> str:
        return str(self.stop)

    def evaluate(self, context: RenderContext) -> object:
        start, stop = (liquid_filters.whole_number(each.evaluate(context)) for each in (self.start, self.stop))
        if stop - start >= MAX_ROUNDS:
            raise LoopIterationLimitError(f"a range of more than {MAX_ROUNDS} numbers", token=self.token)
        return stop

    def children(self) -> list[Expression]:
        return [self.stop]


TAGS = (
    content.Literal, Output, illegal.Illegal,
    if_tag.IfTag, unless_tag.UnlessTag, case_tag.CaseTag,
    for_tag.ForTag, for_tag.BreakTag, for_tag.ContinueTag,
    assign_tag.AssignTag, capture_tag.CaptureTag,
    comment_tag.CommentTag, inline_comment_tag.InlineCommentTag,
)  # fmt: skip


class Sandbox(Environment):
    block_nesting_limit = 20
    context_depth_limit = 20
    loop_iteration_limit = MAX_ROUNDS
    local_namespace_limit = MAX_OUTPUT
    output_stream_limit = MAX_OUTPUT

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        for tag in TAGS:
            self.add_tag(tag)
        for name, function in liquid_filters.FILTERS.items():
            self.add_filter(name, function)


_sandbox = Sandbox(tolerance=Mode.STRICT, undefined=Missing, strict_filters=True, autoescape=False)


@lru_cache(maxsize=1024)
def parse(source: str) -> BoundTemplate:
    """Return the template, to be rendered any number of times. Raises RenderError with the line of the mistake."""
    if len(source) > MAX_SOURCE:
        raise RenderError(_("The text is longer than %(limit)d characters.") % {"limit": MAX_SOURCE})
    # The lexer needs quadratic time for the text after these two.
    for opened, closed in (("{{", "}}"), ("{%", "%}")):
        if source.rfind(opened) > source.rfind(closed):
            raise RenderError(
                _("The last %(opened)s is never closed by %(closed)s.") % {"opened": opened, "closed": closed}
            )
    if _SPACES_IN_TAG.search(source):
        raise RenderError(_("There are more than 100 spaces after {{ or {%."))
    try:
        template = _sandbox.from_string(source)
        for expression in expressions_of(template):
            _prepare(expression)
    except (LiquidError, LiquidInterrupt, RecursionError) as fault:
        raise RenderError(explained(fault, source)) from fault
    return template


def _prepare(expression: Expression) -> None:
    if isinstance(expression, RangeLiteral):
        expression.stop = CappedStop(expression)
    if isinstance(expression, FilteredExpression):
        for each in expression.filters or []:
            if each.name not in liquid_filters.FILTERS:
                raise UnknownFilterError(f"there is no filter “{each.name}”", token=each.token)


def render(source: str, data: Json, place: liquid_filters.Place) -> FilledText:
    """Return the rendered text, and why it contains “—”. Raises RenderError."""
    template = parse(source)
    context = Context(template, data, place)
    buffer = Buffer(MAX_OUTPUT)
    try:
        template.render_with_context(context, buffer)
    except StopRender:
        pass
    except OutputStreamLimitError as fault:
        raise RenderError(_("The text comes out longer than %(limit)d KiB.") % {"limit": MAX_OUTPUT // 1024}) from fault
    except Exception as fault:  # a filter may fail on any value; no template may stop the worker
        raise RenderError(explained(fault, source)) from fault
    odd = [explained(fault, source).removesuffix(".") for fault in context.odd.values()]
    return FilledText(buffer.getvalue(), context.missed, odd)


def explained(fault: BaseException, source: str) -> str:
    """Return the error's message, with its line in the text."""
    token = fault.token if isinstance(fault, LiquidError) else None
    message = str(fault.args[0]) if fault.args else type(fault).__name__
    if RecursionError in (type(fault), type(fault.__cause__)):
        message = _("too deeply nested")
    line = source.count("\n", 0, token.start_index) + 1 if token is not None and token.start_index >= 0 else None
    if line is not None:
        return _("Line %(line)d: %(message)s.") % {"line": line, "message": message}
    return f"{message[:1].upper()}{message[1:]}."


def expressions_of(template: BoundTemplate) -> Iterator[Expression]:
    """Yield every expression of a template, inner ones included."""
    context = RenderContext(template)
    nodes: list[Node] = list(template.nodes)
    while nodes:
        node = nodes.pop()
        nodes.extend(node.children(context, include_partials=False))
        waiting = list(node.expressions())
        while waiting:
            expression = waiting.pop()
            yield expression
            waiting.extend(expression.children())
