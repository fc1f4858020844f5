"""One domain in the foreground, as ``pydfly run`` keeps it: terminal, signals, announcements."""
