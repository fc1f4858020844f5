/* FreeBSD has these declarations in <sys/wait.h>. */
#include <freebsd.h>
