"""Talks with engines: sends them answers (`callback`), reads tasks (`task_sync`), polls lists, connects accounts.

In: due callbacks and polls; requests of administrators to try or to send again.
Out: calls by way of `connectors`; the changes that they cause here, as events of our own.
"""
