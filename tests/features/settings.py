"""The settings of the product with one feature more: a folder and a line."""

from wfpush.settings import *  # noqa: F403
from wfpush.settings import FEATURE_PACKAGES, FEATURES, INSTALLED_APPS

BELLS = {"bells": "tests.features.bells"}
FEATURE_PACKAGES |= BELLS
FEATURES |= BELLS
INSTALLED_APPS += BELLS.values()
