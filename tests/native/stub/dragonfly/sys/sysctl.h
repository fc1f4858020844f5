/* DragonFly has these declarations in <sys/sysctl.h>. */
#include <dragonfly.h>
