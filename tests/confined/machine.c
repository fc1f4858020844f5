/*
 * A Linux that looks like a BSD to whole programs: preloaded over the C library (LD_PRELOAD), handed on over every exec.
 *
 * Below it are real processes, real subreapers, real waits.  What a BSD forbids is refused, what it lacks is hidden, and
 * what it does not tell is withheld:
 *   both       /proc, /dev/fd but 0 to 2 (no fdescfs), what a BSD does not have in /bin, and pidfds; close_range(2); a
 *              descriptor is cut off where the buffer of recvmsg(2) has no room for its padding; a child with another
 *              exit signal than SIGCHLD is seen by WLINUXCLONE only; the ids of a socket's other end are asked for by
 *              LOCAL_PEERCRED; shutdown(2) is refused when the other end is gone; a signal that is waited for takes its
 *              default action, so it stops the process, or is never told (kern_sigtimedwait())
 *   DragonFly  kill(2) reaches only inside or below the sender's domain (sys/kern/kern_sig.c, CANSIGNAL); adopted
 *              zombies bring no SIGCHLD (sys/kern/kern_exit.c, exit1); of a signal that was waited for only the number is
 *              told; a socket without a name does not tell its family; poll(2) does not look at what nothing is asked
 *              of; SC_OPEN_MAX is 64832
 *   FreeBSD    ptrace(2) is refused by a process that wants no debugger
 * The BSD's own calls, procctl and sysctl, are in dragonfly.c and freebsd.c.
 *
 * What processes know of each other is in a file that all of them map (CONFINED_STATE).  Not modelled: programs without
 * the C library, and FreeBSD's late effect of a reaper's death (LC-1).  Paths that begin with "//proc" are not hidden:
 * the tests look at the truth there.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "machine.h"

#ifdef CONFINED_DRAGONFLY
enum { DRAGONFLY = 1, FREEBSD = 0 };
#else
enum { DRAGONFLY = 0, FREEBSD = 1 };
#endif
enum { NODES = 65536, PIDS = 4194304, LINUX_CLONE = (int)0x80000000, OPEN_MAX_THERE = 64832 };

/* tests/confined/machine.py reads this, too */
struct node { int parent, owner; unsigned long long ticks; };
struct entry {
    unsigned long long ticks;
    int node, forker;
    int withheld;   /* it was dead before it was adopted */
    int other_kind; /* its exit signal is not SIGCHLD */
    int no_debugger;
    int wakeups;    /* returns of sigwaitinfo and sigtimedwait */
    int bad_closes; /* close(2) of numbers that were not open */
    int refused;    /* signals that the domain rule refused */
};
struct state {
    int nodes, others; /* how many there were ever */
    long long booted;
    char padding[4080];
    struct node node[NODES];
    struct entry entry[PIDS];
};

static struct state *state;
static int own_node, own_pid, own_no_debugger; /* a fork copies the last, an exec ends it */
static unsigned long long own_ticks;
static char preload[1024], state_line[1024], node_line[64];

#define REAL(name) ((__typeof__(&name))real(#name))
static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

/* The Linux below */

static ssize_t slurp(const char *path, char *out, size_t size)
{
    int descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC), saved = errno;
    ssize_t length = 0, part;

    if (descriptor < 0) {
        errno = saved;
        return -1;
    }
    while ((size_t)length < size - 1 && (part = syscall(SYS_read, descriptor, out + length, size - 1 - length)) > 0)
        length += part;
    syscall(SYS_close, descriptor);
    out[length] = 0;
    return length;
}

int machine_task(int pid, struct machine_task *out)
{
    char path[64], text[1024], *open, *close;
    unsigned long long threads = 1;

    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (slurp(path, text, sizeof(text)) <= 0)
        return 0;
    open = strchr(text, '(');
    close = strrchr(text, ')');
    if (open == NULL || close == NULL)
        return 0;
    memset(out, 0, sizeof(*out));
    out->pid = pid;
    memcpy(out->name, open + 1, (size_t)(close - open - 1) < sizeof(out->name) ? close - open - 1 : 16);
    sscanf(close + 2, "%c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %llu %*d %llu", &out->state,
           &out->ppid, &out->group, &out->session, &threads, &out->ticks);
    if (out->state == 'Z' && threads > 1)
        out->state = 'S'; /* only its first thread has ended */
    out->start = state->booted + (long long)(out->ticks * (1000000 / sysconf(_SC_CLK_TCK)));
    return 1;
}

int machine_tasks(struct machine_task *out, int most)
{
    char buffer[32768];
    int directory = (int)syscall(SYS_openat, AT_FDCWD, "/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), count = 0;
    long length;

    while ((length = syscall(SYS_getdents64, directory, buffer, sizeof(buffer))) > 0)
        for (long place = 0; place < length;) {
            struct dirent64 *each = (struct dirent64 *)(buffer + place);

            place += each->d_reclen;
            if (each->d_name[0] >= '1' && each->d_name[0] <= '9' && count < most)
                count += machine_task(atoi(each->d_name), &out[count]);
        }
    syscall(SYS_close, directory);
    return count;
}

static int children_of(int pid, int *out, int most)
{
    char path[64], text[65536], *next = text, *end;
    int count = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    if (slurp(path, text, sizeof(text)) <= 0)
        return 0;
    while (count < most && (out[count] = (int)strtol(next, &end, 10)) > 0 && end != next) {
        count++;
        next = end;
    }
    return count;
}

long long machine_booted(void) { return state->booted; }

static struct entry *entry_of(int pid)
{
    static struct entry nobody;

    return state && pid > 0 && pid < PIDS ? &state->entry[pid] : &nobody;
}

/* Domains */

int machine_owner(int node)
{
    struct machine_task task;

    if (node == 0)
        return 1;
    if (state->node[node].owner == 0 || !machine_task(state->node[node].owner, &task) || task.state == 'Z' ||
        task.ticks != state->node[node].ticks)
        return 0;
    return task.pid;
}

int machine_living(int node)
{
    while (node != 0 && machine_owner(node) == 0)
        node = state->node[node].parent;
    return node;
}

int machine_above(int node) { return machine_living(state->node[node].parent); }

int machine_is_below(int node, int top)
{
    while (node != top && node != 0)
        node = state->node[node].parent;
    return node == top;
}

int machine_node_of(const struct machine_task *task)
{
    struct machine_task other = *task;

    for (int depth = 0; depth < 64; depth++) {
        if (entry_of(other.pid)->ticks == other.ticks)
            return entry_of(other.pid)->node;
        if (other.ppid <= 1 || !machine_task(other.ppid, &other)) /* not yet written down: as its parent */
            return 0;
    }
    return 0;
}

int machine_own_node(void) { return own_node; }
int machine_owns(void) { return own_node != 0 && state->node[own_node].owner == own_pid; }

#define BEING_WRITTEN ~0ULL

/* Write a process down unless that is done: it does so itself when it begins, but whoever made it may act before that */
static void write_down(const struct machine_task *task, int node)
{
    struct entry *entry = entry_of(task->pid);
    unsigned long long before = __atomic_load_n(&entry->ticks, __ATOMIC_SEQ_CST);

    if (before == task->ticks)
        return;
    for (int looks = 0; before == BEING_WRITTEN && looks < 100000; looks++) { /* its writer may have been killed */
        sched_yield();
        before = __atomic_load_n(&entry->ticks, __ATOMIC_SEQ_CST);
        if (before == task->ticks)
            return;
    }
    if (!__atomic_compare_exchange_n(&entry->ticks, &before, BEING_WRITTEN, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        write_down(task, node);
        return;
    }
    memset((char *)entry + sizeof(entry->ticks), 0, sizeof(*entry) - sizeof(entry->ticks));
    entry->forker = task->ppid;
    entry->no_debugger = own_no_debugger;
    entry->node = node;
    __atomic_store_n(&entry->ticks, task->ticks, __ATOMIC_SEQ_CST);
}

static void write_child_down(int pid)
{
    struct machine_task task;

    if (state != NULL && machine_task(pid, &task) && task.state != 'Z')
        write_down(&task, own_node);
}

static void write_myself_down(void)
{
    struct machine_task task;

    own_pid = (int)syscall(SYS_getpid);
    if (!machine_task(own_pid, &task))
        return;
    write_down(&task, own_node);
    entry_of(own_pid)->node = own_node;
    own_ticks = task.ticks;
    snprintf(node_line, sizeof(node_line), "CONFINED_NODE=%d", own_node);
}

int machine_acquire(void)
{
    int node = __atomic_add_fetch(&state->nodes, 1, __ATOMIC_SEQ_CST);

    state->node[node].parent = own_node;
    state->node[node].ticks = own_ticks;
    state->node[node].owner = own_pid;
    own_node = node;
    write_myself_down();
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int machine_release(void)
{
    state->node[own_node].owner = 0;
    own_node = state->node[own_node].parent;
    write_myself_down();
    return prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
}

int machine_set_deathsig(int signal) { return signal > 64 ? 0 : prctl(PR_SET_PDEATHSIG, signal, 0, 0, 0); }

int machine_deathsig(void)
{
    int signal = 0;

    prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0);
    return signal;
}

void machine_refuse_debuggers(int refuse) { entry_of(own_pid)->no_debugger = own_no_debugger = refuse; }
int machine_refuses_debuggers(void) { return entry_of(own_pid)->no_debugger; }

/* Beginning: of a program, and of a forked child */

static void in_child(void)
{
    own_pid = 0;
    write_myself_down();
}

static void strip(const char *name)
{
    size_t length = strlen(name);
    char **to = environ;

    for (char **from = environ; *from; from++)
        if (strncmp(*from, name, length) != 0 || (*from)[length] != '=')
            *to++ = *from;
    *to = NULL;
}

static void strip_preload(const char *library)
{
    const char *others = getenv("LD_PRELOAD");

    if (others && strncmp(others, library, strlen(library)) == 0 && others[strlen(library)] == ':')
        setenv("LD_PRELOAD", strdup(others + strlen(library) + 1), 1);
    else
        strip("LD_PRELOAD");
}

__attribute__((constructor)) static void begin(void)
{
    const char *path = getenv("CONFINED_STATE"), *node = getenv("CONFINED_NODE"), *library = getenv("CONFINED_LIBRARY");
    struct timespec now, up;
    int descriptor;

    if (path == NULL || library == NULL) {
        fprintf(stderr, "confined: CONFINED_STATE and CONFINED_LIBRARY are not set\n");
        abort();
    }
    descriptor = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    state = mmap(NULL, sizeof(*state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, descriptor, 0);
    if (descriptor < 0 || state == MAP_FAILED) {
        fprintf(stderr, "confined: %s: %s\n", path, strerror(errno));
        abort();
    }
    syscall(SYS_close, descriptor);
    if (state->booted == 0) {
        clock_gettime(CLOCK_REALTIME, &now);
        clock_gettime(CLOCK_BOOTTIME, &up);
        state->booted = (now.tv_sec - up.tv_sec) * 1000000LL + (now.tv_nsec - up.tv_nsec) / 1000;
    }
    own_node = node ? atoi(node) : 0;
    snprintf(preload, sizeof(preload), "%s", library);
    snprintf(state_line, sizeof(state_line), "CONFINED_STATE=%s", path);
    strip_preload(preload);
    strip("CONFINED_STATE");
    strip("CONFINED_NODE");
    strip("CONFINED_LIBRARY");
    write_myself_down();
    entry_of(own_pid)->no_debugger = 0;
    pthread_atfork(NULL, NULL, in_child);
}

/* Executing: the library and what it knows go along */

#define ABSENT(value)      \
    do {                   \
        errno = ENOENT;    \
        return value;      \
    } while (0)

static int hidden(const char *path);

#define MOST_VARIABLES 16384
struct environment { char *variable[MOST_VARIABLES]; char preload[8192]; char library[1100]; };

static char **confined(struct environment *room, char *const *given)
{
    int count = 0;
    const char *others = NULL;

    for (; given && *given && count < MOST_VARIABLES - 5; given++)
        if (strncmp(*given, "LD_PRELOAD=", 11) == 0)
            others = *given + 11;
        else
            room->variable[count++] = *given;
    snprintf(room->preload, sizeof(room->preload), "LD_PRELOAD=%s%s%s", preload, others ? ":" : "", others ? others : "");
    snprintf(room->library, sizeof(room->library), "CONFINED_LIBRARY=%s", preload);
    room->variable[count++] = room->preload;
    room->variable[count++] = room->library;
    room->variable[count++] = state_line;
    room->variable[count++] = node_line;
    room->variable[count] = NULL;
    return room->variable;
}

int execve(const char *path, char *const argv[], char *const envp[])
{
    struct environment room;

    if (hidden(path))
        ABSENT(-1);
    write_child_down((int)syscall(SYS_getpid)); /* of a vfork, whose parent goes on as soon as this is done */
    return REAL(execve)(path, argv, confined(&room, envp));
}

int execv(const char *path, char *const argv[]) { return execve(path, argv, environ); }

int execvpe(const char *file, char *const argv[], char *const envp[])
{
    struct environment room;

    write_child_down((int)syscall(SYS_getpid));
    return REAL(execvpe)(file, argv, confined(&room, envp));
}

int execvp(const char *file, char *const argv[]) { return execvpe(file, argv, environ); }

int fexecve(int descriptor, char *const argv[], char *const envp[])
{
    struct environment room;

    write_child_down((int)syscall(SYS_getpid));
    return (int)syscall(SYS_execveat, descriptor, "", argv, confined(&room, envp), AT_EMPTY_PATH);
}

static int collect_words(const char *first, va_list list, char **words, int most)
{
    int count = 0;

    words[count++] = (char *)first;
    while (words[count - 1] && count < most)
        words[count++] = va_arg(list, char *);
    return count;
}

int execl(const char *path, const char *first, ...)
{
    char *words[1024];
    va_list list;

    va_start(list, first);
    collect_words(first, list, words, 1024);
    va_end(list);
    return execv(path, words);
}

int execlp(const char *file, const char *first, ...)
{
    char *words[1024];
    va_list list;

    va_start(list, first);
    collect_words(first, list, words, 1024);
    va_end(list);
    return execvp(file, words);
}

pid_t fork(void)
{
    pid_t pid = REAL(fork)();

    if (pid > 0)
        write_child_down(pid);
    return pid;
}

static int spawned(const pid_t *pid, int answer)
{
    if (answer == 0 && pid != NULL)
        write_child_down(*pid);
    return answer;
}

int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    struct environment room;

    if (hidden(path))
        return ENOENT;
    return spawned(pid, REAL(posix_spawn)(pid, path, actions, attributes, argv, confined(&room, envp)));
}

int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    struct environment room;

    return spawned(pid, REAL(posix_spawnp)(pid, file, actions, attributes, argv, confined(&room, envp)));
}

int system(const char *command)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, quit;
    sigset_t child, before;
    int status = -1;
    pid_t pid;

    if (command == NULL)
        return 1;
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, &before);
    pid = fork();
    if (pid == 0) {
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
        sigprocmask(SIG_SETMASK, &before, NULL);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    if (pid > 0)
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            continue;
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* Dying: the dead children of a process that dies now are adopted as zombies, and no process is told on DragonFly */

static void withhold_dead_children_of(int pid)
{
    static __thread int children[4096];
    struct machine_task task;

    if (!DRAGONFLY || state == NULL)
        return;
    for (int count = children_of(pid, children, 4096); count-- > 0;)
        if (machine_task(children[count], &task) && task.state == 'Z')
            entry_of(task.pid)->withheld = 1;
}

__attribute__((destructor)) static void end(void) { withhold_dead_children_of((int)syscall(SYS_getpid)); }

void _exit(int status)
{
    end();
    for (;;)
        syscall(SYS_exit_group, status);
}

void _Exit(int status) { _exit(status); }

/* Signals */

static int may_signal(const struct machine_task *target, int signal, int by_group)
{
    int node = machine_node_of(target);

    if (!DRAGONFLY || own_node == 0 || target->state == 'Z')
        return 1;
    if (machine_is_below(node, own_node) &&
        !(by_group && target->pid != own_pid && node == own_node && machine_owner(node) == target->pid))
        return 1;
    return signal == SIGCONT && target->session == getsid(0);
}

int machine_send(int pid, int signal)
{
    if (signal == SIGKILL || signal == SIGTERM)
        withhold_dead_children_of(pid);
    return (int)syscall(SYS_kill, pid, signal);
}

static int send_to_group(int pid, int signal)
{
    struct machine_task *tasks = malloc(MACHINE_TASKS * sizeof(*tasks));
    int group = pid == 0 ? getpgrp() : -pid, sent = 0, myself = 0, error = ESRCH, count;

    count = machine_tasks(tasks, MACHINE_TASKS);
    for (int place = 0; place < count; place++) {
        if (pid == -1 ? tasks[place].pid <= 1 || tasks[place].pid == own_pid : tasks[place].group != group)
            continue;
        if (!may_signal(&tasks[place], signal, 1)) {
            entry_of(own_pid)->refused++;
            continue;
        }
        if (tasks[place].pid == own_pid)
            myself = 1;
        else if (machine_send(tasks[place].pid, signal) == 0)
            sent++;
        else
            error = errno;
    }
    free(tasks);
    if (myself)
        sent += machine_send(own_pid, signal) == 0;
    if (sent)
        return 0;
    errno = error;
    return -1;
}

int kill(pid_t pid, int signal)
{
    struct machine_task target;

    if (!DRAGONFLY || own_node == 0) {
        if (pid > 0)
            return machine_send(pid, signal);
        return (int)syscall(SYS_kill, pid, signal);
    }
    if (pid <= 0)
        return send_to_group(pid, signal);
    if (machine_task(pid, &target) && !may_signal(&target, signal, 0)) {
        entry_of(own_pid)->refused++;
        errno = EPERM;
        return -1;
    }
    return machine_send(pid, signal);
}

int killpg(pid_t group, int signal) { return kill(group > 0 ? -group : 0, signal); }

int sigqueue(pid_t pid, int signal, const union sigval value)
{
    struct machine_task target;

    if (DRAGONFLY && own_node != 0 && machine_task(pid, &target) && !may_signal(&target, signal, 0)) {
        errno = EPERM;
        return -1;
    }
    return REAL(sigqueue)(pid, signal, value);
}

/* Whether a SIGCHLD would not have come: of an adopted zombie (DragonFly), of a child with another exit signal */
static int unheard(int signal, const siginfo_t *info)
{
    static __thread int children[4096];
    struct machine_task task;
    struct entry *entry = entry_of(info->si_pid);

    if (signal != SIGCHLD || info->si_code <= 0 || !(entry->withheld || entry->other_kind))
        return 0;
    /* one that comes while another is pending is lost: has another child died? */
    for (int count = children_of(own_pid, children, 4096); count-- > 0;)
        if (machine_task(children[count], &task) && task.state == 'Z' && !entry_of(task.pid)->withheld &&
            !entry_of(task.pid)->other_kind)
            return 0;
    return 1;
}

/* Whether a signal that came takes its default action, which is not to end the process */
static int acted_upon(int signal)
{
    struct sigaction action;
    sigset_t only, before;

    if (signal < 0 || sigaction(signal, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
        return 0;
    switch (signal) {
    case SIGTSTP: case SIGTTIN: case SIGTTOU:
        sigemptyset(&only);
        sigaddset(&only, signal);
        sigprocmask(SIG_UNBLOCK, &only, &before);
        syscall(SYS_kill, syscall(SYS_getpid), signal); /* nothing in an orphaned process group */
        sigprocmask(SIG_SETMASK, &before, NULL);
        return 1;
    case SIGCHLD: case SIGCONT: case SIGIO: case SIGURG: case SIGWINCH:
        return 1;
    }
    return 0;
}

int sigtimedwait(const sigset_t *set, siginfo_t *info, const struct timespec *timeout)
{
    siginfo_t own;
    struct timespec now, rest, end = {0, 0};
    int signal;

    clock_gettime(CLOCK_MONOTONIC, &now);
    if (timeout) {
        end.tv_sec = now.tv_sec + timeout->tv_sec + (now.tv_nsec + timeout->tv_nsec) / 1000000000;
        end.tv_nsec = (now.tv_nsec + timeout->tv_nsec) % 1000000000;
        rest = *timeout;
    }
    for (;;) {
        signal = REAL(sigtimedwait)(set, &own, timeout ? &rest : NULL);
        if (!acted_upon(signal) && (signal < 0 || !unheard(signal, &own)))
            break;
        if (timeout == NULL)
            continue;
        clock_gettime(CLOCK_MONOTONIC, &now);
        rest.tv_sec = end.tv_sec - now.tv_sec;
        rest.tv_nsec = end.tv_nsec - now.tv_nsec;
        if (rest.tv_nsec < 0) {
            rest.tv_nsec += 1000000000;
            rest.tv_sec--;
        }
        if (rest.tv_sec < 0)
            rest = (struct timespec){0, 0};
    }
    entry_of(own_pid)->wakeups++;
    if (DRAGONFLY) {
        memset(&own, 0, sizeof(own));
        own.si_signo = signal;
    }
    if (signal >= 0 && info)
        *info = own;
    return signal;
}

int sigwaitinfo(const sigset_t *set, siginfo_t *info) { return sigtimedwait(set, info, NULL); }

/* Waiting: two kinds of children, each seen with its own option only */

static int of_kind(int pid, int other) { return entry_of(pid)->other_kind == other; }

static int wait_for_kind(idtype_t type, id_t id, siginfo_t *info, int options, int other, struct rusage *usage)
{
    static __thread int children[4096];

    for (;;) {
        int found = 0;

        for (int count = children_of(own_pid, children, 4096), place = 0; place < count; place++) {
            if ((type == P_PID && children[place] != (int)id) || !of_kind(children[place], other))
                continue;
            info->si_pid = 0;
            if (syscall(SYS_waitid, P_PID, children[place], info, options | WNOHANG, usage) < 0)
                continue;
            found++;
            if (info->si_pid != 0)
                return 0;
        }
        if (!found) {
            errno = ECHILD;
            return -1;
        }
        if (options & WNOHANG)
            return 0;
        usleep(1000);
    }
}

int waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    siginfo_t own;

    if (info == NULL)
        info = &own;
    if (state->others == 0 && !(options & LINUX_CLONE))
        return REAL(waitid)(type, id, info, options);
    return wait_for_kind(type, id, info, options & ~LINUX_CLONE, (options & LINUX_CLONE) != 0, NULL);
}

pid_t wait4(pid_t pid, int *status, int options, struct rusage *usage)
{
    siginfo_t info;
    int flags = WEXITED | (options & WNOHANG) | (options & WUNTRACED ? WSTOPPED : 0) | (options & WCONTINUED);

    if ((state->others == 0 && !(options & LINUX_CLONE)) || (pid <= 0 && pid != -1))
        return (pid_t)syscall(SYS_wait4, pid, status, options & ~LINUX_CLONE, usage);
    memset(&info, 0, sizeof(info));
    if (wait_for_kind(pid > 0 ? P_PID : P_ALL, pid, &info, flags, (options & LINUX_CLONE) != 0, usage) < 0)
        return -1;
    if (status && info.si_pid)
        *status = info.si_code == CLD_EXITED      ? (info.si_status & 255) << 8
                  : info.si_code == CLD_KILLED    ? info.si_status
                  : info.si_code == CLD_DUMPED    ? info.si_status | 0x80
                  : info.si_code == CLD_CONTINUED ? 0xffff
                                                  : info.si_status << 8 | 0x7f;
    return info.si_pid;
}

pid_t wait3(int *status, int options, struct rusage *usage) { return wait4(-1, status, options, usage); }
pid_t waitpid(pid_t pid, int *status, int options) { return wait4(pid, status, options, NULL); }
pid_t wait(int *status) { return wait4(-1, status, 0, NULL); }

/* rfork(RFPROC | RFNOWAIT): the child's parent is the reaper from the start; with RFTSIGZMB its exit signal is none */
pid_t rfork(int flags)
{
    enum { RFTSIGZMB = 1 << 19 };
    int ends[2], answer = -1;
    pid_t middle;

    if (pipe(ends) < 0)
        return -1;
    middle = fork();
    if (middle == 0) {
        pid_t own = own_pid, pid = fork();

        if (pid != 0) {
            if (write(ends[1], &pid, sizeof(pid)) < 0)
                _exit(1);
            syscall(SYS_exit_group, 0);
        }
        close(ends[0]);
        close(ends[1]);
        while (getppid() == own)
            usleep(100);
        if (flags & RFTSIGZMB) {
            entry_of(own_pid)->other_kind = 1;
            __atomic_add_fetch(&state->others, 1, __ATOMIC_SEQ_CST);
        }
        return 0;
    }
    close(ends[1]);
    if (read(ends[0], &answer, sizeof(answer)) != sizeof(answer))
        answer = -1;
    close(ends[0]);
    syscall(SYS_wait4, middle, NULL, 0, NULL);
    for (int looks = 0; flags & RFTSIGZMB && looks < 100000 && answer > 0 && !entry_of(answer)->other_kind; looks++)
        usleep(100);
    return answer;
}

/* The BSDs' C library has it; "this program was not executed set-id" */
int issetugid(void) { return getauxval(AT_SECURE) != 0; }

int unshare(int flags)
{
    (void)flags;
    errno = ENOSYS;
    return -1;
}

/* Descriptors */

ssize_t recvmsg(int descriptor, struct msghdr *message, int flags)
{
    size_t room = message->msg_controllen;
    ssize_t length = REAL(recvmsg)(descriptor, message, flags);
    struct cmsghdr *header = length < 0 ? NULL : CMSG_FIRSTHDR(message);

    if (header && header->cmsg_type == SCM_RIGHTS && room < CMSG_ALIGN(header->cmsg_len)) {
        int *numbers = (int *)CMSG_DATA(header);

        for (size_t left = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int); left-- > 0;)
            syscall(SYS_close, numbers[left]);
        message->msg_controllen = 0;
        message->msg_flags |= MSG_CTRUNC;
    }
    return length;
}

/* LOCAL_PEERCRED of unix(4): struct xucred, of sys/ucred.h, from what Linux tells of the other end */
int getsockopt(int descriptor, int level, int option, void *value, socklen_t *size)
{
    if (level != 0 || option != 1) return REAL(getsockopt)(descriptor, level, option, value, size);
    struct { unsigned int version; uid_t uid; short groups; gid_t group[16]; void *unused; } told = {0};
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (REAL(getsockopt)(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) return -1;
    told.uid = peer.uid;
    told.groups = 1;
    told.group[0] = peer.gid;
    if (*size > sizeof told) *size = sizeof told;
    memcpy(value, &told, *size);
    return 0;
}

/* uipc_sockaddr(): a socket without a name has no address either */
int getsockname(int descriptor, struct sockaddr *address, socklen_t *size)
{
    struct sockaddr_storage own;
    socklen_t length = sizeof(own);

    if (REAL(getsockname)(descriptor, (struct sockaddr *)&own, &length) != 0)
        return -1;
    if (DRAGONFLY && own.ss_family == AF_UNIX && length <= sizeof(own.ss_family))
        length = 0;
    memcpy(address, &own, length < *size ? length : *size);
    *size = length;
    return 0;
}

/* soshutdown(): a socket whose other end is gone is not connected */
int shutdown(int descriptor, int how)
{
    struct pollfd gone = {.fd = descriptor, .events = 0};

    if (REAL(poll)(&gone, 1, 0) == 1 && gone.revents & POLLHUP) {
        errno = ENOTCONN;
        return -1;
    }
    return REAL(shutdown)(descriptor, how);
}

/* poll_copyin(): a descriptor without a requested event is not looked at, its end included */
int poll(struct pollfd *asked, nfds_t count, int timeout)
{
    struct pollfd *own = malloc((count + 1) * sizeof(*own));
    int found, error;

    for (nfds_t place = 0; place < count; place++) {
        own[place] = asked[place];
        if (DRAGONFLY && !(asked[place].events & ~POLLHUP))
            own[place].fd = -1;
    }
    found = REAL(poll)(own, count, timeout);
    error = errno;
    for (nfds_t place = 0; place < count; place++)
        asked[place].revents = own[place].revents;
    free(own);
    errno = error;
    return found;
}

int close(int descriptor)
{
    int result = (int)syscall(SYS_close, descriptor);

    if (result < 0 && errno == EBADF)
        entry_of(own_pid)->bad_closes++;
    return result;
}

int close_range(unsigned int first, unsigned int last, int flags)
{
    (void)first, (void)last, (void)flags;
    errno = ENOSYS;
    return -1;
}

long sysconf(int name)
{
    return DRAGONFLY && name == _SC_OPEN_MAX ? OPEN_MAX_THERE : REAL(sysconf)(name);
}

long ptrace(enum __ptrace_request request, ...)
{
    va_list list;
    pid_t pid;
    void *address, *data;

    va_start(list, request);
    pid = va_arg(list, pid_t);
    address = va_arg(list, void *);
    data = va_arg(list, void *);
    va_end(list);
    if ((request == PTRACE_ATTACH || request == PTRACE_SEIZE) && entry_of(pid)->no_debugger) {
        errno = EPERM;
        return -1;
    }
    return syscall(SYS_ptrace, request, pid, address, data);
}

/* What is not there */

static int hidden(const char *path)
{
    static const char there[] = " [ cat chmod cp csh date dd df echo ed expr hostname kill ln ls mkdir mv pax ps pwd rm "
                                "rmdir sh sleep stty sync tcsh test ";
    char name[32];

    if (path && strncmp(path, "/bin/", 5) == 0) { /* where Linux has what a BSD has in /usr/bin, as true(1) */
        snprintf(name, sizeof(name), " %s ", path + 5);
        return strstr(there, name) == NULL;
    }
    return path && (strcmp(path, "/proc") == 0 || strncmp(path, "/proc/", 6) == 0 ||
                    (strncmp(path, "/dev/fd/", 8) == 0 && strtol(path + 8, NULL, 10) > 2));
}

/* The directory that stands for /dev/fd: tests/confined/machine.py makes it */
static const char *shown(const char *path)
{
    static __thread char own[1100];

    if (path == NULL || strcmp(path, "/dev/fd") != 0)
        return path;
    snprintf(own, sizeof(own), "%s", preload);
    snprintf(strrchr(own, '/'), 4, "/fd");
    return own;
}

static mode_t mode_of(int flags, va_list list) { return flags & (O_CREAT | O_TMPFILE) ? va_arg(list, mode_t) : 0; }

#define OPEN(name)                                            \
    int name(const char *path, int flags, ...)                \
    {                                                         \
        va_list list;                                         \
        mode_t mode;                                          \
        va_start(list, flags);                                \
        mode = mode_of(flags, list);                          \
        va_end(list);                                         \
        if (hidden(path))                                     \
            ABSENT(-1);                                       \
        return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode); \
    }
OPEN(open)
OPEN(open64)

#define OPENAT(name)                                          \
    int name(int directory, const char *path, int flags, ...) \
    {                                                         \
        va_list list;                                         \
        mode_t mode;                                          \
        va_start(list, flags);                                \
        mode = mode_of(flags, list);                          \
        va_end(list);                                         \
        if (hidden(path))                                     \
            ABSENT(-1);                                       \
        return (int)syscall(SYS_openat, directory, path, flags, mode); \
    }
OPENAT(openat)
OPENAT(openat64)

FILE *fopen(const char *path, const char *mode)
{
    if (hidden(path))
        ABSENT(NULL);
    return REAL(fopen)(path, mode);
}

FILE *fopen64(const char *path, const char *mode)
{
    if (hidden(path))
        ABSENT(NULL);
    return REAL(fopen64)(path, mode);
}

DIR *opendir(const char *path)
{
    if (hidden(path))
        ABSENT(NULL);
    return REAL(opendir)(shown(path));
}

int stat(const char *path, struct stat *out)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(stat)(strcmp(path, "/dev/fd") == 0 ? "/dev" : path, out);
}

int stat64(const char *path, struct stat64 *out)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(stat64)(strcmp(path, "/dev/fd") == 0 ? "/dev" : path, out);
}

int lstat(const char *path, struct stat *out)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(lstat)(path, out);
}

int lstat64(const char *path, struct stat64 *out)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(lstat64)(path, out);
}

int fstatat(int directory, const char *path, struct stat *out, int flags)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(fstatat)(directory, path, out, flags);
}

int fstatat64(int directory, const char *path, struct stat64 *out, int flags)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(fstatat64)(directory, path, out, flags);
}

int access(const char *path, int mode)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(access)(path, mode);
}

ssize_t readlink(const char *path, char *out, size_t size)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(readlink)(path, out, size);
}

ssize_t readlinkat(int directory, const char *path, char *out, size_t size)
{
    if (hidden(path))
        ABSENT(-1);
    return REAL(readlinkat)(directory, path, out, size);
}
