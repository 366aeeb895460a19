"""Messages to OpenText's mobile apps, through an AppWorks Gateway.

In: a person's name at the gateway, and a message.
Out: one call of the gateway; its answer, or a TransportError.
"""
