"""A simulated process as a backend: this program acts as that process."""
