"""Retention of data, and a person's data: pruning, legal holds, export and erasure.

In: rules of administrators, holds of cases, orders to export or erase one person.
Out: rows that are gone or changed in small steps, and JSON of all data stored about one person.
"""
