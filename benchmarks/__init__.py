"""Measurements, to be run by hand: nothing here is a test, and no test looks at a time."""
