/* FreeBSD's procctl(2) and kern.proc over real processes of Linux: see machine.c. */
#include <freebsd.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "machine.h"

static struct machine_task *tasks;
static int count;

static int refuse(int error)
{
    errno = error;
    return -1;
}

static void look(void)
{
    tasks = malloc(MACHINE_TASKS * sizeof(*tasks));
    count = machine_tasks(tasks, MACHINE_TASKS);
}

static void forget(void)
{
    free(tasks);
    tasks = NULL;
}

static int member(const struct machine_task *task, int node)
{
    /* the owner of a domain inside counts here, its members do not */
    int its = machine_living(machine_node_of(task));

    if (machine_owner(its) == task->pid)
        its = machine_above(its);
    return task->pid != machine_owner(node) && its == node;
}

static const struct machine_task *find(int pid)
{
    for (int place = 0; place < count; place++)
        if (tasks[place].pid == pid)
            return &tasks[place];
    return NULL;
}

static int line_of(const struct machine_task *task, int reaper)
{
    for (int depth = 0; depth < 64 && task->ppid != reaper; depth++) {
        const struct machine_task *parent = find(task->ppid);

        if (parent == NULL)
            break;
        task = parent;
    }
    return task->pid;
}

static int status(struct procctl_reaper_status *out)
{
    int node = machine_living(machine_own_node());

    memset(out, 0, sizeof(*out));
    out->rs_flags = machine_owns() ? REAPER_STATUS_OWNED : 0;
    out->rs_reaper = machine_owner(node) ? machine_owner(node) : 1;
    out->rs_flags |= out->rs_reaper == 1 ? REAPER_STATUS_REALINIT : 0;
    out->rs_pid = -1;
    look();
    for (int place = 0; place < count; place++) {
        if (!member(&tasks[place], node))
            continue;
        out->rs_descendants++;
        if (tasks[place].ppid == out->rs_reaper) {
            out->rs_children++;
            out->rs_pid = tasks[place].pid;
        }
    }
    forget();
    return 0;
}

static int get_pids(struct procctl_reaper_pids *request)
{
    int node = machine_living(machine_own_node()), reaper = machine_owner(node);
    unsigned int written = 0;

    look();
    for (int place = count; place-- > 0 && written < request->rp_count;) {
        struct procctl_reaper_pidinfo *out = &request->rp_pids[written];

        if (!member(&tasks[place], node))
            continue;
        memset(out, 0, sizeof(*out));
        out->pi_pid = tasks[place].pid;
        out->pi_subtree = line_of(&tasks[place], reaper);
        out->pi_flags = REAPER_PIDINFO_VALID | (tasks[place].ppid == reaper ? REAPER_PIDINFO_CHILD : 0) |
                        (machine_owner(machine_node_of(&tasks[place])) == tasks[place].pid ? REAPER_PIDINFO_REAPER : 0);
        written++;
    }
    forget();
    return 0;
}

static int contains(const struct machine_task *list, int length, const struct machine_task *task)
{
    for (int place = 0; place < length; place++)
        if (list[place].pid == task->pid && list[place].ticks == task->ticks)
            return 1;
    return 0;
}

/* Every process below, until a look finds no new one: the kernel keeps them from forking meanwhile */
static int kill_all(struct procctl_reaper_kill *request)
{
    static struct machine_task signalled[MACHINE_TASKS];
    int node = machine_living(machine_own_node()), found = 1, done = 0;

    if (request->rk_sig <= 0 || request->rk_sig > 128 || request->rk_flags != 0)
        return refuse(EINVAL);
    request->rk_killed = 0;
    request->rk_fpid = -1;
    for (int pass = 0; found && pass < 50; pass++) {
        found = 0;
        look();
        for (int place = 0; place < count; place++) {
            const struct machine_task *task = &tasks[place];

            if (task->state == 'Z' || task->pid == getpid() || !machine_is_below(machine_node_of(task), node))
                continue;
            if (contains(signalled, done, task))
                continue; /* each process once */
            if (done < MACHINE_TASKS && machine_send(task->pid, request->rk_sig) == 0) {
                signalled[done++] = *task;
                request->rk_killed++;
                found = 1;
            }
        }
        forget();
        usleep(500);
    }
    return request->rk_killed ? 0 : refuse(ESRCH);
}

int procctl(idtype_t idtype, id_t id, int cmd, void *data)
{
    if ((cmd == PROC_REAP_ACQUIRE || cmd == PROC_REAP_RELEASE) && data != NULL)
        return refuse(EINVAL);
    if (idtype != P_PID)
        return refuse(EINVAL);
    if (id != 0 && id != getpid())
        return refuse(EPERM);
    switch (cmd) {
    case PROC_REAP_ACQUIRE:
        return machine_owns() ? refuse(EBUSY) : machine_acquire();
    case PROC_REAP_RELEASE:
        return machine_owns() ? machine_release() : refuse(EINVAL);
    case PROC_REAP_STATUS:
        return data == NULL ? refuse(EFAULT) : status(data);
    case PROC_REAP_GETPIDS:
        return data == NULL ? refuse(EFAULT) : get_pids(data);
    case PROC_REAP_KILL:
        return data == NULL ? refuse(EFAULT) : kill_all(data);
    case PROC_TRACE_CTL:
        machine_refuse_debuggers(*(int *)data != PROC_TRACE_CTL_ENABLE);
        return 0;
    case PROC_TRACE_STATUS:
        *(int *)data = machine_refuses_debuggers() ? -1 : 0;
        return 0;
    case PROC_PDEATHSIG_CTL:
        return *(int *)data < 0 || *(int *)data > 128 ? refuse(EINVAL) : machine_set_deathsig(*(int *)data);
    case PROC_PDEATHSIG_STATUS:
        *(int *)data = machine_deathsig();
        return 0;
    }
    return refuse(EINVAL);
}

static void fill(const struct machine_task *task, struct kinfo_proc *out)
{
    memset(out, 0, sizeof(*out));
    out->ki_structsize = sizeof(*out);
    out->ki_pid = task->pid;
    out->ki_ppid = task->ppid;
    out->ki_stat = task->state == 'Z' || task->state == 'X' ? SZOMB
                   : task->state == 'T' || task->state == 't' ? SSTOP
                   : task->state == 'R'                       ? SRUN
                                                              : SSLEEP;
    out->ki_tdflags = task->state == 'D' ? 0 : TDF_SINTR;
    out->ki_start.tv_sec = task->start / 1000000;
    out->ki_start.tv_usec = task->start % 1000000;
    memcpy(out->ki_comm, task->name, sizeof(task->name) - 1);
}

int sysctl(const int *mib, unsigned int length, void *old, size_t *old_length, const void *new, size_t new_length)
{
    struct kinfo_proc *out = old;
    size_t room = old ? *old_length / sizeof(*out) : 0, written = 0;
    int one = length == 4 && mib[2] == KERN_PROC_PID, short_of_room = 0;

    (void)new, (void)new_length;
    look();
    for (int place = 0; place < count; place++) {
        if (one && tasks[place].pid != mib[3])
            continue;
        if (written == room) {
            short_of_room = 1;
            break;
        }
        fill(&tasks[place], &out[written++]);
    }
    forget();
    if (one && written == 0 && !short_of_room)
        return refuse(ESRCH);
    *old_length = written * sizeof(*out);
    return short_of_room ? refuse(ENOMEM) : 0;
}

int sysctlbyname(const char *name, void *old, size_t *old_length, const void *new, size_t new_length)
{
    struct timeval booted = {machine_booted() / 1000000, machine_booted() % 1000000};

    (void)new, (void)new_length;
    if (strcmp(name, "kern.boottime") != 0 || *old_length < sizeof(booted))
        return refuse(ENOENT);
    memcpy(old, &booted, sizeof(booted));
    *old_length = sizeof(booted);
    return 0;
}

int modfind(const char *name) { (void)name; return refuse(ENOENT); }
int modstat(int id, struct module_stat *stat) { (void)id; (void)stat; return refuse(ENOENT); }
