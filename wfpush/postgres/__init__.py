"""Django's database backend with a time limit for every wait (`base`), and helpers for whole tables.

In: Django's settings of the database (`ENGINE` names this package).
Out: connections that never hang; whether the schema fits this code (`schema`).
"""
