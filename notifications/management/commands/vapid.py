"""`manage.py vapid`, which is a channel's own. Django finds commands here alone."""

from notifications.channels.registry import command

Command = command("vapid")
