"""Removes secrets, and names and addresses of people, from logs: data, tokens in text, URLs and tracebacks."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

MASK = "***"
_DEPTH = 6
_MASKED_WORDS = (
    "authorization|x[-_]?api[-_]?key|api[-_]?key|private[-_]?key|encryption[-_]?keys?|secret|token|password|passwd|"
    "signature|cookie|csrf|session[-_]?id|sessionid|credential"
)
_KEY = re.compile(rf"{_MASKED_WORDS}|^auth$|^sig$", re.IGNORECASE)
# Text without any of these words contains no secret. So most text is not matched against the patterns.
_SUSPICIOUS = (
    *("wfp_", "wfr_", "wfa_", "wfl_", "wfs_", "whs", "/link", "/answer", "/sign", "/portal", "@", "code=", "code%3d"),
    *("authorization", "bearer", "basic", "secret", "token", "passw", "cookie", "csrf", "session", "credential"),
    *("sig", "key", "/recipients/", "failing row"),
)
# Each pattern keeps its first group and masks the rest. Repetitions are bounded: log lines repeat strangers' texts.
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # our own tokens and signing secrets, anywhere
        (r"(wf[prals]_)[a-z0-9_-]{6,}", rf"\1{MASK}"),
        (r"(wh(?:sec|sk)_)[a-z0-9+/=_-]{6,}", rf"\1{MASK}"),
        # addresses of pages that are opened by a token in the path
        (r"(/(?:link|links|answer|signin|sign-in|portal)/)[^/?#\s\"'<>]{12,}", rf"\1{MASK}"),
        # parameters that an authorization server sends back
        (r"((?:[?&]|%3F|%26)(?:code|state)(?:=|%3D))(?:(?!%26)[^&\s\"'<>]){8,4000}", rf"\1{MASK}"),
        # https://user:password@host, redis://:password@host
        (r"(://[^:/@\s]{0,200}:)[^@/\s]{1,500}(?=@)", rf"\1{MASK}"),
        # Authorization: Bearer …, and the same without its name
        (r"(\b(?:bearer|basic)\s{1,4})[a-z0-9._~+/=-]{8,}", rf"\1{MASK}"),
        # people: their refs in paths, mailboxes in replies of servers, values that PostgreSQL quotes
        (r"(/recipients/)[^?#\s\"'<>]{1,1000}?(?=/tokens|/links|[?#\s\"'<>]|$)", rf"\1{MASK}"),
        (r"()(?<![\w.+*-])[\w.+-]{1,64}(?=@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8})", MASK),
        (r"(\bKey \([^)]{1,200}\)=\()[^)]{1,1000}", rf"\1{MASK}"),
        (r"(\bFailing row contains \()[^\r\n]{1,8000}", rf"\1{MASK}"),
        # headers that are secret to the end of the line
        (r"(\b(?:cookie|signature)[\"']?: ?[\"']?)[^\"'\r\n]{1,4000}", rf"\1{MASK}"),
        (r"(\bauthorization[\"']?: ?[\"']?)(?!bearer |basic )[^\"'\r\n]{1,4000}", rf"\1{MASK}"),
        # ?token=…&sig=…, password='…', {"secret": "…"}, X-API-Key: …
        (
            rf"((?<![a-z0-9])[a-z0-9_.-]{{0,40}}(?:{_MASKED_WORDS}|\bsig|\bkey)[a-z0-9_-]{{0,40}}[\"']?(?:=|: ?)"
            r"b?[\"']?)"
            rf"(?!\*\*\*|bearer |basic )[^\"',;&\s)}}\]]{{1,4000}}",
            rf"\1{MASK}",
        ),
    )
)


def redact_text(text: str) -> str:
    """Return the text with masks instead of secrets."""
    lowered = text.lower()
    if not any(word in lowered for word in _SUSPICIOUS):
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def redact(value: Any, depth: int = _DEPTH) -> Any:
    """Return the value without secrets, nested ones included. Values other than plain data become text first."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, bytes | bytearray):
        return redact_text(bytes(value).decode("utf-8", "replace"))
    if depth and isinstance(value, Mapping):
        return {_plain_key(key): _redact_member(str(key), member, depth - 1) for key, member in value.items()}
    if depth and isinstance(value, list | tuple | set | frozenset):
        return [redact(member, depth - 1) for member in value]
    return redact_text(str(value))


def _redact_member(key: str, value: Any, depth: int) -> Any:
    """Return a mask for any value of a secret member, but None and booleans as they are."""
    if _is_secret_key(key):
        return value if value is None or isinstance(value, bool) else MASK
    return redact(value, depth)


@lru_cache(maxsize=1024)
def _is_secret_key(key: str) -> bool:
    return _KEY.search(key) is not None


@lru_cache(maxsize=1024)
def _plain_key(key: object) -> str:
    return redact_text(str(key))
