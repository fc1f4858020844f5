"""The conformance suite: each behaviour of the public API once, for every backend.

``suite.run`` observes every behaviour on one backend and compares it with what the flavour demands, or with the
row that ``differences`` has for it.
"""
