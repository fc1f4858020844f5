"""Wrong lines for the simulated FreeBSD; see ``tests.mutations``.  Files are named from pydfly/simkernel."""

from __future__ import annotations

from ..mutations import Mutation

PROCCTL, KILL, LISTS = "freebsd/procctl.py", "freebsd/reapkill.py", "freebsd/reaplists.py"
RULES, TABLE, RIGHTS = "freebsd/rules.py", "syscalls/freebsd.py", "freebsd/permissions.py"
REAP, BOTH = "freebsd/reapcommands.py", "syscalls/table.py"

MUTATIONS = [
    # the common path
    Mutation("2.4 id 0", PROCCTL, "if id == 0:  # of all 64 bits", "if _signed(id) == 0:"),
    Mutation(
        "2.4 zombies",
        PROCCTL,
        "        if target is None or not target.alive:\n            raise",
        "        if target is None:\n            raise",
    ),
    Mutation(
        "2.4 debug right",
        PROCCTL,
        "(permissions.candebug if row.debug else permissions.cansee)(process, target)",
        "permissions.cansee(process, target)",
    ),
    Mutation(
        "2.4 step 11",
        PROCCTL,
        "        if row.memory is WRITES or row.memory is KILL:\n            _copy_out(row, data)\n",
        "        pass\n",
    ),
    Mutation("FR-3", PROCCTL, "if data is not structs.NULL and data is not structs.OMITTED:", "if False:"),
    Mutation("FD-3", PROCCTL, '"PDEATHSIG" in command.name)', "False)"),
    Mutation("FD-4", REAP, "if not 0 <= value <= numbers.SIG_MAXSIG:", "if not 0 <= value < numbers.SIG_MAXSIG:"),
    Mutation("FG-1", PROCCTL, "or not member.alive or right(", "or right("),
    Mutation("FG-2", PROCCTL, "        if not done:\n", "        if first_error or not done:\n"),
    Mutation("FG-3", PROCCTL, "first_error = first_error or error", "first_error = error"),
    Mutation("FG-4", PROCCTL, "[self._kernel_process] if pgid == 0 else", ""),
    Mutation("5.8 id", PROCCTL, "self._kernel_process if _signed(id) == 0 else", "process if id == 0 else"),
    Mutation("5.8 PRIV_IO", PROCCTL, 'if row.name == "PROC_KPTI_CTL" and (process.euid', "if False and (process.euid"),
    # reapers
    Mutation("FR-1", REAP, '"EPERM", "a process can make only', '"EINVAL", "a process can make only'),
    Mutation("FR-2", REAP, "if target.parent is None or target.domain is None:", "if target.domain is None:"),
    Mutation("FR-5", REAP, "if reaper.parent is None:", "if target.parent is None:"),
    Mutation("FR-7", REAP, "(member.real_parent or member.parent) is reaper for member", "True for member"),
    Mutation("FR-8", REAP, "    if domain:\n        pid =", "    if reaper.first_child:\n        pid ="),
    Mutation("FP-2", REAP, "del infos[wanted & 0xFFFFFFFF :]", "pass"),
    Mutation("FP-4", LISTS, "return reversed(reaper.domain.values())", "return iter(list(reaper.domain.values()))"),
    Mutation("FP-6", REAP, "            flags |= _REAPER\n", "            pass\n"),
    Mutation("FP-6 main", REAP, "        if main:\n            flags", "        if False:\n            flags"),
    Mutation(
        "FP-7",
        LISTS,
        "child.pid if reaper is parent and parent.parent is not None else",
        "child.pid if reaper is parent else",
    ),
    Mutation("FP-7 dissolved", LISTS, "        member.subtree = process.subtree\n", "        pass\n"),
    Mutation("FP-8", REAP, "if infos and isinstance(data, Pids)", "if isinstance(data, Pids)"),
    Mutation("3.5 order", LISTS, "for member in reversed(domain.values()):", "for member in list(domain.values()):"),
    Mutation("3.5 children", LISTS, "if exiting and member.parent is process:", "if member.parent is process:"),
    # life and death
    Mutation("3.2 fork", LISTS, "    if process.domain is not None:\n        return process\n", ""),
    Mutation(
        "3.2 nowait",
        RULES,
        "            reaper = parent.reaper\n        reaplists",
        "            pass\n        reaplists",
    ),
    Mutation(
        "3.3 step 2",
        RULES,
        "        reaper = child.reaper\n        assert",
        "        reaper = parent.reaper\n        assert",
    ),
    Mutation(
        "LC-1",
        RULES,
        "        if process.files:\n            capsicum.close_all(process)\n",
        "        if process.domain:\n            reaplists.abandon(process, True)\n"
        "        if process.files:\n            capsicum.close_all(process)\n",
    ),
    Mutation("LC-5", RULES, "_tell_of_zombie(reaper, child, False)", "pass"),
    Mutation("LC-6", RULES, "and reaper is not parent:  # LC-6", "and True:"),
    Mutation("3.3 step 3", RULES, "        elif child.deathsig:", "        if child.deathsig:"),
    Mutation(
        "10.1 SI_KERNEL",
        RULES,
        'signals.post(child, child.deathsig, "SI_KERNEL")',
        "signals.post(child, child.deathsig)",
    ),
    Mutation("10.1 queue", RULES, "queues_every_instance = True", "queues_every_instance = False"),
    Mutation("10.1 ignored", RULES, "frozenset({16, 23, 28, 29})", "frozenset({16, 23, 28, 29, 32})"),
    Mutation(
        "sigqueue_take",
        RULES,
        "            signals.forget_child(parent, zombie)\n        zombie",
        "            pass\n        zombie",
    ),
    Mutation(
        "3.2 exec",
        RULES,
        "        if sets_ids:\n            process.deathsig = 0\n        if file.bad",
        "        if sets_ids and not file.bad:\n            process.deathsig = 0\n        if file.bad",
    ),
    Mutation("3.2 nosuid", RULES, "not (file.nosuid or process", "not (process"),
    # REAP_KILL
    Mutation("FK-2", KILL, "[reaper] if reaper.alive else []", "[reaper]"),
    Mutation(
        "FK-2 members",
        KILL,
        "                if not target.alive:\n                    continue\n                if target.domain",
        "                if target.domain",
    ),
    Mutation("FK-3", KILL, "                    reapers.append(target)", "                    pass"),
    Mutation("FK-3 subtree", KILL, "if owner is reaper and self.flags & _SUBTREE and", "if self.flags & _SUBTREE and"),
    Mutation("FK-4", KILL, 'self.error: str | None = "ESRCH"', "self.error: str | None = None"),
    Mutation("FK-5", KILL, 'else self.error == "ESRCH":', "else True:"),
    Mutation("FK-6", KILL, '(self.error is None and refused != "ESRCH") if main', '(refused != "ESRCH") if main'),
    Mutation("FK-6 hidden", KILL, 'self.error is None and refused != "ESRCH"', "self.error is None"),
    Mutation(
        "FK-7",
        KILL,
        "            if refused is None:\n                self.signal(child)\n",
        "            if refused is None:\n                self.signal(child)\n                self.error = None\n",
    ),
    Mutation("FK-8", KILL, "if target is self.caller and not main:", "if False:"),
    Mutation("FK-8 main", KILL, "if target is self.caller and not main:", "if target is self.caller:"),
    Mutation("FK-10", KILL, "self.caller.pid, self.caller.ruid)", "self.caller.pid, self.caller.euid)"),
    Mutation("5.4 flags", KILL, "or flags == 3:", "or False:"),
    # rights
    Mutation("3.6 set-id", RIGHTS, "if number not in USUAL_SIGNALS:", "if False:"),
    Mutation("3.6 saved id", RIGHTS, "(target.ruid, target.svuid)", "(target.ruid, target.euid)"),
    Mutation("see_other_uids", RIGHTS, "if process.ruid != target.ruid and", "if False and"),
    Mutation("debug ids", RIGHTS, "not (own_ids and own_groups and", "not (own_ids and"),
    Mutation("debug notrace", RIGHTS, 'target.controls.get("notrace")', "False"),
    # controls
    Mutation(
        "5.5 EBUSY",
        "freebsd/controls.py",
        '    if target.real_parent is not None:\n        raise refusal("procctl", "EBUSY"',
        '    if False:\n        raise refusal("procctl", "EBUSY"',
    ),
    Mutation("5.5 exec", "freebsd/controls.py", 'new.pop("notrace", None)', "pass"),
    Mutation(
        "5.5 INHERIT",
        "freebsd/controls.py",
        'if "protected" in controls and "inherit_protected" not in controls:',
        "if False:",
    ),
    Mutation("5.7 stackgap", "freebsd/controls.py", 'and "stackgap_off" in target.controls', ""),
    Mutation("5.7 set-id exec", "freebsd/controls.py", "    if sets_ids:  #", "    if False:  #"),
    # the system-call table
    Mutation("6.2 step 1", TABLE, "if flags & ~SY_THR_STATIC:", "if False:"),
    Mutation("6.2 step 2", BOTH, "if place and slot.call is lkmnosys", "if place and slot.call in self.registrable"),
    Mutation(
        "6.2 step 3",
        BOTH,
        "elif not 0 <= number < len(self.slots):",
        "elif not -len(self.slots) <= number < len(self.slots):",
    ),
    Mutation(
        "6.4 order",
        TABLE,
        "if capmode and not slot.flags & SYF_CAPENABLED:",
        "if capmode and not slot.thrcnt & 6 and not slot.flags & SYF_CAPENABLED:",
    ),
    Mutation("6.4 draining", TABLE, "slot.thrcnt & (SY_THR_ABSENT | SY_THR_DRAINING)", "slot.thrcnt & SY_THR_ABSENT"),
    Mutation("SH-2", TABLE, "                self.helper_unregister(entries)\n", ""),
    Mutation("SH-7", TABLE, "with suppress(SyscallError):  # the kernel ignores the result", "if True:"),
    Mutation("MO-1", "syscalls/modules.py", 'f"sys/{name}" if', 'f"{name}" if'),
    Mutation("MO-2", "syscalls/modules.py", "                data.failed = True\n", ""),
    Mutation(
        "MO-3",
        "syscalls/modules.py",
        "            chain(module, what, data.arg)\n            self._table.deregister(data.entry)",
        "            self._table.deregister(data.entry)\n            chain(module, what, data.arg)",
    ),
    Mutation(
        "MO-9",
        "syscalls/modules.py",
        "            del self.loaded[module.id]\n            raise",
        "            del self.loaded[module.id]\n            self._last_id -= 1\n            raise",
    ),
]
"""Wrong lines."""
