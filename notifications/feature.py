"""What the core itself does in the background, and which of its parts follow the changes of tasks."""

from notifications import channel_facts, personal_data
from notifications.cases import messages
from notifications.cases.lifecycle import AfterKept, TaskObserver
from notifications.config_tables import CONFIG
from notifications.delivery import engine as delivery
from notifications.delivery import service_kinds as delivery_services
from notifications.engines import callback, health, poll, returned_answers
from notifications.engines import service_kinds as engine_services
from notifications.intake import limit_use
from notifications.items import snoozing
from notifications.models import Callback, Delivery, Event, Poll
from notifications.observability import backlog
from notifications.people import link_mails
from notifications.preferences import change_effects
from notifications.routing import entitlement_review, expiry, pipeline
from wfpush.features import Feature
from wfpush.observability import service_watch
from wfpush.observability.additions import Metrics, Notes, Queue
from wfpush.observability.services import Kinds
from wfpush.queue.schedules import Minutely
from wfpush.web.additions import FileSenders, Socket

channel_facts.all_facts()  # registers the codes of reasons

AFTER_CLOCKS = 200
"""Position of this app's observers of tasks: after the clocks of escalations."""

FEATURE = Feature(
    name="notifications",
    adds=[
        *pipeline.SOURCES,
        *expiry.SOURCES,
        *entitlement_review.SOURCES,
        *snoozing.SOURCES,
        *link_mails.SOURCES,
        *delivery.SOURCES,
        *change_effects.SOURCES,
        *callback.SOURCES,
        *poll.SOURCES,
        *service_watch.SOURCES,
        Kinds(delivery_services.kinds),
        Kinds(engine_services.kinds, health.sentences),
        Queue("events", Event, waiting=Event.backlog),
        Queue("deliveries", Delivery),
        Queue("callbacks", Callback, engine_services.REACHABLE),
        Queue("polls", Poll, poll.ENABLED),
        Socket("ws/inbox", "notifications.inbox.consumers.InboxConsumer"),
        FileSenders("notifications.api.frame.file_senders.may_send_files"),
        Metrics("notifications.observability.metrics"),
        Notes(backlog.notes),
        Notes(limit_use.notes),
        TaskObserver(messages.observe, AFTER_CLOCKS, ("answered", "reopened", "closed")),
        TaskObserver(entitlement_review.observe, AFTER_CLOCKS, ("reopened",)),
        AfterKept(returned_answers.look_at),
        Minutely("accounts", "notifications.tasks.settle_accounts"),
        Minutely("searched", "notifications.tasks.gather_searched"),
        personal_data.PERSONAL_DATA,
        *CONFIG,
    ],
)
