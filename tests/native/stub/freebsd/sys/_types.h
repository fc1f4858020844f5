/* The headers of gcc want this one on FreeBSD; those of the C library at hand declare the types. */
