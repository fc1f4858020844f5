/* DragonFly has these declarations in <sys/procctl.h>. */
#include <dragonfly.h>
