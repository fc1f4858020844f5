/* FreeBSD has these declarations in <sys/user.h>. */
#include <freebsd.h>
