"""`manage.py vapid`. The command is the Web Push channel's own; Django finds commands in this folder only."""

from notifications.channels.registry import command

Command = command("vapid")
