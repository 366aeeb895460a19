"""Logging through structlog for our own code and the libraries', with request and event ids, without secrets."""

import logging
import sys
import threading
import traceback
from contextlib import suppress
from types import TracebackType
from typing import Any

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from wfpush.security.redaction import redact, redact_text

MAX_REASON = 200
"""The most characters of the reason for a refusal, which may repeat text of the request's sender."""

# Libraries whose loggers come with handlers, levels or formats of their own.
_OPINIONATED = ("django", "django.server", "django-q", "aiohttp", "channels")

# Loggers for DEBUG only: django-q2 logs three lines a task, with a task every few seconds; httpx a line for every app
# message, daphne several for every start.
_TALKATIVE = ("django-q", "httpx", "daphne")


def configure(level: str, fmt: str) -> dict[str, Any]:
    """Set up structlog and return the value of Django's LOGGING.

    `level` is a level's name, `fmt` is "console" or "json". Lines go to stderr, so stdout has only a command's own
    output. Uncaught errors are logged too, instead of being printed past the redaction.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_logger_name,
            *_common(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        cache_logger_on_first_use=True,
    )
    quieter = "WARNING" if level == "INFO" else level
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "redacted": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": [
                    structlog.contextvars.merge_contextvars,
                    structlog.stdlib.add_logger_name,
                    *_common(),
                ],
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    redact_event,
                    _renderer(fmt),
                ],
            }
        },
        "filters": {"client_errors": {"()": ClientErrors}},
        "handlers": {"stderr": {"()": QuietStreamHandler, "formatter": "redacted", "filters": ["client_errors"]}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {
            **{name: {"handlers": [], "level": "NOTSET", "propagate": True} for name in _OPINIONATED},
            **{name: {"handlers": [], "level": quieter, "propagate": True} for name in _TALKATIVE},
        },
    }


def redact_event(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Remove secrets from every value of a line, the traceback's text included. A structlog processor."""
    return dict(redact(event))


class ClientErrors(logging.Filter):
    """Leaves out Django's own record of an answer of 4xx, with its traceback. Its message becomes the `reason` of the
    request's line (`wfpush.web.middleware`)."""

    def filter(self, record: logging.LogRecord) -> bool:
        status = getattr(record, "status_code", None)
        if not record.name.startswith("django.") or status is None or not 400 <= status < 500:
            return True
        if record.exc_info or record.name.startswith("django.security"):  # other records come after the request's line
            structlog.contextvars.bind_contextvars(reason=record.getMessage()[:MAX_REASON])
        return False


class QuietStreamHandler(logging.StreamHandler):  # type: ignore[type-arg]  # not generic at run time
    """Writes to stderr. A record that cannot be formatted is reported without its arguments.

    Lines are dropped if stderr is closed, as after the death of `manage.py up`: logging raises nothing.
    """

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def handleError(self, record: logging.LogRecord) -> None:
        kind = sys.exc_info()[0]
        name = kind.__name__ if kind else "error"
        with suppress(OSError):
            self.stream.write(f"A log record of {record.name} ({record.pathname}:{record.lineno}) failed: {name}\n")


def _common() -> list[Processor]:
    return [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,  # to text, so that redaction sees it
        structlog.processors.UnicodeDecoder(),
    ]


def _renderer(fmt: str) -> Processor:
    if fmt == "json":
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback, sort_keys=False
    )


def _log_uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    if not logging.getLogger().handlers:  # Django has not applied LOGGING yet
        sys.stderr.write(redact_text("".join(traceback.format_exception(kind, error, trace))))
        return
    structlog.get_logger("wfpush").critical("uncaught_error", exc_info=(kind, error, trace))


def _log_uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
        _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
