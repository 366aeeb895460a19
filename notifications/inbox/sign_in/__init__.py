"""Signing in and out, links, passwords, connected accounts, and the session."""
