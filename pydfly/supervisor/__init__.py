"""Run a command so that nothing it starts can outlive its owner.

Three processes stand between a caller and its command::

    caller          holds the lifeline; nothing of it is changed: no signal handler, no wait for any child
      guard         adopts what a killed warden leaves behind, and ends it; owns the relations to the terminal
        warden      owns the reaper domain: starts the command, collects the dead, ends the domain
          command   and whatever it starts, wherever that goes

Caller gone, guard gone: the warden sees the end of its lifeline and ends the domain.  Warden gone: the guard
adopts the domain and ends it.  ``pydfly run`` is its own guard.
"""

from __future__ import annotations
