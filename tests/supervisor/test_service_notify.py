"""$NOTIFY_SOCKET: only descendants are heard, and what they say is taken apart."""

from __future__ import annotations

import array
import os
import socket
import subprocess
import sys

import pytest

from pydfly.supervisor.services.event_loop import EventLoop
from pydfly.supervisor.services.notify_socket import AVAILABLE, Notice, NotifySocket, ancestors, parse
from tests.processes import eventually, in_process

pytestmark = pytest.mark.skipif(not AVAILABLE, reason="only Linux tells who has sent a datagram")

SEND = "import socket, sys; s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM); s.sendto({data!r}, {address!r})"


def heard(data: bytes, *, by_child: bool) -> list[Notice]:
    """Return the notices of one datagram, from a child or from a process that is no descendant."""
    loop = EventLoop()
    notices: list[Notice] = []
    notify = NotifySocket(loop, notices.append)
    code = SEND.format(data=data, address="\0" + notify.address)
    if by_child:
        child = subprocess.Popen([sys.executable, "-c", code + "; sys.stdin.read()"], stdin=subprocess.PIPE)
        eventually(lambda: loop.turn(0) or notices)
        child.communicate()
    else:
        stranger = f"import os\nif os.fork() == 0:\n os.setsid()\n {code}\nelse: os.wait()"
        reading, writing = os.pipe()
        script = f"import os\nif os.fork(): os._exit(0)\nos.read({reading}, 1)\n{stranger}"
        subprocess.run([sys.executable, "-c", script], pass_fds=[reading])
        os.write(writing, b"!")
        os.close(reading)
        loop.turn(10)
        os.close(writing)
    notify.close()
    return notices


def test_a_child_is_heard_with_its_lineage() -> None:
    (notice,) = heard(b"READY=1\nSTATUS=up a=b\nnothing\n=x\nMAINPID=12", by_child=True)
    assert notice.values == {"READY": "1", "STATUS": "up a=b", "MAINPID": "12"}
    assert len(notice.lineage) == 1


def test_a_stranger_is_not_heard() -> None:
    """An orphan that went to another reaper is no descendant here."""
    assert heard(b"READY=1", by_child=False) == []


def test_a_barrier_is_let_go() -> None:
    """BARRIER=1 sends a descriptor whose end tells that everything before was read."""

    def scenario() -> None:
        loop = EventLoop()
        notify = NotifySocket(loop, lambda notice: None)
        reading, writing = os.pipe()
        sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        rights = array.array("i", [writing])
        sender.sendmsg([b"BARRIER=1"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, rights)], 0, "\0" + notify.address)
        os.close(writing)
        loop.turn(10)
        assert os.read(reading, 1) == b""
        notify.close()

    in_process(scenario)


def test_lineage() -> None:
    assert ancestors(os.getpid()) == [os.getpid()]
    assert ancestors(os.getppid()) == []
    assert ancestors(2**22 + 1) == []


def test_datagrams_of_any_bytes() -> None:
    assert parse(b"\xff=\xfe\n\n==\nA=") == {"\udcff": "\udcfe", "A": ""}
