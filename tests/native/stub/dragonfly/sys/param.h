/* DragonFly has these declarations in <sys/param.h>. */
#include <dragonfly.h>
