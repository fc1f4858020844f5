"""The C of this package: pydfly._native, built by cffi in out-of-line API mode against the limited API.

Runs by itself (``setup.py`` names it; it imports nothing of pydfly): ``python build_ffi.py FILE.c`` writes the C source
of the extension, ``python build_ffi.py --shim FILE.c`` only the part that is ours, which needs no Python headers.

Prototypes and records are the same on every system.  Where a system lacks a call, a stub refuses it with ENOSYS, so
that everything can be built, imported and called everywhere.  The constants and layouts below are what the rest of the
package believes; the compiler proves them against the headers of the system that they belong to.
"""

from __future__ import annotations

import sys
from pathlib import Path

CDEF = """
#define PYDFLY_SYSTEM ...
#define PYDFLY_ENOTCAPABLE ...
#define PYDFLY_ECAPMODE ...
#define PYDFLY_PROCESS_BYTES ...
#define PYDFLY_RESIDENT_BYTES ...

int procctl(unsigned int idtype, int64_t id, int cmd, void *data);
int exec_sys_register(void *entry);
int exec_sys_unregister(int id);

struct reaper_status { uint32_t flags; uint32_t refs; int pid_head; ...; };

struct procctl_reaper_status {
    unsigned int rs_flags; unsigned int rs_children; unsigned int rs_descendants; int rs_reaper; int rs_pid; ...;
};
struct procctl_reaper_pidinfo { int pi_pid; int pi_subtree; unsigned int pi_flags; ...; };
struct procctl_reaper_pids { unsigned int rp_count; struct procctl_reaper_pidinfo *rp_pids; ...; };
struct procctl_reaper_kill {
    int rk_sig; unsigned int rk_flags; int rk_subtree; unsigned int rk_killed; int rk_fpid; ...;
};

typedef union { int intval; ...; } modspecific_t;
struct module_stat { int version; char name[...]; int refs; int id; modspecific_t data; ...; };
int modfind(const char *name);
int modstat(int id, struct module_stat *stat);

struct pydfly_command { const char *name; int number; };
extern const struct pydfly_command pydfly_commands[...];

struct pydfly_process { int pid; int ppid; int64_t seconds; int64_t microseconds; char state; char name[32]; };
int pydfly_list_processes(int pid, void *records, size_t *bytes);
void pydfly_read_process(const void *records, size_t index, struct pydfly_process *out);
int64_t pydfly_boot_time(void);
int pydfly_close_from(int lowest);

struct pydfly_resident { int id; intptr_t entry; int64_t size; uint64_t dev; uint64_t ino; char path[1025]; };
int pydfly_list_residents(void *records, size_t *bytes);
void pydfly_read_resident(const void *records, size_t index, struct pydfly_resident *out);
"""

IDTYPES = {
    "P_PID": 0, "P_PPID": 1, "P_PGID": 2, "P_SID": 3, "P_CID": 4, "P_UID": 5, "P_GID": 6, "P_ALL": 7, "P_LWPID": 8,
    "P_TASKID": 9, "P_PROJID": 10, "P_POOLID": 11, "P_JAILID": 12, "P_CTID": 13, "P_CPUID": 14, "P_PSETID": 15,
}  # fmt: skip
"""Members of a C enum in both systems: they are always there."""

COMMANDS = {
    "DragonFly": {
        "PROC_REAP_ACQUIRE": 1, "PROC_REAP_RELEASE": 2, "PROC_REAP_STATUS": 3, "PROC_PDEATHSIG_CTL": 4,
        "PROC_PDEATHSIG_STATUS": 5,
    },
    "FreeBSD": {
        "PROC_SPROTECT": 1, "PROC_REAP_ACQUIRE": 2, "PROC_REAP_RELEASE": 3, "PROC_REAP_STATUS": 4,
        "PROC_REAP_GETPIDS": 5, "PROC_REAP_KILL": 6, "PROC_TRACE_CTL": 7, "PROC_TRACE_STATUS": 8,
        "PROC_TRAPCAP_CTL": 9, "PROC_TRAPCAP_STATUS": 10, "PROC_PDEATHSIG_CTL": 11, "PROC_PDEATHSIG_STATUS": 12,
        "PROC_ASLR_CTL": 13, "PROC_ASLR_STATUS": 14, "PROC_PROTMAX_CTL": 15, "PROC_PROTMAX_STATUS": 16,
        "PROC_STACKGAP_CTL": 17, "PROC_STACKGAP_STATUS": 18, "PROC_NO_NEW_PRIVS_CTL": 19,
        "PROC_NO_NEW_PRIVS_STATUS": 20, "PROC_WXMAP_CTL": 21, "PROC_WXMAP_STATUS": 22, "PROC_LOGSIGEXIT_CTL": 23,
        "PROC_LOGSIGEXIT_STATUS": 24, "PROC_KPTI_CTL": 0x10000000, "PROC_KPTI_STATUS": 0x10000001,
        "PROC_LA_CTL": 0x10000002, "PROC_LA_STATUS": 0x10000003,
    },
}  # fmt: skip
"""Commands of procctl.  A macro that the header lacks is data, not an error: the table of the module leaves it out."""

CONSTANTS = {
    "DragonFly": {
        "REAPER_STAT_OWNED": 1, "REAPER_STAT_REALINIT": 2, "SYS_exec_sys_register": 465,
        "SYS_exec_sys_unregister": 466, "SYS_procctl": 536,
    },
    "FreeBSD": {
        "REAPER_STATUS_OWNED": 1, "REAPER_STATUS_REALINIT": 2, "REAPER_PIDINFO_VALID": 0x1,
        "REAPER_PIDINFO_CHILD": 0x2, "REAPER_PIDINFO_REAPER": 0x4, "REAPER_PIDINFO_ZOMBIE": 0x8,
        "REAPER_PIDINFO_STOPPED": 0x10, "REAPER_PIDINFO_EXITING": 0x20, "REAPER_KILL_CHILDREN": 0x1,
        "REAPER_KILL_SUBTREE": 0x2, "PPROT_SET": 1, "PPROT_CLEAR": 2, "PPROT_DESCEND": 0x10, "PPROT_INHERIT": 0x20,
        "PROC_TRACE_CTL_ENABLE": 1, "PROC_TRACE_CTL_DISABLE": 2, "PROC_TRACE_CTL_DISABLE_EXEC": 3,
        "PROC_TRAPCAP_CTL_ENABLE": 1, "PROC_TRAPCAP_CTL_DISABLE": 2, "PROC_ASLR_FORCE_ENABLE": 1,
        "PROC_ASLR_FORCE_DISABLE": 2, "PROC_ASLR_NOFORCE": 3, "PROC_ASLR_ACTIVE": 0x80000000,
        "PROC_PROTMAX_FORCE_ENABLE": 1, "PROC_PROTMAX_FORCE_DISABLE": 2, "PROC_PROTMAX_NOFORCE": 3,
        "PROC_PROTMAX_ACTIVE": 0x80000000, "PROC_STACKGAP_ENABLE": 1, "PROC_STACKGAP_DISABLE": 2,
        "PROC_STACKGAP_ENABLE_EXEC": 4, "PROC_STACKGAP_DISABLE_EXEC": 8, "PROC_NO_NEW_PRIVS_ENABLE": 1,
        "PROC_NO_NEW_PRIVS_DISABLE": 2, "PROC_WX_MAPPINGS_PERMIT": 1, "PROC_WX_MAPPINGS_DISALLOW_EXEC": 2,
        "PROC_WXORX_ENFORCE": 0x80000000, "PROC_LOGSIGEXIT_CTL_NOFORCE": 1, "PROC_LOGSIGEXIT_CTL_FORCE_ENABLE": 2,
        "PROC_LOGSIGEXIT_CTL_FORCE_DISABLE": 3, "PROC_KPTI_CTL_ENABLE_ON_EXEC": 1,
        "PROC_KPTI_CTL_DISABLE_ON_EXEC": 2, "PROC_KPTI_STATUS_ACTIVE": 0x80000000, "PROC_LA_CTL_LA48_ON_EXEC": 1,
        "PROC_LA_CTL_LA57_ON_EXEC": 2, "PROC_LA_CTL_DEFAULT_ON_EXEC": 3, "PROC_LA_STATUS_LA48": 0x01000000,
        "PROC_LA_STATUS_LA57": 0x02000000, "PROC_PROCCTL_MD_MIN": 0x10000000, "SYS_procctl": 544,
    },
}  # fmt: skip
"""Macros of the two systems; those that a header lacks are not checked."""

LAYOUTS = {
    "DragonFly": {
        "struct reaper_status": (192, {"flags": 0, "refs": 4, "reserved1": 8, "pid_head": 128, "reserved2": 132}),
        "union reaper_info": (192, {"status": 0}),
        "struct xresident": (1168, {
            "res_entry_addr": 0, "res_id": 8, "res_file": 12, "res_stat": 1040, "res_stat.st_ino": 1040,
            "res_stat.st_nlink": 1048, "res_stat.st_dev": 1052, "res_stat.st_mode": 1056, "res_stat.st_uid": 1060,
            "res_stat.st_gid": 1064, "res_stat.st_rdev": 1068, "res_stat.st_size": 1120, "res_stat.st_blocks": 1128,
            "res_stat.st_flags": 1140, "res_stat.st_gen": 1144,
        }),
        "struct module_stat": (56, {"version": 0, "name": 4, "refs": 36, "id": 40, "data": 48}),
    },
    "FreeBSD": {
        "struct procctl_reaper_status": (80, {
            "rs_flags": 0, "rs_children": 4, "rs_descendants": 8, "rs_reaper": 12, "rs_pid": 16, "rs_pad0": 20,
        }),
        "struct procctl_reaper_pidinfo": (72, {"pi_pid": 0, "pi_subtree": 4, "pi_flags": 8, "pi_pad0": 12}),
        "struct procctl_reaper_pids": (72, {"rp_count": 0, "rp_pad0": 4, "rp_pids": 64}),
        "struct procctl_reaper_kill": (80, {
            "rk_sig": 0, "rk_flags": 4, "rk_subtree": 8, "rk_killed": 12, "rk_fpid": 16, "rk_pad0": 20,
        }),
    },
}  # fmt: skip
"""Sizes and offsets, in bytes, on machines with 64-bit pointers (and longs)."""

INCLUDES = """
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __DragonFly__
#include <sys/param.h>
#include <sys/procctl.h>
#include <sys/resident.h>
#include <sys/sysctl.h>
#include <sys/kinfo.h>
#include <sys/module.h>
#include <sys/syscall.h>
#define PYDFLY_SYSTEM 1
#elif defined(__FreeBSD__)
#include <sys/param.h>
#include <sys/procctl.h>
#include <sys/wait.h>
#include <sys/sysctl.h>
#include <sys/user.h>
#include <sys/module.h>
#include <sys/syscall.h>
#define PYDFLY_SYSTEM 2
#else
#define PYDFLY_SYSTEM 0
#endif
"""

SHIM = """
#ifdef ENOTCAPABLE
#define PYDFLY_ENOTCAPABLE ENOTCAPABLE
#else
#define PYDFLY_ENOTCAPABLE 0
#endif
#ifdef ECAPMODE
#define PYDFLY_ECAPMODE ECAPMODE
#else
#define PYDFLY_ECAPMODE 0
#endif

struct pydfly_command { const char *name; int number; };
struct pydfly_process { int pid; int ppid; int64_t seconds; int64_t microseconds; char state; char name[32]; };
struct pydfly_resident { int id; intptr_t entry; int64_t size; uint64_t dev; uint64_t ino; char path[1025]; };

#if PYDFLY_SYSTEM
_Static_assert(sizeof(id_t) == 8 && (id_t)-1 < 0, "id_t is a signed 64-bit integer");
_Static_assert(sizeof(pid_t) == 4 && (pid_t)-1 < 0, "pid_t is a signed 32-bit integer");
_Static_assert(sizeof(idtype_t) == 4, "idtype_t is an int");
_Static_assert(sizeof(modspecific_t) == sizeof(long), "the data of a module is a union of integers");
#endif

/* Records of the other system: the same prototypes everywhere */
#if PYDFLY_SYSTEM != 1
struct reaper_status { uint32_t flags, refs; long reserved1[15]; int pid_head; int reserved2[15]; };
#endif
#if PYDFLY_SYSTEM != 2
struct procctl_reaper_status {
    unsigned int rs_flags, rs_children, rs_descendants; int rs_reaper, rs_pid; unsigned int rs_pad0[15];
};
struct procctl_reaper_pidinfo { int pi_pid, pi_subtree; unsigned int pi_flags, pi_pad0[15]; };
struct procctl_reaper_pids { unsigned int rp_count, rp_pad0[15]; struct procctl_reaper_pidinfo *rp_pids; };
struct procctl_reaper_kill {
    int rk_sig; unsigned int rk_flags; int rk_subtree; unsigned int rk_killed; int rk_fpid; unsigned int rk_pad0[15];
};
#endif

#if PYDFLY_SYSTEM != 1
static int pydfly_missing(void)
{
    errno = ENOSYS;
    return -1;
}
#endif

#if PYDFLY_SYSTEM == 0
typedef union { int intval; long longval; } modspecific_t;
struct module_stat { int version; char name[32]; int refs, id; modspecific_t data; };
static int procctl(unsigned int idtype, int64_t id, int cmd, void *data)
{
    (void)idtype; (void)id; (void)cmd; (void)data;
    return pydfly_missing();
}
static int modfind(const char *name) { (void)name; return pydfly_missing(); }
static int modstat(int id, struct module_stat *stat) { (void)id; (void)stat; return pydfly_missing(); }
#endif

#if PYDFLY_SYSTEM == 1
#define PYDFLY_RESIDENT_BYTES sizeof(struct xresident)
static int pydfly_list_residents(void *records, size_t *bytes)
{
    return sysctlbyname("vm.resident", records, bytes, NULL, 0);
}
static void pydfly_read_resident(const void *records, size_t index, struct pydfly_resident *out)
{
    const struct xresident *from = (const struct xresident *)records + index;
    size_t length = strnlen(from->res_file, sizeof(from->res_file));

    memset(out, 0, sizeof(*out));
    out->id = from->res_id;
    out->entry = from->res_entry_addr;
    out->size = from->res_stat.st_size;
    out->dev = from->res_stat.st_dev;
    out->ino = from->res_stat.st_ino;
    memcpy(out->path, from->res_file, length < sizeof(out->path) ? length : sizeof(out->path) - 1);
}
#else
#define PYDFLY_RESIDENT_BYTES 0
static int exec_sys_register(void *entry) { (void)entry; return pydfly_missing(); }
static int exec_sys_unregister(int id) { (void)id; return pydfly_missing(); }
static int pydfly_list_residents(void *records, size_t *bytes)
{
    (void)records; (void)bytes;
    return pydfly_missing();
}
static void pydfly_read_resident(const void *records, size_t index, struct pydfly_resident *out)
{
    (void)records; (void)index;
    memset(out, 0, sizeof(*out));
}
#endif

/* closefrom(2): a value on DragonFly, nothing on FreeBSD, and no error on either */
#if PYDFLY_SYSTEM
static int pydfly_close_from(int lowest)
{
    closefrom(lowest);
    return 0;
}
#else
static int pydfly_close_from(int lowest) { (void)lowest; return pydfly_missing(); }
#endif

#if PYDFLY_SYSTEM
#define PYDFLY_PROCESS_BYTES sizeof(struct kinfo_proc)
/* Without a pid: everyone, one record for each process */
static int pydfly_list_processes(int pid, void *records, size_t *bytes)
{
    int one[4] = {CTL_KERN, KERN_PROC, KERN_PROC_PID, pid};
#if PYDFLY_SYSTEM == 1
    int all[3] = {CTL_KERN, KERN_PROC, KERN_PROC_ALL};
#else
    int all[3] = {CTL_KERN, KERN_PROC, KERN_PROC_PROC};
#endif
    return pid < 0 ? sysctl(all, 3, records, bytes, NULL, 0) : sysctl(one, 4, records, bytes, NULL, 0);
}
#if PYDFLY_SYSTEM == 1
/* Interruptible sleep, of a process and of a thread; only headers of the kernel name them: sys/proc.h, sys/thread.h */
enum { PYDFLY_LWP_SINTR = 0x8, PYDFLY_TDF_SINTR = 0x40 };
static char pydfly_state(const struct kinfo_proc *from)
{
    switch (from->kp_stat) {
    case SIDL: return 'I';
    case SSTOP: return 'T';
    case SZOMB: return 'Z';
    case SACTIVE:
        if (from->kp_lwp.kl_stat == LSRUN)
            return 'R';
        if (from->kp_lwp.kl_stat == LSSTOP)
            return 'T';
        return from->kp_lwp.kl_flags & PYDFLY_LWP_SINTR || from->kp_lwp.kl_tdflags & PYDFLY_TDF_SINTR ? 'S' : 'D';
    default: return '?';
    }
}
#define PYDFLY_FIELD(name) kp_##name
#else
static char pydfly_state(const struct kinfo_proc *from)
{
    switch (from->ki_stat) {
    case SIDL: return 'I';
    case SRUN: return 'R';
    case SSLEEP: return from->ki_tdflags & TDF_SINTR ? 'S' : 'D';
    case SSTOP: return 'T';
    case SZOMB: return 'Z';
    case SWAIT: return 'I';
    case SLOCK: return 'D';
    default: return '?';
    }
}
#define PYDFLY_FIELD(name) ki_##name
#endif
static void pydfly_read_process(const void *records, size_t index, struct pydfly_process *out)
{
    const struct kinfo_proc *from = (const struct kinfo_proc *)records + index;
    size_t length = strnlen(from->PYDFLY_FIELD(comm), sizeof(from->PYDFLY_FIELD(comm)));

    memset(out, 0, sizeof(*out));
    out->pid = from->PYDFLY_FIELD(pid);
    out->ppid = from->PYDFLY_FIELD(ppid);
    out->seconds = from->PYDFLY_FIELD(start).tv_sec;
    out->microseconds = from->PYDFLY_FIELD(start).tv_usec;
    out->state = pydfly_state(from);
    memcpy(out->name, from->PYDFLY_FIELD(comm), length < sizeof(out->name) ? length : sizeof(out->name) - 1);
}
/* Microseconds since the epoch, -1 on failure; moves when the clock is set */
static int64_t pydfly_boot_time(void)
{
    struct timeval booted;
    size_t bytes = sizeof(booted);

    if (sysctlbyname("kern.boottime", &booted, &bytes, NULL, 0) < 0)
        return -1;
    return (int64_t)booted.tv_sec * 1000000 + booted.tv_usec;
}
#else
static int64_t pydfly_boot_time(void) { return pydfly_missing(); }
#define PYDFLY_PROCESS_BYTES 0
static int pydfly_list_processes(int pid, void *records, size_t *bytes)
{
    (void)pid; (void)records; (void)bytes;
    return pydfly_missing();
}
static void pydfly_read_process(const void *records, size_t index, struct pydfly_process *out)
{
    (void)records; (void)index;
    memset(out, 0, sizeof(*out));
}
#endif
"""


def checks(system: str) -> str:
    """Return the assertions about one system: what its headers must say for the package to be right."""
    lines = [f'_Static_assert({name} == {number}, "{name}");' for name, number in IDTYPES.items()]
    for name, number in {**COMMANDS[system], **CONSTANTS[system]}.items():
        lines += [f"#ifdef {name}", f'_Static_assert({name} == {number}, "{name}");', "#endif"]
    lines.append("#ifdef __LP64__")
    for record, (size, fields) in LAYOUTS[system].items():
        lines.append(f'_Static_assert(sizeof({record}) == {size}, "{record}");')
        lines += [
            f'_Static_assert(offsetof({record}, {field}) == {at}, "{record}.{field}");' for field, at in fields.items()
        ]
    if system == "FreeBSD":  # names of modules have grown
        sizes = "sizeof(struct module_stat) == 56 || sizeof(struct module_stat) == 1048"
        lines.append(f'_Static_assert({sizes}, "struct module_stat");')
    return "\n".join([*lines, "#endif"])


def command_table() -> str:
    """Return the table of the commands whose macros the header has."""
    entries = []
    for system, guard in (("DragonFly", "PYDFLY_SYSTEM == 1"), ("FreeBSD", "PYDFLY_SYSTEM == 2")):
        for name in COMMANDS[system]:
            entries += [f"#if {guard} && defined({name})", f'    {{"{name}", {name}}},', "#endif"]
    return "\n".join(
        ["static const struct pydfly_command pydfly_commands[] = {", *entries, "    {NULL, 0},", "};"],
    )


def source() -> str:
    """Return the C that is ours."""
    proofs = f"#if PYDFLY_SYSTEM == 1\n{checks('DragonFly')}\n#elif PYDFLY_SYSTEM == 2\n{checks('FreeBSD')}\n#endif\n"
    return INCLUDES + SHIM + proofs + command_table() + "\n"


def main(arguments: list[str]) -> int:
    """Write C source to a file."""
    if len(arguments) == 2 and arguments[0] == "--shim":
        Path(arguments[1]).write_text(source())
    elif len(arguments) == 1:
        ffibuilder().emit_c_code(arguments[0])
    else:
        print("usage: build_ffi.py [--shim] FILE.c", file=sys.stderr)
        return 2
    return 0


def ffibuilder():  # type: ignore[no-untyped-def]  # cffi.FFI; --shim needs no cffi
    """Return what setuptools compiles (cffi calls this)."""
    from cffi import FFI

    builder = FFI()
    builder.cdef(CDEF)
    builder.set_source("pydfly._native", source(), depends=["build_ffi.py"])
    return builder


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
