"""Messages to browsers (RFC 8030): checked subscriptions, encryption (RFC 8291), our signature (RFC 8292).

In: a subscription and a push message.
Out: one call of the browser's push service; a TransportError for a refusal.
"""
