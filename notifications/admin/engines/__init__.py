"""Engines: their keys, sign-ins and mappings, and the steps of connecting one."""
