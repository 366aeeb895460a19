"""English dates and times on the desk: to the second, and with their zone."""

DATE_FORMAT = SHORT_DATE_FORMAT = "N j, Y"
TIME_FORMAT = "H:i:s T"
DATETIME_FORMAT = "N j, Y, H:i:s T"
SHORT_DATETIME_FORMAT = "N j, Y, H:i"
