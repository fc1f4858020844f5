"""The resident registry that Linux lacks: one list for the machine, kept by this package."""
