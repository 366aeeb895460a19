"""`python -m bench.inside MODULE [WORD…]`: runs `main` of a module of the bench that needs Django; prints JSON."""

import importlib
import json
import sys

import django

if __name__ == "__main__":
    django.setup()
    module, *words = sys.argv[1:]
    print(json.dumps(importlib.import_module(f"bench.{module}").main(*words)))
