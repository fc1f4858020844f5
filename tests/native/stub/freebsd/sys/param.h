/* FreeBSD has these declarations in <sys/param.h>. */
#include <freebsd.h>
