"""Operations on tasks and cases, and the files of messages and answers."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import APPROVAL_GIVEN, QUESTION_GIVEN, SENT_FILE, TASK
from notifications.types import Json

NAMED: Json = {"engine": "repairs", "id": "R-88", "title": "Broken heating", "type": "repair"}
SINCE = "2026-11-25T09:00:00Z"
TASKS = Tag(
    "Tasks, cases and their conversations",
    "How far a task or a case has come, and what engines, people and customers write about it.",
    {
        "task": Operation(
            "Get a task with its answers",
            response={**TASK, "state": "answered", "answers": [QUESTION_GIVEN, APPROVAL_GIVEN]},
        ),
        "follow": Operation("Follow a case"),
        "unfollow": Operation("Stop following a case"),
        "follow_kind": Operation("Follow the kind of a case"),
        "unfollow_kind": Operation("Stop following the kind of a case"),
        "mute": Operation("Mute a case"),
        "unmute": Operation("Mute a case no longer"),
        "followed_cases": Operation("List the cases that one follows", response={"items": [NAMED], "next": None}),
        "followed_kinds": Operation(
            "List the kinds of cases that one follows",
            response={"items": [{"engine": "repairs", "type": "repair", "since": SINCE}], "next": None},
        ),
        "muted_cases": Operation(
            "List the cases that one has muted", response={"items": [NAMED | {"since": SINCE}], "next": None}
        ),
    },
)

FILES = Tag(
    "Files",
    "A file is sent first, and the message or answer that it belongs to then names its id.",
    {
        "send_file": Operation(
            "Send a file",
            response=SENT_FILE,
            meanings={
                200: "The same file with the same id again",
                201: "It is kept until a message or an answer names it, for 7 days at most",
                415: "`unsupported_media_type`: neither of these content types, or no kind of file that is taken",
                422: "`invalid`: not one file, an empty one, or a wrong name or id; "
                "`idempotency_key_reused`: another file has this id",
            },
        ),
        "file": Operation("Read a file"),
        "remove_file": Operation(
            "Remove a file that nothing uses",
            meanings={404: "`not_found`: no file of the caller's own, or a message or an answer has it"},
        ),
    },
)
