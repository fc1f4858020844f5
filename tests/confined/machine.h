/* What the two halves of the confined machine tell each other: the Linux below, and the BSD kernel played on it. */
#ifndef CONFINED_MACHINE_H
#define CONFINED_MACHINE_H

struct machine_task {
    int pid, ppid, group, session;
    char state;               /* as Linux shows it: R S D T t Z X I */
    long long start;          /* microseconds since the epoch */
    unsigned long long ticks; /* the same in ticks since boot: tells a process from a later one with its pid */
    char name[17];
};

enum { MACHINE_TASKS = 32768 };

int machine_tasks(struct machine_task *out, int most);
int machine_task(int pid, struct machine_task *out);
long long machine_booted(void);

/* Domains: a node for each ACQUIRE, 0 for init's.  A node whose owner is gone stands for the one above it. */
int machine_node_of(const struct machine_task *task);
int machine_own_node(void);
int machine_owner(int node); /* pid, 0 when it is gone */
int machine_living(int node); /* this, or the nearest above with an owner */
int machine_above(int node);  /* the nearest above with an owner */
int machine_is_below(int node, int top);
int machine_acquire(void);
int machine_release(void);
int machine_owns(void);

int machine_set_deathsig(int signal);
int machine_deathsig(void);
void machine_refuse_debuggers(int refuse);
int machine_refuses_debuggers(void);
int machine_send(int pid, int signal); /* no rule of the machine is asked */
#endif
