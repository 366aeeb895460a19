"""Examples of problems: for each status of an operation, the codes that its description names."""

import re
from typing import Any

from wfpush.web.problems import CONTENT_TYPE, problem_json

NAMED = re.compile(r"`(\w+)`")
SAMPLES: dict[int, dict[str, str]] = {
    400: {
        "bad_request": "The request cannot be understood. Compare it with the API's description at /api/docs.",
        "malformed": "The body is not JSON: Expecting ',' delimiter at line 3, column 5.",
    },
    401: {
        "unauthenticated": "Send a valid key as Authorization: Bearer … or X-API-Key, or sign in. It may be wrong, "
        "revoked or expired.",
    },
    403: {
        "scope_missing": "This needs an engine's API key with the scope events.",
        "not_allowed": "“pay” is not offered here. Choose one of: approve, reject, request_info.",
        "signature_required": "This answer needs a passkey's signature. Nothing was sent: sign it in the inbox.",
        "csrf_failed": "The CSRF token is missing. Send the token of the page as X-CSRFToken.",
    },
    404: {"not_found": "There is nothing at this address, or nothing that is yours."},
    409: {
        "already_answered": "Carol answered this already. Nothing was sent.",
        "already_handled": "The engine has closed this task already. Nothing was sent.",
        "changed": "What you decide about has changed. Nothing was sent: look at it as it is now, and answer again.",
        "event_id_reused": "Another event with this source and id, but other content, was accepted before. "
        "Use an id of its own.",
        "plan_outdated": "Something has changed since the plan. Make the plan again, and read it.",
        "too_late": "This answer cannot be taken back: the engine has been told, or there is none of yours.",
        "withdrawn": "This is no longer yours to answer: Reassigned to Carol.",
    },
    410: {"expired": "This task expired before it was answered. Nothing was sent."},
    413: {"too_large": "A request body may have 1 MiB, a batch of CloudEvents or files 16 MiB. Send less at once."},
    415: {"unsupported_media_type": "Send application/json."},
    422: {
        "invalid": "Some values are not possible; see errors.",
        "invalid_answer": "The comment is longer than 4,000 characters. Shorten it.",
        "invalid_event": "/data/task/due_at: Write an ISO 8601 time with its offset, such as 2026-11-25T16:00:00Z.",
        "invalid_values": "Amount: Write 5,000 or less.",
        "comment_required": "“Reject” needs a comment. Write why.",
        "idempotency_key_reused": "This Idempotency-Key came with another answer. Use a new key for a new answer.",
    },
    429: {"too_many_requests": "Wait for as long as Retry-After says."},
    503: {"unavailable": "The database cannot be used now. Nothing was stored; try again."},
}
FAULTS = {
    "invalid": ("/id", "Must be a valid UUID."),
    "invalid_answer": ("/comment", SAMPLES[422]["invalid_answer"]),
    "invalid_event": ("/data/task/due_at", "Write an ISO 8601 time with its offset, such as 2026-11-25T16:00:00Z."),
    "invalid_values": ("/values/amount", "Write 5,000 or less."),
    "comment_required": ("/comment", SAMPLES[422]["comment_required"]),
    "idempotency_key_reused": ("", SAMPLES[422]["idempotency_key_reused"]),
}
"""The `errors` of a 422: JSON pointer and sentence."""


def add_examples(responses: dict[str, Any]) -> None:
    """Add examples of problems to the responses of an operation."""
    for status, answer in responses.items():
        if samples := SAMPLES.get(int(status)):
            codes = [code for code in dict.fromkeys(NAMED.findall(answer["description"])) if code in samples]
            answer["content"][CONTENT_TYPE]["examples"] = {
                code: {"value": _sample(int(status), code)} for code in codes
            }


def _sample(status: int, code: str) -> dict[str, Any]:
    detail = SAMPLES[status][code]
    if status != 422:
        return problem_json(status, code, detail)
    pointer, fault = FAULTS[code]
    return problem_json(status, code, detail, errors=[{"pointer": pointer, "detail": fault}])
