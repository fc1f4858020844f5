"""The helpers that stand between an owner and its commands: guard, deputy and wardens."""
