"""Revisions: the content that a person decides about when answering a task, and the differences between two versions.

In: a task with its facts, and the template version of its texts.
Out: the content and its digest, and the changes between two contents in a reader's language.
"""
