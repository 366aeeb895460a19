"""Messages to apps through Firebase Cloud Messaging: their JSON, and the projects that send (`projects`).

In: an app's registration and a push message.
Out: one call of Google's service; a TransportError for a refusal.
"""
