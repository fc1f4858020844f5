/* A stub of FreeBSD's kernel: kern_procctl() and kern.proc, as far as a caller can tell. */
#include <freebsd.h>
#include "recorder.h"

#define STUB_EVERYONE KERN_PROC_PROC

static int stub_shown_by_pid(const struct stub_process *process) { return process->pid >= 0; }
static int stub_not_found(void) { return stub_refuse(ESRCH); }

static void stub_fill(const struct stub_process *process, struct kinfo_proc *record)
{
    memset(record, 0, sizeof(*record));
    record->ki_structsize = sizeof(*record);
    record->ki_pid = process->pid;
    record->ki_ppid = process->ppid;
    record->ki_stat = process->stat;
    record->ki_tdflags = process->detail;
    record->ki_start.tv_sec = process->seconds;
    record->ki_start.tv_usec = process->microseconds;
    strncpy(record->ki_comm, process->name, sizeof(record->ki_comm) - 1);
}

#include "recorder.c"

static struct procctl_reaper_pidinfo members[1024];
static unsigned int member_count;
static int values[26], machine_values[4]; /* by number of the _CTL command */
static unsigned int killed;
static int failed_pid, kill_error;

void stub_add_member(int pid, int subtree, unsigned int flags)
{
    memset(&members[member_count], 0, sizeof(members[0]));
    members[member_count].pi_pid = pid;
    members[member_count].pi_subtree = subtree;
    members[member_count++].pi_flags = flags;
}

/* What PROC_REAP_KILL is to do: so many killed, the one that refused, and the errno, 0 for none */
void stub_kills(unsigned int number, int pid, int error)
{
    killed = number;
    failed_pid = pid;
    kill_error = error;
}

/* What a _STATUS command is to tell */
void stub_set(int command, int value)
{
    if (command >= PROC_PROCCTL_MD_MIN)
        machine_values[command - PROC_PROCCTL_MD_MIN] = value;
    else
        values[command] = value;
}

extern int stub_booted, stub_steps;
void stub_reset(void)
{
    stub_reset_recorder();
    stub_booted = stub_steps = 0;
    member_count = killed = 0;
    failed_pid = -1;
    kill_error = 0;
    memset(values, 0, sizeof(values));
    memset(machine_values, 0, sizeof(machine_values));
}

static int is_member(int pid)
{
    for (unsigned int place = 0; place < member_count; place++)
        if (members[place].pi_pid == pid)
            return 1;
    return 0;
}

static int reap_status(int pid, struct procctl_reaper_status *out)
{
    struct procctl_reaper_status result = {.rs_flags = REAPER_STATUS_REALINIT, .rs_children = 40,
                                           .rs_descendants = 50, .rs_reaper = 1, .rs_pid = 2};

    if (stub_owner == getpid() && (pid == getpid() || is_member(pid))) {
        result.rs_flags = pid == getpid() ? REAPER_STATUS_OWNED : 0;
        result.rs_reaper = getpid();
        result.rs_children = 0;
        result.rs_descendants = member_count;
        result.rs_pid = -1;
        for (unsigned int place = member_count; place-- > 0;)
            if (members[place].pi_flags & REAPER_PIDINFO_CHILD) {
                result.rs_children++;
                result.rs_pid = members[place].pi_pid;
            }
    }
    if (stub_bad(out))
        return stub_refuse(EFAULT);
    memcpy(out, &result, sizeof(*out));
    return 0;
}

static int reap_getpids(const struct procctl_reaper_pids *request)
{
    unsigned int number = request->rp_count < member_count ? request->rp_count : member_count;

    if (number == 0)
        return 0;
    if (stub_bad(request->rp_pids))
        return stub_refuse(EFAULT);
    memcpy(request->rp_pids, members, number * sizeof(members[0]));
    return 0;
}

static int reap_kill(struct procctl_reaper_kill *request)
{
    if (request->rk_sig <= 0 || request->rk_sig > 128 || request->rk_flags > REAPER_KILL_SUBTREE)
        return stub_refuse(EINVAL); /* and nothing is changed */
    request->rk_killed = killed;
    request->rk_fpid = failed_pid;
    memset(request->rk_pad0, 0, sizeof(request->rk_pad0));
    if (kill_error)
        return stub_refuse(kill_error);
    return killed ? 0 : stub_refuse(ESRCH);
}

static int is_valid(int cmd, int value)
{
    switch (cmd) {
    case PROC_SPROTECT:
        return (value & 0xf) >= PPROT_SET && (value & 0xf) <= PPROT_CLEAR && !(value & ~0x3f);
    case PROC_TRAPCAP_CTL:
    case PROC_KPTI_CTL:
        return value == 1 || value == 2;
    case PROC_PDEATHSIG_CTL:
        return value >= 0 && value <= 128;
    case PROC_STACKGAP_CTL:
        return value >= 0 && value <= 15 && (value & 3) != 3 && (value & 12) != 12;
    case PROC_NO_NEW_PRIVS_CTL:
        return value == PROC_NO_NEW_PRIVS_ENABLE;
    case PROC_WXMAP_CTL:
        return value == 1 || value == 2;
    }
    return value >= 1 && value <= 3;
}

static int act(int pid, int cmd, void *data)
{
    int *cell = cmd >= PROC_PROCCTL_MD_MIN ? machine_values + (cmd - PROC_PROCCTL_MD_MIN) / 2 * 2
                                            : &values[cmd == PROC_SPROTECT ? cmd : cmd - 1 + cmd % 2];

    switch (cmd) {
    case PROC_REAP_ACQUIRE:
        if (stub_owner == getpid())
            return stub_refuse(EBUSY);
        stub_owner = getpid();
        return 0;
    case PROC_REAP_RELEASE:
        if (stub_owner != getpid())
            return stub_refuse(EINVAL);
        stub_owner = 0;
        return 0;
    case PROC_REAP_STATUS:
        return reap_status(pid, data);
    case PROC_REAP_GETPIDS:
        return reap_getpids(data);
    case PROC_REAP_KILL:
        return reap_kill(data);
    }
    if (cmd == PROC_SPROTECT || cmd % 2 == (cmd < PROC_PROCCTL_MD_MIN)) { /* _CTL */
        if (!is_valid(cmd, *(int *)data))
            return stub_refuse(EINVAL);
        *cell = *(int *)data;
        if (cmd == PROC_PDEATHSIG_CTL)
            stub_signal_of = getpid();
        return 0;
    }
    if (stub_bad(data))
        return stub_refuse(EFAULT);
    *(int *)data = cmd == PROC_PDEATHSIG_STATUS && stub_signal_of != getpid() ? 0 : *cell;
    return 0;
}

static int takes_groups(int cmd) { return cmd == PROC_SPROTECT || cmd == PROC_TRACE_CTL || cmd == PROC_TRAPCAP_CTL; }

static int is_self_only(int cmd)
{
    return cmd == PROC_REAP_ACQUIRE || cmd == PROC_REAP_RELEASE || cmd == PROC_PDEATHSIG_CTL ||
           cmd == PROC_PDEATHSIG_STATUS;
}

/* When the machine was started, and how often the clock is set forward by a second while it is read */
int stub_booted, stub_steps;

int sysctlbyname(const char *name, void *old, size_t *old_length, const void *new, size_t new_length)
{
    struct timeval booted = {stub_booted, 0};

    stub_note("sysctlbyname", 0, 0, 0, old, *old_length);
    if (stub_failing())
        return -1;
    if (strcmp(name, "kern.boottime") != 0 || new != NULL || new_length != 0)
        return stub_refuse(ENOENT);
    if (*old_length < sizeof(booted))
        return stub_refuse(ENOMEM);
    memcpy(old, &booted, sizeof(booted));
    *old_length = sizeof(booted);
    if (stub_steps > 0 && stub_steps--)
        stub_booted++;
    return 0;
}

int procctl(idtype_t idtype, id_t id, int cmd, void *data)
{
    int machine = cmd >= PROC_PROCCTL_MD_MIN;
    int takes_nothing = cmd == PROC_REAP_ACQUIRE || cmd == PROC_REAP_RELEASE;
    int signal_command = cmd == PROC_PDEATHSIG_CTL || cmd == PROC_PDEATHSIG_STATUS;
    int reads = cmd == PROC_SPROTECT || cmd == PROC_REAP_GETPIDS || cmd == PROC_REAP_KILL ||
                (cmd > PROC_REAP_KILL && cmd % 2 == !machine);

    stub_note("procctl", idtype, id, cmd, data, reads && !stub_bad(data) ? *(int *)data : 0);
    if (stub_failing())
        return -1;
    if (cmd <= 0 || (!machine && cmd > 24) || cmd > PROC_LA_STATUS)
        return stub_refuse(EINVAL);
    if (machine && idtype != P_PID)
        return stub_refuse(EINVAL);
    if (reads && stub_bad(data))
        return stub_refuse(EFAULT);
    if (takes_nothing && data != NULL)
        return stub_refuse(EINVAL);
    if (idtype == P_PGID && takes_groups(cmd))
        return id == getpgrp() ? act(getpid(), cmd, data) : stub_refuse(ESRCH);
    if (idtype != P_PID)
        return stub_refuse(EINVAL);
    if (id == 0 && !machine)
        id = getpid();
    id = (pid_t)id; /* only the low half is looked up */
    if (id != getpid()) {
        const struct stub_process *process = stub_find_process(id);

        if (process == NULL || process->stat == SZOMB)
            return stub_refuse(signal_command ? EINVAL : ESRCH);
        if (is_self_only(cmd))
            return stub_refuse(signal_command ? EINVAL : EPERM);
    }
    return act(id, cmd, data);
}
