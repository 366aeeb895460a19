"""Before Django's settings exist: a data folder of the tests' own, whose servers end with the session."""

import os
from pathlib import Path

import django

from wfpush import env

os.environ.setdefault("WFPUSH_DATA", ".wfpush-test")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wfpush.settings")
env.prepare(Path(__file__).resolve().parent.parent)
django.setup()  # test modules import models at their top
