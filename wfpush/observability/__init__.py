"""Log lines, counts of rows, and the pages `/healthz`, `/readyz` and `/metrics`.

In: log records of other modules; rows that database triggers write when something changes.
Out: log lines without secrets; metrics for Prometheus; answers for load balancers.
"""
