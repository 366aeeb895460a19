"""Messages of one channel to people's addresses: one claimed for each free place, and sent by threads."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial

from django.db.models import F, QuerySet
from django.utils import timezone

from notifications import reasons
from notifications.channels.base import PersonChannel, Places
from notifications.delivery import claims, digests, person_messages, service_pauses
from notifications.delivery.attempts import PersonAttempt
from notifications.delivery.sender import Sender
from notifications.errors import TransportError
from notifications.models import Delivery
from wfpush.concurrency.keyed_limits import ClaimedJobs, FreePlaces
from wfpush.concurrency.keyed_limits import Places as UnderWay
from wfpush.queue import outbox

UNKNOWN = Places(most=8, each=4, by=F("channel"))
"""Places for rows of channels that no longer exist: each row ends with a reason."""


class PersonLane:
    """A channel's own threads and places: a server that hangs takes none from other channels. `channel` is None for
    rows of channels that no longer exist."""

    def __init__(self, channel: PersonChannel | None, sender: Sender) -> None:
        self._channel = channel
        self._sender = sender
        self._together = channel.together if channel is not None else None
        self._limits = channel.places if channel is not None else UNKNOWN
        name = channel.name if channel is not None else "unknown"
        self._threads = ThreadPoolExecutor(self._limits.most, thread_name_prefix=name)
        self._places: UnderWay[str, PersonAttempt] = UnderWay(
            self._claim, self._send, most=self._limits.most, each=self._limits.each
        )

    def has_due(self, now: datetime) -> bool:
        return outbox.due(self._rows(), now).exists()

    async def drain(self) -> None:
        """Make the first claim. Further claims, and everything claimed, run by themselves."""
        await self._places.begin()

    async def idle(self) -> None:
        """Return when nothing is in flight, and all results are written."""
        await self._places.idle()

    async def close(self, seconds: float) -> None:
        """Give messages in flight a moment to end; leases cover the rest."""
        await self._places.close(seconds)
        self._threads.shutdown(wait=False)

    def _rows(self) -> QuerySet[Delivery]:
        return claims.waiting([self._channel.name]) if self._channel else claims.waiting_without_channel()

    def _claim(self, room: FreePlaces[str]) -> ClaimedJobs[str, PersonAttempt]:
        now = timezone.now()
        claimed = claims.for_places(self._rows(), room, self._limits, now, may_go_together=self._together is not None)
        if claimed:
            self._sender.paused_until = service_pauses.paused_services()
        made = person_messages.for_deliveries([rows for _, rows in claimed], self._service(), now)
        jobs = [(place, each) for (place, _), attempts in zip(claimed, made, strict=True) for each in attempts]
        return ClaimedJobs(jobs, sum(len(rows) for _, rows in claimed))

    def _service(self) -> str:
        return self._channel.service() if self._channel is not None and self._channel.service is not None else ""

    async def _send(self, attempt: PersonAttempt) -> None:
        untried = self._sender.held_up(attempt, timezone.now())
        if untried is None:
            await self._sender.send(attempt, self._transmit(attempt))
        else:
            await self._sender.write(untried)

    async def _transmit(self, attempt: PersonAttempt) -> Sequence[str]:
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(self._call, attempt))

    def _call(self, attempt: PersonAttempt) -> Sequence[str]:
        """Send the message, in a thread. Raise TransportError."""
        if self._channel is None:
            raise TransportError(reasons.UNAVAILABLE(), permanent=True)
        row = attempt.row
        if attempt.bundle is not None:
            assert self._together is not None
            self._together(row.address, attempt.bundle, digests.id_of(part.row.pk for part in attempt.parts))
            return ()
        references = self._channel.transport.send(row.address, attempt.message, delivery_id=row.pk, link=attempt.link)
        return references or ()
