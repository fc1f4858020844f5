"""Every public name, used as a program would use it.  Never run: ``mypy --strict`` reads it (ci/check.sh)."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

from typing_extensions import assert_type

import pydfly
from pydfly import aio, constants, errors, pdeathsig, reaper, resident, simkernel, structs, testing
from pydfly.constants import dragonfly, freebsd


def the_raw_layer() -> None:
    status = pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_STATUS)
    assert_type(status, pydfly.ReaperStatus | pydfly.ReaperStatusFreeBSD)
    assert_type((status.flags, status.owned), tuple[int, bool])
    assert_type(pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_STATUS), int)
    assert_type(pydfly.procctl(0, 0, 3), Any)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_REAP_ACQUIRE)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, signal.SIGTERM)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, pydfly.NULL)
    pydfly.procctl(pydfly.P_PID, 0, pydfly.PROC_PDEATHSIG_CTL, pydfly.BAD_POINTER)
    pydfly.exec_sys_register(0x1000, unsafe=True)
    assert_type(pydfly.exec_sys_unregister(-2), int)


def commands_of_one_system() -> None:
    status = pydfly.procctl(0, 0, dragonfly.PROC_REAP_STATUS)
    assert_type(status, pydfly.ReaperStatus)
    assert_type((status.flags, status.refs, status.pid_head), tuple[int, int, int])
    assert_type(pydfly.procctl(0, 0, dragonfly.PROC_REAP_STATUS, pydfly.NULL), pydfly.ReaperStatus | None)
    assert_type(pydfly.procctl(0, 0, dragonfly.Command.PROC_PDEATHSIG_STATUS), int)
    assert_type(pydfly.procctl(0, 0, freebsd.PROC_REAP_STATUS), pydfly.ReaperStatusFreeBSD)
    assert_type(pydfly.procctl(0, 0, freebsd.PROC_REAP_STATUS).children, int | None)
    members = pydfly.procctl(0, 0, freebsd.PROC_REAP_GETPIDS, 10)
    assert_type(members, list[pydfly.ReaperPidInfo])
    for member in members:
        assert_type((member.pid, member.subtree, member.flags), tuple[int, int, int])
    killed = pydfly.procctl(freebsd.P_PID, 0, freebsd.PROC_REAP_KILL, pydfly.ReaperKill(9, flags=1))
    assert_type(killed, pydfly.ReaperKilled)
    assert_type((killed.killed, killed.fpid), tuple[int, int])
    assert_type(pydfly.procctl(0, 0, freebsd.PROC_TRACE_STATUS), int)
    pydfly.procctl(0, 0, freebsd.PROC_TRACE_CTL, freebsd.PROC_TRACE_CTL_DISABLE)


def what_type_checkers_refuse() -> None:
    pydfly.procctl("0", 0, 1)  # type: ignore[call-overload]
    pydfly.procctl(0, 0, dragonfly.PROC_REAP_ACQUIRE, "0")  # type: ignore[call-overload]
    print(pydfly.procctl(0, 0, pydfly.PROC_REAP_STATUS).children)  # type: ignore[union-attr]
    print(pydfly.procctl(0, 0, dragonfly.PROC_REAP_STATUS).children)  # type: ignore[attr-defined]
    print(pydfly.procctl(0, 0, constants.freebsd.PROC_REAP_STATUS).refs)  # type: ignore[attr-defined]
    print(pydfly.procctl(0, 0, freebsd.PROC_REAP_KILL, pydfly.ReaperKill(9)).pid)  # type: ignore[attr-defined]
    print(pydfly.procctl(0, 0, freebsd.PROC_REAP_GETPIDS).pid)  # type: ignore[attr-defined]
    print(pydfly.procctl(0, 0, pydfly.PROC_REAP_RELEASE).flags)  # type: ignore[attr-defined]
    number: str = pydfly.procctl(0, 0, pydfly.PROC_PDEATHSIG_STATUS)  # type: ignore[assignment]
    assert number


def backends() -> None:
    assert_type(pydfly.backend(), pydfly.BackendInfo)
    assert_type((pydfly.backend().name, pydfly.backend().live), tuple[str, bool])
    pydfly.use("linux", euid=0, state_dir="/tmp/x")
    with pydfly.use("sim:freebsd", version="main") as backend:
        assert_type(backend.name, str)


def errors_are_what_people_catch() -> None:
    try:
        reaper.acquire()
    except pydfly.AlreadyReaperError as error:
        assert_type((error.syscall, error.reason, error.errno_name), tuple[str, str, str])
        assert_type(error.errno, int | None)
        assert_type(error.result, object)
    except (pydfly.NotReaperError, pydfly.NotRegistrableError, pydfly.SyscallError) as refused:
        raised: OSError = refused
        raise raised from None
    except pydfly.SurvivorsError as left:
        assert_type(left.survivors, list[pydfly.Survivor])
    except (pydfly.BackendError, pydfly.UnsafeRegistrationError) as failed:
        runtime: RuntimeError = failed
        raise runtime from None
    warnings: list[type[UserWarning]] = [pydfly.SimulatedBackendWarning, pydfly.UnsafeRegistrationWarning]
    assert_type(warnings[0], type[UserWarning])
    assert_type(errors.refusal("procctl", "EPERM"), errors.SyscallError)


def reaper_domains() -> None:
    assert_type(reaper.acquired(), AbstractContextManager[None])
    assert_type(reaper.owned(), bool)
    status = reaper.status()
    assert_type(status, pydfly.DomainStatus)
    assert_type((status.owned, status.reaper_pid, status.descendants), tuple[bool, int | None, int | None])
    for member in reaper.descendants():
        assert_type(member, pydfly.DescendantInfo)
        assert_type((member.pid, member.name, member.start_time), tuple[int, str, float])
    for dead in reaper.reap(ignore={1, 2}):
        assert_type(dead, pydfly.Reaped)
    report = reaper.kill_all(signal.SIGTERM, grace=1)
    assert_type(report, pydfly.KillReport)
    assert_type((report.ended, report.seconds), tuple[list[pydfly.DescendantInfo], float])
    reaper.release()


def parent_death_signal() -> None:
    pdeathsig.set(signal.SIGKILL, expected_parent=1)
    pdeathsig.set(9)
    assert_type(pdeathsig.get(), int)
    pdeathsig.clear()
    assert_type(pdeathsig.popen(["true"], signal.SIGTERM).wait(), int)


def resident_programs() -> None:
    resident.register("/bin/ls", force=True)
    for entry in resident.entries():
        assert_type(entry, pydfly.ResidentEntry)
        assert_type((entry.id, entry.path, entry.dev, entry.ino), tuple[int, str, int, int])
    assert_type(resident.unregister(1), int)
    resident.unregister_program("/bin/ls", force=False)
    assert_type(resident.unregister_all(), int)
    assert_type(resident.read_conf(), list[str])
    assert_type(resident.apply_conf("/etc/resident.conf"), list[resident.Applied])
    resident.apply_conf("/etc/resident.conf", force=True)
    assert_type(resident.applying("/etc/resident.conf"), Iterator[resident.Applied])


def supervised() -> None:
    with pydfly.supervise(
        ["sh", b"-c", "true"],
        grace=1,
        pdeathsig=signal.SIGKILL,
        spare=lambda process: process.name == "tmux",
        env={"PATH": "/bin"},
        cwd="/",
        stdin=None,
        stdout=-1,
        stderr=2,
        pass_fds=[3],
        stop_signal=signal.SIGINT,
        kill_mode="everyone",
        timeout=60,
        wait_all=False,
        user="nobody",
        group=0,
        extra_groups=["daemon", 1],
        umask=0o077,
        process_group=0,
        start_new_session=True,
        interpreter="/usr/bin/python3",
    ) as service:
        assert_type(service, pydfly.Supervised)
        assert_type(service.wait_started(timeout=1.0), int)
        assert_type(service.pid, int)
        assert_type(service.processes(), list[pydfly.DescendantInfo])
        assert_type(service.plan(), list[pydfly.Step])
        assert_type(service.fileno(), int)
        assert_type(service.stdout, IO[bytes] | None)
        service.signal(signal.SIGHUP)
        service.stop(grace=0)
        assert_type(service.wait(timeout=None), int | None)
        assert_type(service.wait_command(timeout=1), int | None)
        assert_type(service.exit_status, int | None)
        assert_type(service.is_over(), bool)
        service.ask_to_stop()
        service.close()
    report = service.report
    assert_type(report, pydfly.Report)
    for process in report.processes:
        assert_type(process, pydfly.ProcessRecord)
        assert_type(process.rusage, pydfly.Usage | None)
    assert_type(report.survivors, list[pydfly.Survivor])
    assert_type(report.as_dict()["command"], Any)
    unknown: type[RuntimeError] = pydfly.SupervisionError
    assert unknown


def many_supervised() -> None:
    with pydfly.Supervisor(grace=1.0) as supervisor:
        service = supervisor.supervise(["worker"], cwd=Path("/"), env={b"PATH": b"/bin"}, grace=2)
        assert_type(service, pydfly.Supervised)
        assert_type(supervisor.fileno(), int)
        assert_type(supervisor.wait_any(1.0), list[pydfly.Supervised])
        supervisor.stop(grace=0)
        supervisor.close()


def kept_running() -> None:
    with pydfly.Supervisor() as supervisor:
        service = supervisor.service(
            "web",
            ["server"],
            restart="always",
            delay=1.0,
            backoff=2,
            max_delay=60,
            limit=(5, 60.0),
            ends_with="command",
            ready="notify",
            ready_timeout=30,
            log=Path("web.log"),
            log_ring=4096,
            user="nobody",
            env={"A": "b"},
        )
        assert_type(service, pydfly.Service)
        service.start()
        assert_type(service.wait_ready(timeout=1.0), pydfly.ServiceStatus)
        assert_type(service.status().pid, int | None)
        assert_type(service.log(), bytes)
        service.reopen_log()
        service.restart(grace=1)
        service.stop()
        service.close()


async def supervised_in_a_loop() -> None:
    async with aio.supervise(["true"], grace=1.0) as service:
        assert_type(service, aio.Supervised)
        assert_type(await service.wait_started(), int)
        assert_type(await service.processes(), list[structs.DescendantInfo])
        await service.signal(signal.SIGHUP)
        await service.stop()
        assert_type(await asyncio.wait_for(service.wait(), 1), int | None)
        assert_type(await service.wait_command(1), int | None)
        assert_type(service.stdin, asyncio.StreamWriter | None)
        assert_type(service.stdout, asyncio.StreamReader | None)
    async with aio.Supervisor() as supervisor:
        assert_type(supervisor.supervise(["true"]), aio.Supervised)
        assert_type(await supervisor.wait_any(), list[aio.Supervised])
        kept = supervisor.service("web", ["server"], restart="always", limit=None, ready=3, log=Path("l"), umask=0)
        assert_type(kept, aio.Service)
        await kept.start()
        assert_type(await kept.wait_ready(timeout=1), pydfly.ServiceStatus)
        assert_type(await kept.status(), pydfly.ServiceStatus)
        assert_type(await kept.log(), bytes)
        await kept.reopen_log()
        await kept.restart(grace=1)
        await kept.stop()
        kept.close()


def simulated_kernels() -> None:
    kernel = simkernel.boot("freebsd", version="13.2")
    assert_type(kernel, simkernel.Kernel)
    process = kernel.spawn("/bin/sh", uid=0)
    assert_type(process, simkernel.Process)
    assert_type(process.fork(), simkernel.Process)
    assert_type(process.wait(nohang=True), tuple[int, int] | None)
    faults: list[type[Exception]] = [simkernel.KernelPanic, simkernel.SimulationError]
    assert_type(faults[0], type[Exception])
    with pydfly.use(process):
        reaper.acquire()


def tests_of_others() -> None:
    with testing.simulated("dragonfly", uid=0) as process:
        assert_type(process, simkernel.Process)
    testing.check_backend("linux")
    try:
        testing.check_backend("sim")
    except testing.ConformanceError as error:
        assertion: AssertionError = error
        raise assertion from None


def constants_of_the_flavour_in_force() -> Any:
    assert_type(int(pydfly.REAPER_STAT_OWNED | pydfly.REAPER_STAT_REALINIT), int)
    return constants.of("freebsd")
