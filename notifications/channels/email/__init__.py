"""Messages as e-mail, text and HTML.

In: an e-mail address and a message.
Out: one mail by Django's mail backend; a TransportError for a refusal of the mail server.
"""
