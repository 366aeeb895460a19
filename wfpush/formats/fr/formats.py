"""French dates and times on the desk: to the second, and with their zone."""

DATE_FORMAT = SHORT_DATE_FORMAT = "j F Y"
TIME_FORMAT = "H:i:s T"
DATETIME_FORMAT = "j F Y, H:i:s T"
SHORT_DATETIME_FORMAT = "j F Y, H:i"
