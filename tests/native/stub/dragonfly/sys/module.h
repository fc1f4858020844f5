/* DragonFly has these declarations in <sys/module.h>. */
#include <dragonfly.h>
