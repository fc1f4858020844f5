"""Services: a command that is kept running by rules, with its output kept and its readiness known."""
