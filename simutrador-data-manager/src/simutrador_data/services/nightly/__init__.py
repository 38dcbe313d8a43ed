"""The nightly update: fetch the newest sessions, judge them, make the longer timeframes."""
