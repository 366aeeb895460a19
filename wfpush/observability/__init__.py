"""How log lines are made, the counts of rows, and the pages `/healthz`, `/readyz` and `/metrics`.

In: what other modules log; rows that database triggers write when something changes.
Out: log lines without secrets; metrics for Prometheus; answers for load balancers.
"""
