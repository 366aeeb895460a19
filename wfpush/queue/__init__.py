"""Due work as rows of our own tables: `outbox` claims, retries and ends them; `lease_holder` identifies their workers.

In: rows with `due_at`, and sources that apps register when they start.
Out: claimed rows, each under a lease; wake-ups by way of Redis.
"""
