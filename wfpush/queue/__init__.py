"""Due work as rows of our own tables: `outbox` claims, retries and ends them; `lease_holder` says who has them.

In: rows with `due_at`, and sources that apps register when they start.
Out: claimed rows for whoever does the work, each under a lease; wake-ups by way of Redis.
"""
