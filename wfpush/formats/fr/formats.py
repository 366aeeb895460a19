"""French dates and times on the desk: short, and with the zone where seconds are shown."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i:s T"
DATETIME_FORMAT = "D j M Y H:i:s T"
SHORT_DATETIME_FORMAT = "j M Y H:i"
