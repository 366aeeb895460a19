"""The background processes: worker, dispatcher, ticker, watchdog, django-q2's broker, and how they end together.

In: the commands `manage.py worker`, `dispatcher` and `cluster`; wake-ups from Redis.
Out: calls of the sources of due work (`wfpush/queue/outbox.py`), about as soon as something is due.
"""
