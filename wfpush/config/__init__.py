"""The reader of the environment and `.env`, and the settings that have a syntax of their own.

In: environment variables (docs/settings.md lists them).
Out: typed values for `wfpush/settings.py`, or one sentence that says which variable is wrong, and why.
"""

import sys

# redis-py imports OpenTelemetry's metrics wherever they are installed, for a tenth of a second of each start. They are
# not used here (wfpush/observability/tracing.py makes spans only).
sys.modules.setdefault("opentelemetry.sdk.metrics", None)  # type: ignore[arg-type]
