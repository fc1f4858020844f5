/* FreeBSD has these declarations in <sys/sysctl.h>. */
#include <freebsd.h>
