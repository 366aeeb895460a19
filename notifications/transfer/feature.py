"""Transfer: people, teams and lists for cases as CSV or XLSX files, exported and imported.

`admin` gives the desk's lists the two actions and their pages; an import shows first what it would change. `sheets`
reads and writes files, `roster` compares a file with the stored rows, and `tables` has the columns and the checks.
It has no tables of its own.
"""

from wfpush.features import Feature

FEATURE = Feature(name="transfer", adds=[])
