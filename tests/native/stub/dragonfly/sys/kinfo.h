/* DragonFly has these declarations in <sys/kinfo.h>. */
#include <dragonfly.h>
