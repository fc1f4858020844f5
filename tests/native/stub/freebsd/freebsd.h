/*
 * The declarations of FreeBSD's C library that the shim uses: its numbers and layouts, in our words.
 * Included after the C library of the machine that the tests run on, whose names of the same kind are put aside.
 */
#ifndef STUB_FREEBSD_H
#define STUB_FREEBSD_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#ifdef __linux__
#error "compile with -D__FreeBSD__ -U__linux__"
#endif

#include <errno.h>
#define ENOTCAPABLE 9093 /* FreeBSD says 93; 93 and 94 are other errors on the machine of the tests */
#define ECAPMODE 9094 /* FreeBSD says 94 */

typedef int64_t stub_id_t;
#define id_t stub_id_t
typedef enum {
    STUB_P_PID, STUB_P_PPID, STUB_P_PGID, STUB_P_SID, STUB_P_CID, STUB_P_UID, STUB_P_GID, STUB_P_ALL, STUB_P_LWPID,
    STUB_P_TASKID, STUB_P_PROJID, STUB_P_POOLID, STUB_P_JAILID, STUB_P_CTID, STUB_P_CPUID, STUB_P_PSETID
} stub_idtype_t;
#define idtype_t stub_idtype_t
#define P_PID STUB_P_PID
#define P_PPID STUB_P_PPID
#define P_PGID STUB_P_PGID
#define P_SID STUB_P_SID
#define P_CID STUB_P_CID
#define P_UID STUB_P_UID
#define P_GID STUB_P_GID
#define P_ALL STUB_P_ALL
#define P_LWPID STUB_P_LWPID
#define P_TASKID STUB_P_TASKID
#define P_PROJID STUB_P_PROJID
#define P_POOLID STUB_P_POOLID
#define P_JAILID STUB_P_JAILID
#define P_CTID STUB_P_CTID
#define P_CPUID STUB_P_CPUID
#define P_PSETID STUB_P_PSETID

/* sys/procctl.h, machine/procctl.h */
#define PROC_SPROTECT 1
#define PROC_REAP_ACQUIRE 2
#define PROC_REAP_RELEASE 3
#define PROC_REAP_STATUS 4
#define PROC_REAP_GETPIDS 5
#define PROC_REAP_KILL 6
#define PROC_TRACE_CTL 7
#define PROC_TRACE_STATUS 8
#define PROC_TRAPCAP_CTL 9
#define PROC_TRAPCAP_STATUS 10
#define PROC_PDEATHSIG_CTL 11
#define PROC_PDEATHSIG_STATUS 12
#define PROC_ASLR_CTL 13
#define PROC_ASLR_STATUS 14
#define PROC_PROTMAX_CTL 15
#define PROC_PROTMAX_STATUS 16
#define PROC_STACKGAP_CTL 17
#define PROC_STACKGAP_STATUS 18
#define PROC_NO_NEW_PRIVS_CTL 19
#define PROC_NO_NEW_PRIVS_STATUS 20
#define PROC_WXMAP_CTL 21
#define PROC_WXMAP_STATUS 22
#ifndef STUB_OLD_HEADERS
#define PROC_LOGSIGEXIT_CTL 23
#define PROC_LOGSIGEXIT_STATUS 24
#endif
#define PROC_PROCCTL_MD_MIN 0x10000000
#define PROC_KPTI_CTL (PROC_PROCCTL_MD_MIN + 0)
#define PROC_KPTI_STATUS (PROC_PROCCTL_MD_MIN + 1)
#define PROC_LA_CTL (PROC_PROCCTL_MD_MIN + 2)
#define PROC_LA_STATUS (PROC_PROCCTL_MD_MIN + 3)

#define PPROT_SET 1
#define PPROT_CLEAR 2
#define PPROT_DESCEND 0x10
#define PPROT_INHERIT 0x20
#define REAPER_STATUS_OWNED 1
#define REAPER_STATUS_REALINIT 2
#define REAPER_PIDINFO_VALID 1
#define REAPER_PIDINFO_CHILD 2
#define REAPER_PIDINFO_REAPER 4
#define REAPER_PIDINFO_ZOMBIE 8
#define REAPER_PIDINFO_STOPPED 0x10
#define REAPER_PIDINFO_EXITING 0x20
#define REAPER_KILL_CHILDREN 1
#define REAPER_KILL_SUBTREE 2
#define PROC_TRACE_CTL_ENABLE 1
#define PROC_TRACE_CTL_DISABLE 2
#define PROC_TRACE_CTL_DISABLE_EXEC 3
#define PROC_TRAPCAP_CTL_ENABLE 1
#define PROC_TRAPCAP_CTL_DISABLE 2
#define PROC_ASLR_FORCE_ENABLE 1
#define PROC_ASLR_FORCE_DISABLE 2
#define PROC_ASLR_NOFORCE 3
#define PROC_ASLR_ACTIVE 0x80000000
#define PROC_PROTMAX_FORCE_ENABLE 1
#define PROC_PROTMAX_FORCE_DISABLE 2
#define PROC_PROTMAX_NOFORCE 3
#define PROC_PROTMAX_ACTIVE 0x80000000
#define PROC_STACKGAP_ENABLE 1
#define PROC_STACKGAP_DISABLE 2
#define PROC_STACKGAP_ENABLE_EXEC 4
#define PROC_STACKGAP_DISABLE_EXEC 8
#define PROC_NO_NEW_PRIVS_ENABLE 1
#define PROC_NO_NEW_PRIVS_DISABLE 2
#define PROC_WX_MAPPINGS_PERMIT 1
#define PROC_WX_MAPPINGS_DISALLOW_EXEC 2
#define PROC_WXORX_ENFORCE 0x80000000
#define PROC_LOGSIGEXIT_CTL_NOFORCE 1
#define PROC_LOGSIGEXIT_CTL_FORCE_ENABLE 2
#define PROC_LOGSIGEXIT_CTL_FORCE_DISABLE 3
#define PROC_KPTI_CTL_ENABLE_ON_EXEC 1
#define PROC_KPTI_CTL_DISABLE_ON_EXEC 2
#define PROC_KPTI_STATUS_ACTIVE 0x80000000
#define PROC_LA_CTL_LA48_ON_EXEC 1
#define PROC_LA_CTL_LA57_ON_EXEC 2
#define PROC_LA_CTL_DEFAULT_ON_EXEC 3
#define PROC_LA_STATUS_LA48 0x01000000
#define PROC_LA_STATUS_LA57 0x02000000

struct procctl_reaper_status {
    unsigned int rs_flags, rs_children, rs_descendants;
    pid_t rs_reaper, rs_pid;
    unsigned int rs_pad0[15];
};
struct procctl_reaper_pidinfo { pid_t pi_pid, pi_subtree; unsigned int pi_flags, pi_pad0[15]; };
struct procctl_reaper_pids { unsigned int rp_count, rp_pad0[15]; struct procctl_reaper_pidinfo *rp_pids; };
struct procctl_reaper_kill {
    int rk_sig;
    unsigned int rk_flags;
    pid_t rk_subtree;
    unsigned int rk_killed;
    pid_t rk_fpid;
    unsigned int rk_pad0[15];
};
int procctl(idtype_t idtype, id_t id, int cmd, void *data);

/* sys/syscall.h */
#define SYS_procctl 544

/* sys/module.h */
#ifdef STUB_OLD_HEADERS
#define STUB_MODULE_NAME 32
#else
#define STUB_MODULE_NAME 1024
#endif
typedef union { int intval; unsigned int uintval; long longval; unsigned long ulongval; } modspecific_t;
struct module_stat { int version; char name[STUB_MODULE_NAME]; int refs, id; modspecific_t data; };
int modfind(const char *name);
int modstat(int id, struct module_stat *stat);

/* sys/sysctl.h, sys/proc.h, sys/user.h; of the record only what is used, in an order of ours */
#define CTL_KERN 1
#define KERN_PROC 14
#define KERN_PROC_PID 1
#define KERN_PROC_PROC 8
#define SIDL 1
#define SRUN 2
#define SSLEEP 3
#define SSTOP 4
#define SZOMB 5
#define SWAIT 6
#define SLOCK 7
#define TDF_SINTR 8
struct kinfo_proc {
    int ki_structsize;
    pid_t ki_pid, ki_ppid;
    struct timeval ki_start;
    char ki_stat;
    char ki_comm[20];
    long ki_tdflags;
};
int sysctl(const int *mib, unsigned int length, void *old, size_t *old_length, const void *new, size_t new_length);
int sysctlbyname(const char *name, void *old, size_t *old_length, const void *new, size_t new_length);
#endif
