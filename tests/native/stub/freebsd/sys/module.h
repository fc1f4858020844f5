/* FreeBSD has these declarations in <sys/module.h>. */
#include <freebsd.h>
