/* DragonFly's procctl(2) and kern.proc over real processes of Linux: see machine.c. */
#include <dragonfly.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "machine.h"

static int refuse(int error)
{
    errno = error;
    return -1;
}

static int below(const struct machine_task *task, int node) { return machine_is_below(machine_node_of(task), node); }

static int status(struct reaper_status *out)
{
    struct machine_task *tasks = malloc(MACHINE_TASKS * sizeof(*tasks));
    int own = machine_own_node(), count = machine_tasks(tasks, MACHINE_TASKS);
    unsigned long long newest = 0;

    memset(out, 0, sizeof(*out));
    out->pid_head = -1;
    for (int place = 0; place < count; place++) {
        if (machine_owns() && tasks[place].pid != getpid() && tasks[place].state != 'Z' && below(&tasks[place], own))
            out->refs++;
        if (tasks[place].ppid == getpid() && tasks[place].ticks >= newest) {
            newest = tasks[place].ticks;
            out->pid_head = tasks[place].pid;
        }
    }
    if (machine_owns())
        out->flags = REAPER_STAT_OWNED;
    free(tasks);
    return 0;
}

int procctl(idtype_t idtype, id_t id, int cmd, void *data)
{
    if (idtype != P_PID || (id != 0 && id != getpid()))
        return refuse(EINVAL);
    switch (cmd) {
    case PROC_REAP_ACQUIRE:
        return machine_owns() ? refuse(EALREADY) : machine_acquire();
    case PROC_REAP_RELEASE:
        return machine_owns() ? machine_release() : refuse(ENOTCONN);
    case PROC_REAP_STATUS:
        return data == NULL ? 0 : status(data);
    case PROC_PDEATHSIG_CTL:
        if (data == NULL)
            return refuse(EINVAL);
        return *(int *)data < 0 || *(int *)data > 128 ? 0 : machine_set_deathsig(*(int *)data);
    case PROC_PDEATHSIG_STATUS:
        if (data == NULL)
            return refuse(EINVAL);
        *(int *)data = machine_deathsig();
        return 0;
    }
    return refuse(EINVAL);
}

static void fill(const struct machine_task *task, struct kinfo_proc *out)
{
    memset(out, 0, sizeof(*out));
    out->kp_pid = task->pid;
    out->kp_ppid = task->ppid;
    out->kp_stat = task->state == 'Z' || task->state == 'X' ? SZOMB
                   : task->state == 'T' || task->state == 't' ? SSTOP
                                                             : SACTIVE;
    out->kp_lwp.kl_stat = task->state == 'R' ? LSRUN : LSSLEEP;
    out->kp_lwp.kl_flags = task->state == 'D' ? 0 : 8; /* LWP_SINTR */
    out->kp_start.tv_sec = task->start / 1000000;
    out->kp_start.tv_usec = task->start % 1000000;
    memcpy(out->kp_comm, task->name, sizeof(task->name) - 1);
}

int sysctl(const int *mib, unsigned int length, void *old, size_t *old_length, const void *new, size_t new_length)
{
    struct machine_task *tasks = malloc(MACHINE_TASKS * sizeof(*tasks));
    struct kinfo_proc *out = old;
    size_t room = old ? *old_length / sizeof(*out) : 0, written = 0;
    int one = length == 4 && mib[2] == KERN_PROC_PID, short_of_room = 0, count;

    (void)new, (void)new_length;
    count = one ? machine_task(mib[3], tasks) : machine_tasks(tasks, MACHINE_TASKS);
    for (int place = 0; place < count; place++) {
        if (one && tasks[place].state == 'Z')
            continue; /* zombies are not found by pid */
        if (written == room) {
            short_of_room = 1;
            break;
        }
        fill(&tasks[place], &out[written++]);
    }
    free(tasks);
    *old_length = written * sizeof(*out);
    return short_of_room ? refuse(ENOMEM) : 0;
}

int sysctlbyname(const char *name, void *old, size_t *old_length, const void *new, size_t new_length)
{
    (void)old, (void)new, (void)new_length;
    if (strcmp(name, "vm.resident") != 0)
        return refuse(ENOENT);
    if (geteuid() != 0)
        return refuse(EPERM);
    *old_length = 0;
    return 0;
}

int exec_sys_register(void *entry) { (void)entry; return refuse(geteuid() ? EPERM : ENOENT); }
int exec_sys_unregister(int id) { (void)id; return refuse(geteuid() ? EPERM : ENOENT); }
int modfind(const char *name) { (void)name; return refuse(ENOENT); }
int modstat(int id, struct module_stat *stat) { (void)id; (void)stat; return refuse(ENOENT); }
