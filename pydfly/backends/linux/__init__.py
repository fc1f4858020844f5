"""Linux: real processes by prctl, pidfd and /proc, with the semantics of either BSD."""
