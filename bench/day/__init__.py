"""A realistic day of several engines and 2,000 people, run as fast as it goes, and then checked to the last row."""
