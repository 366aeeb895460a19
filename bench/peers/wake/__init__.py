"""How long it takes until waiting work is noticed: a django-q2 task over Redis."""
