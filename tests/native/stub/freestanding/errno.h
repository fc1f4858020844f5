/* What the shim needs of errno.h where there is no C library at hand: numbers of DragonFly. */
#ifndef STUB_ERRNO_H
#define STUB_ERRNO_H
int *__error(void);
#define errno (*__error())
#define ENOSYS 78
#endif
