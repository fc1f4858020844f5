/* FreeBSD has these declarations in <sys/procctl.h>. */
#include <freebsd.h>
