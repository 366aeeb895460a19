"""The pages that people see, the service worker's script, and the WebSocket `/ws/inbox` (`consumers`).

In: requests of browsers, with a session or with the token of one message.
Out: pages and frames; answers for `answers`.
"""
