#!/usr/bin/env python3
"""The project's command line: `manage.py help` lists the commands."""

import sys

if __name__ == "__main__":
    try:
        from wfpush.__main__ import main
    except ModuleNotFoundError as fault:
        sys.exit(f"{fault}. Run `make setup` and start with .venv/bin/python, or install requirements.txt.")
    main()
