"""Answers that were given before: a repeated one is answered with the first, and recorded once."""

from collections.abc import Iterable, Sequence

from notifications.answers.decision import Decision
from notifications.answers.submission import Answer
from notifications.attachments.linking import are_same
from notifications.attachments.representation import said_with
from notifications.errors import IdempotencyKeyReused
from notifications.forms.recorded_values import given_of
from notifications.models import Attachment, IdempotencyKey, Response


def earlier_answer(decision: Decision, keys: Iterable[IdempotencyKey]) -> Response | None:
    """Return the answer that this one repeats: with the same key, or the same person's to the task with the same
    content. `keys`: the stored keys. Raises IdempotencyKeyReused."""
    identity = (decision.item.pk, decision.person.pk, decision.answer.idempotency_key)
    for row in keys:
        if (row.notification_id, row.recipient_id, row.key) == identity:
            if row.fingerprint != decision.answer.fingerprint:
                detail = "This Idempotency-Key came with another answer. Use a new key for a new answer."
                raise IdempotencyKeyReused(detail)
            return row.response
    responses = [call.response for call in decision.calls if call.response is not None]
    last_first = sorted(responses, key=lambda response: response.pk, reverse=True)
    return next((response for response in last_first if _is_same(response, decision)), None)


def _is_same(response: Response, decision: Decision) -> bool:
    """Return whether the answers are the same, whatever their key, token or device. An answer that does not decide may
    be repeated once the content of the person's copy has changed."""
    answer = decision.answer
    content = (decision.person.pk, answer.action, answer.variables, answer.values)
    if not response.counts or content != (
        response.recipient_id,
        response.action,
        response.variables,
        given_of(response.values),
    ):
        return False
    is_about_the_same = response.effect == "final" or response.revision == decision.item.revision
    return is_about_the_same and _asks_the_same(response, answer) and _says_the_same(response, answer)


def _asks_the_same(response: Response, answer: Answer) -> bool:
    """Return whether a question goes to the same person. A question that names nobody matches any person."""
    return not answer.to or (response.asked is not None and response.asked.ref == answer.to)


def _says_the_same(response: Response, answer: Answer) -> bool:
    """Return whether the comment is the same, and the files of a question are."""
    if response.effect != "request_info" or (answer.has_words and answer.comment != response.comment):
        return response.comment == answer.comment
    sent = list(Attachment.objects.filter(message=response.pk))
    return response.comment == text_of(answer, sent) and are_same(sent, answer.files)


def text_of(answer: Answer, files: Sequence[Attachment]) -> str:
    """Return the comment as it is recorded: the files' names for a question that has only files."""
    return answer.comment if not files or answer.has_words else said_with("", files)
