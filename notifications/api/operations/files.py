"""Files of messages and answers."""

from notifications.api.operations.operation import Operation, Tag
from notifications.api.operations.story import SENT_FILE

TAG = Tag(
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
