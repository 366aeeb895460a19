"""Web push as tutorials have it: pywebpush, Node's web-push, and a django-q2 task for each message."""
