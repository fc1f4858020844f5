"""Resident executables: DragonFly only."""

from __future__ import annotations

import os

from ..behaviour import behaviour
from ..world import World, outcome


def listed(world: World) -> list[tuple[int, str]]:
    """Return id and file name of each resident program."""
    return [(entry.id, os.path.basename(entry.path)) for entry in world.first.call("resident.entries")]


def _register(world: World, *names: str) -> list[str]:
    """Make new programs with these names resident."""
    paths = [world.program(name) for name in names]
    for path in paths:
        world.first.call("resident.register", path)
    return paths


@behaviour("RX-1", freebsd=("ENOSYS",) * 5)
def no_residency(world: World) -> object:
    """FreeBSD has no resident executables."""
    path = world.program("a")
    calls = (
        ("exec_sys_register", 0),
        ("exec_sys_unregister", -2),
        ("resident.entries",),
        ("resident.register", path),
        ("resident.unregister_program", path),
    )
    return tuple(outcome(world.first.call, *call) for call in calls)


@behaviour("RX-1", "RS-1", "VR-2", dragonfly=([(1, "a")], 1, []))
def a_program_comes_and_goes(world: World) -> object:
    """It is registered, listed, and removed by its id."""
    world.need_own_registry()
    _register(world, "a")
    during = listed(world)
    removed = world.first.call("resident.unregister", during[0][0])
    return during, removed, listed(world)


@behaviour("RX-8", "RS-2", dragonfly=([(1, "a"), (2, "b")], [(2, "b"), (2, "c")], 2, []))
def ids_are_given_out_again(world: World) -> object:
    """A new id is the number of entries; two programs can share one, and go together."""
    world.need_own_registry()
    _register(world, "a", "b")
    before = listed(world)
    world.first.call("resident.unregister", 1)
    _register(world, "c")
    shared = listed(world)
    return before, shared, world.first.call("resident.unregister", 2), listed(world)


@behaviour("RX-2", "RX-3", dragonfly=("EEXIST", "EEXIST", None, [(1, "other"), (2, "a")], 2))
def the_file_counts_not_its_name(world: World) -> object:
    """The same file under another name is resident already; a new file under the old name is not."""
    world.need_own_registry()
    (path,) = _register(world, "a")
    again = outcome(world.first.call, "resident.register", path)
    other = os.path.join(os.path.dirname(path), "other")
    os.link(path, other)
    linked = outcome(world.first.call, "resident.register", other)
    replaced = outcome(world.first.call, "resident.register", world.program("a"))
    after = listed(world)
    return again, linked, replaced, after, world.first.call("resident.unregister_all")


@behaviour("RS-3", dragonfly=("ENOENT",) * 5 + (0,))
def ids_of_nobody(world: World) -> object:
    """Unregistering what is not there is refused; an empty list is no error for unregister_all()."""
    world.need_own_registry()
    refused = [outcome(world.first.call, "resident.unregister", id) for id in (0, 1, -3, 12345, -2)]
    return (*refused, world.first.call("resident.unregister_all"))


@behaviour("RS-2", dragonfly=("ENOENT", None, []))
def removal_by_program(world: World) -> object:
    """A program that is resident can be removed by its file, another one cannot."""
    world.need_own_registry()
    (path,) = _register(world, "a")
    other = outcome(world.first.call, "resident.unregister_program", world.program("b"))
    return other, outcome(world.first.call, "resident.unregister_program", path), listed(world)


@behaviour("LD-6", dragonfly=("NotRegistrableError", "ENOENT", []))
def files_that_are_no_programs(world: World) -> object:
    """A script is refused with the words of resident(8); a file that is not there is ENOENT."""
    world.need_own_registry()
    script = world.machine.programs.write("script", b"#!/bin/sh\n")
    try:
        world.first.call("resident.register", script)
        refused = "nothing"
    except OSError as error:
        refused = type(error).__name__
    return refused, outcome(world.first.call, "resident.register", f"{script}-missing"), listed(world)


@behaviour("RS-4", "VR-1", dragonfly=("EPERM",) * 4)
def only_the_superuser(world: World) -> object:
    """Other users are refused, before anything else is looked at."""
    world.need_root()
    path = world.program("a")
    user = world.first.fork("user")
    user.setuid(1001)
    calls = (("resident.entries",), ("exec_sys_register", 0), ("exec_sys_unregister", -2), ("resident.unregister", 1))
    assert path
    return tuple(outcome(user.call, *call) for call in calls)


@behaviour("RX-5", "RS-5", dragonfly=(None, "EEXIST", 1, "ENOENT"))
def the_own_binary(world: World) -> object:
    """The raw call registers what the caller runs, which a forked child runs too; -1 finds it again."""
    world.need_harmless_python()
    world.need_own_registry()
    child = world.first.fork("child")
    return (
        outcome(world.first.call, "exec_sys_register", 0x1000),
        outcome(child.call, "exec_sys_register", 0x1000),
        outcome(child.call, "exec_sys_unregister", -1),
        outcome(world.first.call, "exec_sys_unregister", -1),
    )


@behaviour("RX-7", dragonfly=(1, 1))
def a_registration_outlives_its_process(world: World) -> object:
    """It stays when the process that made it exits."""
    world.need_harmless_python()
    world.need_own_registry()
    child = world.first.fork("child")
    child.call("exec_sys_register", 0)
    child.exit()
    return len(listed(world)), world.first.call("resident.unregister_all")


@behaviour("RS-7", dragonfly=["UnsafeRegistrationWarning"])
def registering_python_is_dangerous(world: World) -> object:
    """Where nothing can break, the first raw registration warns; the native backend refuses."""
    if world.backend.startswith("native"):
        return outcome(world.first.call, "exec_sys_register", 0)
    world.need_own_registry()
    return [*world.first.warned("exec_sys_register", 0), *world.first.warned("exec_sys_register", 0)]


@behaviour("RX-1", dragonfly=(False, True, "yes"))
def exec_of_a_resident_program(world: World) -> object:
    """It starts from the snapshot, with the variables as they were at the registration."""
    machine = world.need_model("whether an exec used a snapshot shows in a simulated kernel only")
    first = machine.kernel.process(world.first.pid)
    ordinary = first.execve("/bin/editor").resident
    first.memory["linked"] = "yes"
    world.first.call("exec_sys_register", 0x1000)
    first.memory["linked"] = "no"
    started = first.execve("/bin/editor").resident
    return ordinary, started, first.memory["linked"]
