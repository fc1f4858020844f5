"""The options of ``pydfly svc`` in words, for the completion: flag, kind of value, summary; svc.grammar reads them."""

from __future__ import annotations

SVC = (
    ("-d", "", "debug, and stay in the foreground"),
    ("-f", "", "stay in the foreground"),
    ("-h", "", "show a help text"),
    ("-p", "file", "the directory of pid files and sockets"),
    ("-r", "id", "restart so many seconds after the command has ended"),
    ("-R", "id", "restart so many seconds after everything has ended"),
    ("-x", "", "the daemon ends when the service has ended"),
    ("-s", "", "sync after each stop"),
    ("-t", "id", "seconds from SIGTERM to SIGKILL (10)"),
    ("-u", "id", "the user of the command"),
    ("-g", "id", "the group of the command"),
    ("-G", "id", "the groups of the command"),
    ("-l", "file", "the log file"),
    ("-c", "file", "the root directory of the command"),
    ("-m", "", "mount dev in the root directory"),
    ("-j", "file", "the directory of a jail"),
    ("-k", "id", "what the jail is like"),
    ("-T", "id", "what stands in the title of the daemon"),
    ("-F", "id", "restarts in 60 seconds after which it is given up"),
    ("--ready", "id", "how it tells that it is ready, notify or a descriptor"),
    ("--ready-timeout", "id", "seconds in which it must be ready (30)"),
    ("--backoff", "id", "factor by which the pause between restarts grows"),
    ("--stop-signal", "signal", "what asks it to end (TERM)"),
    ("--kill-mode", "id", "mixed or everyone, which get that signal"),
    ("--json", "", "print JSON"),
    ("-v", "", "show more of each service"),
)
"""Each option, in the order of the manual."""

DIRECTIVES = (
    "init", "start", "stop", "stopall", "restart", "exit", "kill",
    "list", "status", "log", "logf", "tailf", "logfile", "help",
)  # fmt: skip
"""What can be asked for."""
