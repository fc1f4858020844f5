/*
 * The declarations of DragonFly's C library that the shim uses: its numbers and layouts, in our words.
 * Included after the C library of the machine that the tests run on, whose names of the same kind are put aside.
 */
#ifndef STUB_DRAGONFLY_H
#define STUB_DRAGONFLY_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#ifdef __linux__
#error "compile with -D__DragonFly__ -U__linux__"
#endif

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

/* sys/procctl.h */
#define PROC_REAP_ACQUIRE 1
#define PROC_REAP_RELEASE 2
#define PROC_REAP_STATUS 3
#ifndef STUB_OLD_HEADERS
#define PROC_PDEATHSIG_CTL 4
#define PROC_PDEATHSIG_STATUS 5
#endif
#define REAPER_STAT_OWNED 1
#define REAPER_STAT_REALINIT 2
struct reaper_status { uint32_t flags, refs; long reserved1[15]; pid_t pid_head; int reserved2[15]; };
union reaper_info { struct reaper_status status; };
int procctl(idtype_t idtype, id_t id, int cmd, void *data);

/* sys/resident.h */
struct stub_stat {
    uint64_t st_ino;
    uint32_t st_nlink, st_dev;
    uint16_t st_mode, st_padding1;
    uint32_t st_uid, st_gid, st_rdev;
    int64_t times[6];
    int64_t st_size, st_blocks;
    uint32_t st_oblksize, st_flags, st_gen;
    int32_t st_lspare;
    int64_t st_blksize, st_qspare;
};
struct xresident { intptr_t res_entry_addr; int res_id; char res_file[1024]; struct stub_stat res_stat; };
int exec_sys_register(void *entry);
int exec_sys_unregister(int id);

/* sys/syscall.h */
#define SYS_exec_sys_register 465
#define SYS_exec_sys_unregister 466
#define SYS_procctl 536

/* sys/module.h */
typedef union { int intval; unsigned int uintval; long longval; unsigned long ulongval; } modspecific_t;
struct module_stat { int version; char name[32]; int refs, id; modspecific_t data; };
int modfind(const char *name);
int modstat(int id, struct module_stat *stat);

/* sys/sysctl.h, sys/kinfo.h; of the records only what is used, in an order of ours */
#define CTL_KERN 1
#define KERN_PROC 14
#define KERN_PROC_ALL 0
#define KERN_PROC_PID 1
enum procstat { SIDL = 1, SACTIVE, SSTOP, SZOMB, SCORE };
enum lwpstat { LSRUN = 1, LSSTOP, LSSLEEP };
struct kinfo_lwp { int kl_pid; int kl_flags; enum lwpstat kl_stat; int kl_tdflags; };
struct kinfo_proc {
    int kp_flags;
    enum procstat kp_stat;
    struct timeval kp_start;
    char kp_comm[17];
    pid_t kp_pid, kp_ppid;
    struct kinfo_lwp kp_lwp;
    int kp_spare[2];
};
int sysctl(const int *mib, unsigned int length, void *old, size_t *old_length, const void *new, size_t new_length);
int sysctlbyname(const char *name, void *old, size_t *old_length, const void *new, size_t new_length);
#endif
