"""What only a FreeBSD kernel does."""
