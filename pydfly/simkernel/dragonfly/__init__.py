"""What only a DragonFly kernel does."""
