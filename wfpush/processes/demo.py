"""What an app adds to `manage.py up --demo`."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Demo:
    """The accounts of a demo: the password of each, or what is known of it, and the variables of the demo engine."""

    passwords: Mapping[str, str]
    environment: Mapping[str, str]


@dataclass(frozen=True)
class DemoAccounts:
    """`prepare`: the dotted name of a function that makes the missing accounts and returns a Demo. It takes the file
    that keeps their passwords, the address at which the demo engine takes answers, and that of wfpush for people."""

    prepare: str
