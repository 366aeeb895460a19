"""Conformance: `manage.py conformance`, a kit that customers run against their own engine.

The lines and their findings are in `contract.py`. For engines with a REST interface, `sandbox` deploys and starts a
process of the kit's own, and `reading`, `people` and `answering` have the lines, which use the product's connectors
through `trial`. For engines with webhooks, `receiver` takes their events and `callbacks` has the lines. It has no
tables, and needs no database.
"""

from wfpush.features import Feature

FEATURE = Feature(name="conformance", adds=[])
