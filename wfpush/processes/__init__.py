"""The background processes: worker, dispatcher, ticker, watchdog, django-q2's broker, and how they end together.

In: what `manage.py worker`, `dispatcher` and `cluster` start; wake-ups from Redis.
Out: calls of the sources of due work (`wfpush/queue/outbox.py`), about as soon as something is due.
"""
