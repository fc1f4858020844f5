/*
 * A kernel that writes down what it is asked, refuses what the real one refuses, and shows what the test has put there.
 * The test drives it through these functions, by their names in the shared object.
 */
#include "recorder.h"

struct stub_entry stub_log[4096];
int stub_logged;
int stub_misfit; /* by how many bytes the records of the kernel differ from those of the headers */
struct stub_process stub_processes[4096];
int stub_process_count;
int stub_euid, stub_jailed;
int stub_owner;                  /* pid of the process that is a reaper: a forked child is none */
int stub_signal_of, stub_signal; /* a process and its parent-death signal: a forked child has none */

static struct stub_module modules[16];
static int module_count;
static int failure;
static char failing_call[32];

int stub_refuse(int error)
{
    errno = error;
    return -1;
}

void stub_note(const char *call, int64_t first, int64_t second, int64_t third, const void *pointer, int64_t value)
{
    struct stub_entry *entry = &stub_log[stub_logged % 4096];

    stub_logged++;
    memset(entry, 0, sizeof(*entry));
    strncpy(entry->call, call, sizeof(entry->call) - 1);
    entry->arguments[0] = first;
    entry->arguments[1] = second;
    entry->arguments[2] = third;
    entry->pointer = (int64_t)(intptr_t)pointer;
    entry->value = value;
}

/* The next call fails with this errno, whatever it is; with a name: the next call of that name */
void stub_fail(int error, const char *call)
{
    failure = error;
    strncpy(failing_call, call, sizeof(failing_call) - 1);
}

int stub_failing(void)
{
    const char *call = stub_log[(stub_logged - 1) % 4096].call;
    int error = failure;

    if (error == 0 || (failing_call[0] && strcmp(failing_call, call) != 0))
        return 0;
    failure = 0;
    errno = error;
    return 1;
}

int stub_bad(const void *pointer)
{
    return (uintptr_t)pointer < 4096;
}

void stub_add_process(int pid, int ppid, int stat, int detail, int64_t seconds, int64_t microseconds, const char *name)
{
    struct stub_process *process = &stub_processes[stub_process_count++];

    memset(process, 0, sizeof(*process));
    process->pid = pid;
    process->ppid = ppid;
    process->stat = stat;
    process->detail = detail;
    process->seconds = seconds;
    process->microseconds = microseconds;
    strncpy(process->name, name, sizeof(process->name) - 1);
}

void stub_clear_processes(void)
{
    stub_process_count = 0;
}

const struct stub_process *stub_find_process(int pid)
{
    for (int place = 0; place < stub_process_count; place++)
        if (stub_processes[place].pid == pid)
            return &stub_processes[place];
    return NULL;
}

void stub_add_module(const char *name, int refs, int id, int data)
{
    struct stub_module *module = &modules[module_count++];

    memset(module, 0, sizeof(*module));
    strncpy(module->name, name, sizeof(module->name) - 1);
    module->refs = refs;
    module->id = id;
    module->data = data;
}

void stub_reset_recorder(void)
{
    stub_logged = stub_process_count = module_count = failure = 0;
    stub_owner = stub_signal_of = stub_signal = stub_euid = stub_jailed = 0;
    failing_call[0] = 0;
    stub_misfit = 0;
}

/* Closes nothing: the descriptors of the tests are not the stub's */
void closefrom(int lowest)
{
    stub_note("closefrom", lowest, 0, 0, NULL, 0);
}

int modfind(const char *name)
{
    stub_note("modfind", 0, 0, 0, name, 0);
    if (stub_failing())
        return -1;
    if (stub_bad(name))
        return stub_refuse(EFAULT);
    if (strlen(name) >= sizeof(((struct module_stat *)0)->name))
        return stub_refuse(ENAMETOOLONG);
    for (int place = 0; place < module_count; place++)
        if (strcmp(modules[place].name, name) == 0)
            return modules[place].id;
    return stub_refuse(ENOENT);
}

int modstat(int id, struct module_stat *stat)
{
    stub_note("modstat", id, 0, 0, stat, stub_bad(stat) ? 0 : stat->version);
    if (stub_failing())
        return -1;
    for (int place = 0; place < module_count; place++) {
        if (modules[place].id != id)
            continue;
        if (stub_bad(stat))
            return stub_refuse(EFAULT);
        if (stat->version != sizeof(*stat))
            return stub_refuse(EINVAL);
        memset(stat, 0, sizeof(*stat));
        stat->version = sizeof(*stat);
        strncpy(stat->name, modules[place].name, sizeof(stat->name) - 1);
        stat->refs = modules[place].refs;
        stat->id = modules[place].id;
        stat->data.intval = modules[place].data;
        return 0;
    }
    return stub_refuse(ENOENT);
}

/* One record for each process; all, or one by its pid */
int sysctl(const int *mib, unsigned int length, void *old, size_t *old_length, const void *new, size_t new_length)
{
    struct kinfo_proc record, *out = old;
    size_t room = old ? *old_length : 0, written = 0;
    int one = length == 4 && mib[2] == KERN_PROC_PID;

    stub_note("sysctl", mib[2], one ? mib[3] : 0, 0, old, room);
    if (stub_failing())
        return -1;
    if (new != NULL || new_length != 0 || mib[0] != CTL_KERN || mib[1] != KERN_PROC)
        return stub_refuse(EINVAL);
    if (!one && (length != 3 || mib[2] != STUB_EVERYONE))
        return stub_refuse(EINVAL);
    for (int place = 0; place < stub_process_count; place++) {
        if (one && (stub_processes[place].pid != mib[3] || !stub_shown_by_pid(&stub_processes[place])))
            continue;
        stub_fill(&stub_processes[place], &record);
        if (old && written + sizeof(record) > room) {
            *old_length = written;
            return stub_refuse(ENOMEM);
        }
        if (old)
            *out++ = record;
        written += sizeof(record);
    }
    *old_length = written + stub_misfit;
    return one && !written ? stub_not_found() : 0;
}
