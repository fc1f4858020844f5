"""PROC_REAP_KILL: signals for a whole FreeBSD domain."""

from __future__ import annotations

from ...errors import SyscallError
from ...structs import BAD_POINTER, NULL, ReaperKill
from ..behaviour import behaviour
from ..world import Actor, World, outcome

CHILDREN, SUBTREE = 1, 2


def killed(actor: Actor, signal: str | int, flags: int = 0, subtree: Actor | None = None) -> tuple[str, int, str]:
    """Call it, and return the errno or ``ok``, the count, and the process that refused."""
    number = signal if isinstance(signal, int) else actor.world.signal(signal)
    request = ReaperKill(number, flags, 0 if subtree is None else subtree.pid)
    try:
        result, how = actor.procctl("PROC_REAP_KILL", request), "ok"
    except SyscallError as error:
        result, how = error.result, error.errno_name
    return how, result.killed, actor.world.who(result.fpid)


@behaviour("FK-1", "FK-3", freebsd=(("ok", 2, "nobody"), ["SIGUSR1"], ["SIGUSR1"], [], []))
def the_whole_domain(world: World) -> object:
    """Every member gets the signal, the reaper and children from before do not."""
    first = world.first
    before = first.fork("before")
    first.acquire()
    child = first.fork("child")
    grandchild = child.fork("grandchild")
    result = killed(first, "SIGUSR1")
    return result, child.pending, grandchild.pending, first.pending, before.pending


@behaviour("FK-2", "FK-1", freebsd=(("ok", 3, "nobody"), ["SIGUSR1"]))
def into_inner_domains(world: World) -> object:
    """The members of sub-reapers are reached too."""
    inner = world.first.acquire().fork("inner").acquire()
    deep = inner.fork("deep")
    deep.fork("deeper")
    return killed(world.first, "SIGUSR1"), deep.pending


@behaviour("FP-7", "FK-3", freebsd=(("ok", 2, "nobody"), ["SIGUSR1"], []))
def one_line_of_a_domain(world: World) -> object:
    """SUBTREE: the child and its descendants only."""
    child = world.first.acquire().fork("child")
    grandchild = child.fork("grandchild")
    sibling = world.first.fork("sibling")
    return killed(world.first, "SIGUSR1", SUBTREE, child), grandchild.pending, sibling.pending


@behaviour("FK-7", "FK-9", freebsd=(("ESRCH", 2, "nobody"), ["SIGUSR1"], ["SIGUSR1"], []))
def direct_children(world: World) -> object:
    """CHILDREN: also those from before ACQUIRE, none deeper; the call fails although it signalled."""
    before = world.first.fork("before")
    child = world.first.acquire().fork("child")
    grandchild = child.fork("grandchild")
    return killed(world.first, "SIGUSR1", CHILDREN), before.pending, child.pending, grandchild.pending


@behaviour("FK-4", "FK-2", freebsd=(("ESRCH", 0, "nobody"), ("ESRCH", 0, "nobody")))
def nobody_is_there(world: World) -> object:
    """An empty domain, or one of zombies only: ESRCH."""
    world.first.acquire()
    empty = killed(world.first, "SIGUSR1")
    world.first.fork("zombie").exit()
    return empty, killed(world.first, "SIGUSR1")


@behaviour("FK-2", freebsd=("EINVAL",) * 5 + ([],))
def what_is_no_request(world: World) -> object:
    """A signal that is none, unknown flags, both flags: EINVAL, and no process is signalled."""
    child = world.first.acquire().fork("child")
    requests = ((0, 0), (-1, 0), (129, 0), (15, 4), (15, CHILDREN | SUBTREE))
    return (*[killed(world.first, *request)[0] for request in requests], child.pending)


@behaviour("FD-1", freebsd=("EFAULT", "EFAULT", "TypeError", "TypeError"))
def a_request_that_is_missing(world: World) -> object:
    """NULL and a bad pointer: EFAULT; anything but a ReaperKill is no call at all."""
    return tuple(outcome(world.first.procctl, "PROC_REAP_KILL", *data) for data in ((NULL,), (BAD_POINTER,), (15,), ()))


@behaviour("FK-3", freebsd=(("ok", 2, "nobody"), [("child", "SIGKILL"), ("grandchild", "SIGKILL")]))
def sigkill_for_everybody(world: World) -> object:
    """The reaper can wait for all of them afterwards."""
    child = world.first.acquire().fork("child")
    grandchild = child.fork("grandchild")
    result = killed(world.first, "SIGKILL")
    return result, [outcome(world.first.wait, dead) for dead in (child, grandchild)]
