"""Wrong lines for the native binding; see ``tests.mutations``.  Files are named from the root."""

from __future__ import annotations

from ..mutations import Mutation

BUILD = "build_ffi.py"
DRAGONFLY = "pydfly/backends/native/dragonfly.py"
FREEBSD = "pydfly/backends/native/freebsd.py"
RAW = "pydfly/backends/native/rawcall.py"
BINDING = "pydfly/backends/native/binding.py"
NATIVE = "pydfly/backends/native/backend.py"
CHOSEN = "pydfly/backends/native/__init__.py"
BARE = "pydfly/backends/bsd_helper_calls.py"
PROCESSES = "pydfly/backends/native/processes.py"
RTLD = "pydfly/backends/native/residency.py"
OUTSIDERS = "pydfly/backends/outsiders.py"

MUTATIONS = [
    # two constants, two offsets, two fields changed places
    Mutation(
        "DragonFly commands",
        BUILD,
        '"PROC_REAP_ACQUIRE": 1, "PROC_REAP_RELEASE": 2',
        '"PROC_REAP_ACQUIRE": 2, "PROC_REAP_RELEASE": 1',
    ),
    Mutation(
        "DragonFly flags",
        BUILD,
        '"REAPER_STAT_OWNED": 1, "REAPER_STAT_REALINIT": 2',
        '"REAPER_STAT_OWNED": 2, "REAPER_STAT_REALINIT": 1',
    ),
    Mutation("system call numbers", BUILD, '"SYS_procctl": 544', '"SYS_procctl": 536'),
    Mutation(
        "FreeBSD commands",
        BUILD,
        '"PROC_REAP_GETPIDS": 5, "PROC_REAP_KILL": 6',
        '"PROC_REAP_GETPIDS": 6, "PROC_REAP_KILL": 5',
    ),
    Mutation("FreeBSD flags", BUILD, '"REAPER_KILL_CHILDREN": 0x1,', '"REAPER_KILL_CHILDREN": 0x2,'),
    Mutation("idtypes", BUILD, '"P_PID": 0, "P_PPID": 1', '"P_PID": 1, "P_PPID": 0'),
    Mutation("a constant left out", BUILD, '"REAPER_PIDINFO_STOPPED": 0x10, ', ""),
    Mutation(
        "reaper_status offsets", BUILD, '"flags": 0, "refs": 4, "reserved1"', '"flags": 4, "refs": 0, "reserved1"'
    ),
    Mutation("reaper_status size", BUILD, '"struct reaper_status": (192', '"struct reaper_status": (188'),
    Mutation("xresident size", BUILD, '"struct xresident": (1168', '"struct xresident": (1160'),
    Mutation("rs_reaper, rs_pid", BUILD, '"rs_reaper": 12, "rs_pid": 16', '"rs_reaper": 16, "rs_pid": 12'),
    Mutation("rk_killed", BUILD, '"rk_killed": 12', '"rk_killed": 16'),
    Mutation("everyone's threads too", BUILD, "KERN_PROC, KERN_PROC_PROC}", "KERN_PROC, KERN_PROC_PID}"),
    Mutation("pid and ppid", BUILD, "out->pid = from->PYDFLY_FIELD(pid);", "out->pid = from->PYDFLY_FIELD(ppid);"),
    Mutation(
        "seconds",
        BUILD,
        "out->microseconds = from->PYDFLY_FIELD(start).tv_usec;",
        "out->microseconds = from->PYDFLY_FIELD(start).tv_sec;",
    ),
    Mutation("dev and ino", BUILD, "out->dev = from->res_stat.st_dev;", "out->dev = from->res_stat.st_ino;"),
    Mutation(
        "the entry address", BUILD, "out->entry = from->res_entry_addr;", "out->entry = (int)from->res_entry_addr;"
    ),
    Mutation(
        "a name without NUL", BUILD, "strnlen(from->res_file, sizeof(from->res_file))", "sizeof(from->res_file) - 1"
    ),
    Mutation(
        "interruptible sleep",
        BUILD,
        "from->ki_tdflags & TDF_SINTR ? 'S' : 'D'",
        "from->ki_tdflags & TDF_SINTR ? 'D' : 'S'",
    ),
    Mutation(
        "DragonFly's interruptible sleep", BUILD, "kl_flags & PYDFLY_LWP_SINTR ||", "kl_flags & PYDFLY_TDF_SINTR ||"
    ),
    Mutation(
        "the boot time",
        BUILD,
        "(int64_t)booted.tv_sec * 1000000 + booted.tv_usec",
        "(int64_t)booted.tv_sec + booted.tv_usec",
    ),
    Mutation(
        "zombies", BUILD, "case SZOMB: return 'Z';\n    case SACTIVE:", "case SZOMB: return 'S';\n    case SACTIVE:"
    ),
    Mutation("the missing call", BUILD, "errno = ENOSYS;", "errno = EINVAL;"),
    Mutation("ECAPMODE", BUILD, "#define PYDFLY_ECAPMODE ECAPMODE", "#define PYDFLY_ECAPMODE ENOTCAPABLE"),
    # DragonFly
    Mutation("DP-10", DRAGONFLY, "refuse_fatal(memory[0])", "refuse_fatal(memory[0] + 1)"),
    Mutation("DP-10 before C's types", DRAGONFLY, "arguments.procctl(idtype, id, cmd)  #", "None  #"),
    Mutation(
        "fields of the record",
        DRAGONFLY,
        "tuple.__new__(ReaperStatus, (memory.flags, memory.refs,",
        "tuple.__new__(ReaperStatus, (memory.refs, memory.flags,",
    ),
    Mutation(
        "set and get",
        DRAGONFLY,
        "int(dragonfly.PROC_PDEATHSIG_CTL): self._set",
        "int(dragonfly.PROC_PDEATHSIG_CTL): self._get",
    ),
    Mutation("memory that is shared", BINDING, "self._buffers.pop()", "self._buffers[0]"),
    Mutation(
        "NULL for STATUS",
        BINDING,
        'self.call.writes_into(data, self.status_type, "PROC_REAP_STATUS")',
        'self.call.writes_into(OMITTED, self.status_type, "PROC_REAP_STATUS")',
    ),
    Mutation("EINVAL of RELEASE", DRAGONFLY, 'if idtype == 0 and id in (0, os.getpid()) else ""', 'if True else ""'),
    Mutation("who was there before", DRAGONFLY, "OUTSIDERS.note(before)", "OUTSIDERS.note([])"),
    Mutation("outsiders' children", OUTSIDERS, "or process.ppid in outside", ""),
    Mutation("a forked child", OUTSIDERS, "or self._of != os.getpid()", ""),
    # FreeBSD
    Mutation("K-4", FREEBSD, '"unsigned int *"', '"int *"'),
    Mutation("K-7", FREEBSD, "self.names_itself = True", "self.names_itself = False"),
    Mutation("K-7 only pids", BINDING, "and id == 0 == idtype:", "and id == 0:"),
    Mutation("K-7 only there", BINDING, "if self.names_itself and", "if"),
    Mutation("domains inside", FREEBSD, "found += children.pop(process.pid, ())", "pass"),
    Mutation(
        "children from before", FREEBSD, "children.pop(own, ()) if process.pid in pids]", "children.pop(own, ())]"
    ),
    Mutation("a parent that has died", FREEBSD, "and process.ppid not in listed", "and False"),
    Mutation("FK-11", FREEBSD, "if not status.owned:\n            raise", "if False:\n            raise"),
    Mutation("FK-11 all modes", FREEBSD, "_KILL_FLAGS = (0, int(freebsd.REAPER_KILL_CHILDREN),", "_KILL_FLAGS = (0,"),
    Mutation("FK-11 when told", FREEBSD, "if not self._unsafe_reap_kill and", "if"),
    Mutation(
        "the result of an error",
        FREEBSD,
        'raise self.call.refusal("procctl", failed, result=result)',
        'raise self.call.refusal("procctl", failed)',
    ),
    Mutation(
        "killed, fpid",
        FREEBSD,
        "ReaperKilled(request.rk_killed, request.rk_fpid)",
        "ReaperKilled(request.rk_fpid, request.rk_killed)",
    ),
    Mutation(
        "flags, subtree",
        FREEBSD,
        "request.rk_flags, request.rk_subtree = wish",
        "request.rk_subtree, request.rk_flags = wish",
    ),
    Mutation(
        "pid, subtree",
        FREEBSD,
        "ReaperPidInfo(entry.pi_pid, entry.pi_subtree,",
        "ReaperPidInfo(entry.pi_subtree, entry.pi_pid,",
    ),
    Mutation(
        "FP-3",
        FREEBSD,
        "            if not entry.pi_flags & int(freebsd.REAPER_PIDINFO_VALID):\n                break\n",
        "",
    ),
    Mutation("FP-5", FREEBSD, "            room *= 4\n", "            break\n"),
    Mutation(
        "children, descendants",
        FREEBSD,
        "memory.rs_children, memory.rs_descendants",
        "memory.rs_descendants, memory.rs_children",
    ),
    Mutation("FR-3", FREEBSD, 'told = "" if idtype != _P_PID or memory != self.call.null else', "told ="),
    # both
    Mutation(
        "the return value decides",
        RAW,
        "self.ffi.errno if self.lib.procctl(idtype, id, cmd, memory) else None",
        "self.lib.procctl(idtype, id, cmd, memory) and None or self.ffi.errno or None",
    ),
    Mutation(
        "a failure is a success", RAW, "if failed is not None:\n            unknown", "if False:\n            unknown"
    ),
    Mutation("names of errnos", RAW, 'errno.EOPNOTSUPP: "EOPNOTSUPP"', 'errno.EBUSY: "EALREADY"'),
    Mutation("floats", BINDING, "index(idtype), index(id), index(cmd)", "idtype, id, cmd"),
    Mutation("bad pointers", RAW, "            return self.bad\n", "            return self.null\n"),
    Mutation("ints behind pointers", RAW, 'memory[0] = arguments.c_value(data, "int", "data")', "memory[0] = 1"),
    # registration, residents, modules
    Mutation("RS-7", NATIVE, "if not unsafe and self._may_register():", "if False:"),
    Mutation(
        "the kernel's EPERM first",
        NATIVE,
        "return failed not in (errno.EPERM, errno.ENOSYS)",
        "return failed != errno.ENOSYS",
    ),
    Mutation("closefrom", BUILD, "    closefrom(lowest);\n", ""),
    Mutation("tracing stays possible", BARE, "_TRACE_CTL, _TRACE_DISABLE = 7, 2", "_TRACE_CTL, _TRACE_DISABLE = 7, 1"),
    Mutation("FK-11 in the helpers", BARE, "if not _status().rs_flags & _OWNED:", "if False:"),
    Mutation("a reaper is an error", BARE, "_ALREADY = (errno.EALREADY, errno.EBUSY)", "_ALREADY = ()"),
    Mutation(
        "ENOSYS before safety",
        NATIVE,
        "return failed not in (errno.EPERM, errno.ENOSYS)",
        "return failed != errno.EPERM",
    ),
    Mutation("RS-1", NATIVE, "return int(removed)", "return 0"),
    Mutation("which system", CHOSEN, "if built_for not in (flavour,", 'if built_for not in ("dragonfly", "freebsd",'),
    Mutation(
        "the size in the structure",
        NATIVE,
        'stat.version = self._ffi.sizeof("struct module_stat")',
        "stat.version = 44",
    ),
    Mutation("NUL in a name", NATIVE, 'if b"\\0" in path:', "if False:"),
    Mutation("VR-5", PROCESSES, "if failed != errno.ENOMEM:", "if True:"),
    Mutation("VR-3", RTLD, "length[0] + 4", "length[0] // size + 1"),
    Mutation("a clean environment", RTLD, '{variable: "yes"}', '{**os.environ, variable: "yes"}'),
    Mutation(
        "register, unregister",
        RTLD,
        'UNREGISTER_NOW = "LD_RESIDENT_UNREGISTER_NOW"',
        'UNREGISTER_NOW = "LD_RESIDENT_REGISTER_NOW"',
    ),
    Mutation("LD-4", RTLD, '2: "ENOENT", 17: "EEXIST"', '2: "EEXIST", 17: "ENOENT"'),
    Mutation("a crash", RTLD, 'f"signal {-code}"', 'f"signal {code}"'),
    Mutation("signals that Python ignores", RTLD, ", setsigdef=defaults", ""),
    # processes
    Mutation("a thread's sleep in the kernel", BUILD, "kl_tdflags & PYDFLY_TDF_SINTR", "kl_tdflags & 0"),
    Mutation("which system adds a boot time", PROCESSES, "_FREEBSD = 2", "_FREEBSD = 1"),
    Mutation("who cannot be watched", PROCESSES, "if pid not in self._living_children():", "if True:"),
    Mutation("records of another size", PROCESSES, "            if rest:\n", "            if False:\n"),
    Mutation("a clock that was set", PROCESSES, "self._read(pid, self._booted - before)", "self._read(pid, 0)"),
    Mutation("set during a listing", PROCESSES, "if self._boot_time() == before:", "if True:"),
    Mutation(
        "another process with the pid",
        PROCESSES,
        "if self.info(target.pid).start_time != target.start_time:",
        "if False:",
    ),
    Mutation("zombies are not watched", PROCESSES, 'and process.state != "zombie"', ""),
    Mutation("a listing for each birth", PROCESSES, "            if not listed:\n", "            if True:\n"),
    Mutation("threads of the kernel", PROCESSES, "if out.pid >= 0:", "if True:"),
    Mutation(
        "one pid",
        PROCESSES,
        "call.lib.pydfly_list_processes(pid, memory, length)",
        "call.lib.pydfly_list_processes(-1, memory, length)",
    ),
]
"""Wrong lines."""
