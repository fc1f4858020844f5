"""The system-call tables of both kernels, and the modules that put calls into them."""
