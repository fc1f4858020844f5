/* DragonFly has these declarations in <sys/resident.h>. */
#include <dragonfly.h>
