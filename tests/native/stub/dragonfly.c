/* A stub of DragonFly's kernel: sys_procctl(), the resident list and kern.proc, as far as a caller can tell. */
#include <dragonfly.h>
#include "recorder.h"

#define STUB_EVERYONE KERN_PROC_ALL

static int stub_shown_by_pid(const struct stub_process *process) { return process->stat != SZOMB; }
static int stub_not_found(void) { return 0; }

static void stub_fill(const struct stub_process *process, struct kinfo_proc *record)
{
    memset(record, 0, sizeof(*record));
    record->kp_pid = process->pid;
    record->kp_ppid = process->ppid;
    record->kp_stat = process->stat;
    record->kp_lwp.kl_stat = process->detail & 0xFF;
    record->kp_lwp.kl_flags = process->detail >> 8 & 0xFF;
    record->kp_lwp.kl_tdflags = process->detail >> 16;
    record->kp_start.tv_sec = process->seconds;
    record->kp_start.tv_usec = process->microseconds;
    strncpy(record->kp_comm, process->name, sizeof(record->kp_comm) - 1);
}

#include "recorder.c"

int stub_refs, stub_head = -1;

static int status(struct reaper_status *out)
{
    if (out == NULL)
        return 0;
    if (stub_bad(out))
        return stub_refuse(EFAULT);
    memset(out, 0, sizeof(*out));
    out->pid_head = stub_head;
    if (stub_owner == getpid()) {
        out->flags = REAPER_STAT_OWNED | (getpid() == 1 ? REAPER_STAT_REALINIT : 0);
        out->refs = stub_refs;
    }
    return 0;
}

int procctl(idtype_t idtype, id_t id, int cmd, void *data)
{
    int *value = data;
    int reads = cmd == 4 && !stub_bad(data);

    stub_note("procctl", idtype, id, cmd, data, reads ? *value : 0);
    if (stub_failing())
        return -1;
    if (idtype != P_PID || (id != 0 && id != getpid()))
        return stub_refuse(EINVAL);
    switch (cmd) {
    case PROC_REAP_ACQUIRE:
        if (stub_owner == getpid())
            return stub_refuse(EALREADY);
        stub_owner = getpid();
        return 0;
    case PROC_REAP_RELEASE:
        if (stub_owner != getpid())
            return stub_refuse(ENOTCONN);
        stub_owner = 0;
        return 0;
    case PROC_REAP_STATUS:
        return status(data);
    case 4: /* PROC_PDEATHSIG_CTL */
        if (data == NULL)
            return stub_refuse(EINVAL);
        if (stub_bad(data))
            return stub_refuse(EFAULT);
        if (*value >= 0 && *value <= 128) {
            stub_signal_of = getpid();
            stub_signal = *value;
        }
        return 0;
    case 5: /* PROC_PDEATHSIG_STATUS */
        if (data == NULL)
            return stub_refuse(EINVAL);
        if (stub_bad(data))
            return stub_refuse(EFAULT);
        *value = stub_signal_of == getpid() ? stub_signal : 0;
        return 0;
    }
    return stub_refuse(EINVAL);
}

static struct xresident residents[64];
static int resident_count, late;
int stub_text = 1; /* the caller runs a file */

void stub_add_resident(int id, int64_t entry, const char *path, int64_t size, uint32_t dev, uint64_t ino)
{
    struct xresident *resident = &residents[resident_count++];

    memset(resident, 'J', sizeof(*resident)); /* junk after the name, as the kernel leaves it */
    memset(&resident->res_stat, 0, sizeof(resident->res_stat));
    resident->res_id = id;
    resident->res_entry_addr = entry;
    if (strlen(path) < sizeof(resident->res_file))
        strcpy(resident->res_file, path);
    else
        memcpy(resident->res_file, path, sizeof(resident->res_file));
    resident->res_stat.st_size = size;
    resident->res_stat.st_dev = dev;
    resident->res_stat.st_ino = ino;
}

/* So many of the entries are registered only after their number was asked for */
void stub_late(int number) { late = number; }

void stub_reset(void)
{
    stub_reset_recorder();
    resident_count = late = stub_refs = 0;
    stub_head = -1;
    stub_text = 1;
}

int exec_sys_register(void *entry)
{
    stub_note("exec_sys_register", 0, 0, 0, entry, 0);
    if (stub_failing())
        return -1;
    if (stub_euid != 0 || stub_jailed)
        return stub_refuse(EPERM);
    if (!stub_text)
        return stub_refuse(ENOENT);
    for (int place = 0; place < resident_count; place++)
        if (residents[place].res_stat.st_dev == 7 && residents[place].res_stat.st_ino == 77)
            return stub_refuse(EEXIST);
    stub_add_resident(resident_count + 1, (intptr_t)entry, "/usr/local/bin/python3.11", 6000, 7, 77);
    return 0;
}

int exec_sys_unregister(int id)
{
    int kept = 0, removed;

    stub_note("exec_sys_unregister", id, 0, 0, NULL, 0);
    if (stub_failing())
        return -1;
    if (stub_euid != 0 || stub_jailed)
        return stub_refuse(EPERM);
    for (int place = 0; id == -1 && place < resident_count; place++)
        if (residents[place].res_stat.st_dev == 7 && residents[place].res_stat.st_ino == 77)
            id = residents[place].res_id;
    for (int place = 0; place < resident_count; place++)
        if (id != -2 && residents[place].res_id != id)
            residents[kept++] = residents[place];
    removed = resident_count - kept;
    resident_count = kept;
    return removed ? removed : stub_refuse(ENOENT);
}

int sysctlbyname(const char *name, void *old, size_t *old_length, const void *new, size_t new_length)
{
    size_t room = *old_length, bytes = resident_count * sizeof(residents[0]);

    stub_note("sysctlbyname", resident_count, 0, 0, old, room);
    if (stub_failing())
        return -1;
    if (strcmp(name, "vm.resident") != 0)
        return stub_refuse(ENOENT);
    if (new != NULL || new_length != 0 || stub_euid != 0 || stub_jailed)
        return stub_refuse(EPERM);
    if (old == NULL) { /* the number of entries, not of bytes */
        *old_length = resident_count - late;
        return 0;
    }
    *old_length = room < bytes ? room : bytes; /* also in the middle of an entry */
    memcpy(old, residents, *old_length);
    return room < bytes ? stub_refuse(ENOMEM) : 0;
}
