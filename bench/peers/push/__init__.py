"""Web push as tutorials have it: pywebpush, and a django-q2 task for each message."""
