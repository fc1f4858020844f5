/* What the shim needs of sys/types.h where there is no C library at hand. */
#ifndef STUB_TYPES_H
#define STUB_TYPES_H
#include <stddef.h>
#include <stdint.h>
typedef int pid_t;
struct timeval { long tv_sec; long tv_usec; };
#endif
