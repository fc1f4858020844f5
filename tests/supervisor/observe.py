"""What a command can see of the way it was started, as JSON into the file that is its first argument."""

import json
import os
import sys

seen = {}
for number in range(512):
    try:
        status = os.fstat(number)
    except OSError:
        continue
    kind = "pipe" if not status.st_size and status.st_mode & 0o170000 == 0o010000 else [status.st_dev, status.st_ino]
    seen[number] = kind
mask = os.umask(0)
own = {
    "words": [os.fsencode(word).hex() for word in sys.argv[2:]],
    "environment": {repr(name): repr(value) for name, value in os.environb.items()},
    "directory": os.getcwd(),
    "descriptors": seen,
    "users": os.getresuid(),
    "groups": [os.getresgid(), sorted(os.getgroups())],
    "umask": mask,
    "session": "own" if os.getsid(0) == os.getpid() else os.getsid(0),
    "process group": "own" if os.getpgrp() == os.getpid() else os.getpgrp(),
}
with open(sys.argv[1], "w") as file:
    json.dump(own, file)
