"""Decides about an answer in memory, and collects the rows to write: the answer, the callback that tells the engine,
and the changes of its task and every copy."""

from notifications.answers import answer_body, form_values, four_eyes, proofs, repeats
from notifications.answers.answer_context import AnswerContext
from notifications.answers.decision import Decision, read_decision
from notifications.answers.effects import EFFECTS
from notifications.answers.guards import GUARDS, addressee_of
from notifications.answers.outcome import unconnected_engine
from notifications.answers.proofs import Proof
from notifications.answers.submission import Answer, RecordedAnswer
from notifications.attachments.linking import claim
from notifications.attachments.storage import Sender
from notifications.errors import FourEyes, Invalid
from notifications.items.undo_window import told_at
from notifications.models import Callback, IdempotencyKey, Notification, Response, TaskMessage
from wfpush.net import trace_context
from wfpush.observability import tracing
from wfpush.queue import outbox


def record(item: Notification, answer: Answer, context: AnswerContext) -> RecordedAnswer:
    """Record the answer to this copy, whose task the context has locked.

    Raises NotFound, IdempotencyKeyReused, AlreadyAnswered, AlreadyHandled, Withdrawn, Expired, Changed, NotAllowed,
    FourEyes, SignatureRequired, CommentRequired, Invalid, InvalidAnswer, InvalidValues; then nothing has changed, and a
    refusal by four eyes is recorded.
    """
    assigned = item.task.assigned_event if item.task is not None else None
    trace = trace_context.traceparent_of(assigned.extensions) if assigned is not None else ""
    with tracing.span("answer task", "internal", trace, {"wfpush.answer.via": answer.via}):
        return _record(item, answer, context)


def _record(item: Notification, answer: Answer, context: AnswerContext) -> RecordedAnswer:
    decision = read_decision(item, answer, context)
    response = repeats.earlier_answer(decision, context.keys)
    created = response is None
    if response is None:
        try:
            for guard in GUARDS:
                guard(decision)
        except FourEyes as refused:
            context.writes.insert(four_eyes.refusal(decision, refused))
            raise
        proof = proofs.check(decision)
        response = _response(decision, context, proof)
        EFFECTS[response.effect](decision, response, context)
        connect = (decision.task.outcome or {}).get("connect", "") if response.effect == "final" else ""
    else:
        response.recipient = decision.person
        connect = unconnected_engine(response, decision.task)
    if decision.answer.idempotency_key:
        key = IdempotencyKey(
            notification=decision.item,
            recipient=decision.person,
            key=decision.answer.idempotency_key,
            fingerprint=decision.answer.fingerprint,
            response=response,
        )
        context.new_keys.append(key)
    return RecordedAnswer(response, created=created, connect=connect)


def _response(decision: Decision, context: AnswerContext, proof: Proof | None) -> Response:
    """Return the new answer, with its files locked and its callback made. Raises Invalid, InvalidValues."""
    task, item, action, answer = decision.task, decision.item, decision.action, decision.answer
    if answer.files and action.effect != "request_info":
        raise Invalid.at("/attachments", "Files go with questions and replies.")
    asked = addressee_of(decision) if action.effect == "request_info" else None
    files = claim(answer.files, Sender(person=decision.person), used=context.used_files) if answer.files else []
    by_field = form_values.claim_files(decision, context.used_files) if decision.form else {}
    response = Response(
        task=task,
        notification=item,
        recipient=decision.person,
        action=action.name,
        effect=action.effect,
        comment=repeats.text_of(answer, files) if files else answer.comment,
        variables=answer.variables,
        values=form_values.entries(decision, by_field) if decision.form else [],
        via=answer.via,
        assurance=proof.assurance if proof is not None else answer.assurance,
        delivery_id=answer.delivery,
        revision=item.revision,
        asked=asked,
        at=decision.at,
    )
    callback = Callback(
        id=response.pk,
        response=response,
        engine_id=task.engine_id,
        task=task,
        position=max((call.position for call in decision.calls), default=0) + 1,
        body=answer_body.task_responded(response, task, item, files, context.origins[item.pk], proof),
        **outbox.scheduled(told_at(action.effect, answer.via, decision.at)),
    )
    context.writes.insert(response)
    context.writes.insert(callback)
    if proof is not None:
        context.writes.insert(proof.row(response))
    context.wakes.add("callbacks")
    if files:
        context.use(files, TaskMessage(pk=response.pk))
    if by_field:
        context.use([upload for uploads in by_field.values() for upload in uploads], response)
    return response
