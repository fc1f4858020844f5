/* What both stub kernels share: the record of the calls, scripted failures, processes and modules; see recorder.c. */
#ifndef STUB_RECORDER_H
#define STUB_RECORDER_H
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

struct stub_entry { char call[32]; int64_t arguments[3]; int64_t pointer; int64_t value; };
struct stub_module { char name[64]; int refs, id, data; };
struct stub_process { int pid, ppid, stat, detail; int64_t seconds, microseconds; char name[32]; };

extern struct stub_process stub_processes[4096];
extern int stub_process_count, stub_euid, stub_jailed, stub_owner, stub_signal_of, stub_signal;

void stub_note(const char *call, int64_t first, int64_t second, int64_t third, const void *pointer, int64_t value);
int stub_failing(void);
int stub_refuse(int error);
int stub_bad(const void *pointer);
const struct stub_process *stub_find_process(int pid);
#endif
