/* FreeBSD has these declarations in <sys/syscall.h>. */
#include <freebsd.h>
