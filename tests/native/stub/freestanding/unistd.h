/* What the shim needs of unistd.h where there is no C library at hand. */
#ifndef STUB_UNISTD_H
#define STUB_UNISTD_H
int closefrom(int lowest);
#endif
