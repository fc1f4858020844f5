/* DragonFly has these declarations in <sys/syscall.h>. */
#include <dragonfly.h>
