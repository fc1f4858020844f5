/* What the shim needs of string.h where there is no C library at hand. */
#ifndef STUB_STRING_H
#define STUB_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t length);
void *memset(void *to, int byte, size_t length);
size_t strnlen(const char *text, size_t most);
#endif
