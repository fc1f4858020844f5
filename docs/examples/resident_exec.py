"""What residency is for: a program that was made resident starts from a snapshot of itself, already linked.

A simulated DragonFly kernel stands in for the real one, so this runs anywhere and touches no real process:

    python docs/examples/resident_exec.py
"""

from __future__ import annotations

from pydfly import simkernel
from pydfly.simkernel.dragonfly.rtld import REGISTER_NOW, UNREGISTER_NOW

SERVER = "/usr/local/sbin/server"


def main() -> None:
    """Register a program, start it from the snapshot, and take the registration away again."""
    kernel = simkernel.boot("dragonfly")
    root = kernel.spawn("/bin/sh", uid=0)

    # without a registration an exec starts at the program's own entry point, and its run-time linker has all to do
    before = root.fork().execve(SERVER)
    print(f"not resident: starts at {before.entry:#x}, in an address space without anything")

    # what resident(8) does: run the program with a variable in its environment that its run-time linker obeys; the
    # linker has the libraries loaded and relocated when it makes the call, and then exits: the program never runs
    registrar = root.fork()
    registrar.execve(SERVER, environ={REGISTER_NOW: "yes"})
    assert root.wait(registrar.pid) == (registrar.pid, 0)
    (entry,) = root.vm_resident()
    print(f"registered: id {entry.id}, {entry.path}, entry address {entry.entry_address:#x}")

    # from now on every exec of that file, by any user, begins where the linker was done
    user = kernel.spawn("/bin/sh", uid=1001)
    started = user.fork()
    after = started.execve(SERVER, argv=(SERVER, "-p", "8080"))
    assert after.resident
    print(f"resident: starts at {after.entry:#x}, with the registrant's memory {started.memory} and its own arguments")

    # the file is what is resident, under whatever name; a new file under the old name is not
    kernel.vnodes.link(SERVER, "/usr/local/bin/alias")
    assert user.fork().execve("/usr/local/bin/alias").resident
    kernel.vnodes.create(SERVER)  # as an update of the package does it
    assert not user.fork().execve(SERVER).resident
    print("a link to the file is resident; the new file that an update puts in its place is not")

    # so before an update all registrations are removed; what runs already keeps its own copy
    remover = root.fork()
    remover.execve("/usr/local/bin/alias", environ={UNREGISTER_NOW: "yes"})
    assert root.wait(remover.pid) == (remover.pid, 0)
    assert root.vm_resident() == []
    assert not user.fork().execve("/usr/local/bin/alias").resident
    assert started.memory == {"resident": True}
    print("unregistered: later execs are ordinary ones, the server that runs goes on")


if __name__ == "__main__":
    main()
