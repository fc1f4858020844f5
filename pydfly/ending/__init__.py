"""Ending a whole domain: one grace for all, then SIGKILL until no process is left.

``policy`` decides which process gets which signal when, and knows neither processes nor clocks; ``drive`` plays it.
Members are found and signalled by ``keepers`` for a guard, deputy or warden, whose children are all its to end, and by
``own_domain`` for a process that has other children, too: that is ``reaper.kill_all()``, as ``orphans`` is
``reaper.reap()``.  The first two have a module for Linux and one for the BSDs.  ``last_resort`` is where any error of a
keeper leads.
"""

from __future__ import annotations
