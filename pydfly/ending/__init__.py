"""Ending a whole domain: one grace for all, then SIGKILL until no process is left.

``policy`` decides which process gets which signal when, and knows neither processes nor clocks; ``drive`` plays it.
Members are found and signalled by ``own_children`` for a helper, whose children are all its to end (``children_file``
on Linux, ``kernel_list`` on the BSDs), and by ``linux``, ``freebsd`` or ``dragonfly`` for a process that has other
children, too: ``own_domain`` is ``reaper.kill_all()``, ``orphans`` is ``reaper.reap()``, and ``last_resort`` is where
any error leads.
"""

from __future__ import annotations
