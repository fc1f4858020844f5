"""Ending a whole domain: one grace for all, then SIGKILL until no process is left.

``policy`` decides which process gets which signal when, and knows neither processes nor clocks.  ``scan`` (Linux),
``reap_kill`` (FreeBSD) and ``pid_head`` (DragonFly) find the members and signal them.  ``rounds`` plays one against
the other; the warden and ``reaper.kill_all()`` drive it.
"""

from __future__ import annotations
