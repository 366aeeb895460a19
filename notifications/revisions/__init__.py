"""Revisions: what exactly a person decides about when they answer a task, and how two versions of it differ.

In: a task with what is known of it, and the template version that words it.
Out: the content and its digest, and the changes between two contents in a reader's language.
"""
