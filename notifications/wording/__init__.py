"""Texts: templates and their language (Liquid), formats, times and labels in the reader's language, safe text.

In: a template version, the data of an event, and a reader's language and time zone.
Out: texts, and the channel-neutral Message.
"""
