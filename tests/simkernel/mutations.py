"""Wrong lines for the simulated DragonFly; see ``tests.mutations``.  Files are named from pydfly/simkernel."""

from __future__ import annotations

from ..mutations import Mutation

MUTATIONS = [
    # procctl(2): the order of the checks, and each command
    Mutation("2.1 idtype", "dragonfly/procctl.py", "idtype & 0xFFFFFFFF != _P_PID", "idtype & 0xFFFFFFFF > 2"),
    Mutation("2.1 id", "dragonfly/procctl.py", "if id not in (0, process.pid):", "if id not in (0, process.pid, 1):"),
    Mutation("2.1 id is 64 bit", "dragonfly/procctl.py", "if id not in (0,", "if id & 0xFFFFFFFF not in (0,"),
    Mutation("2.1 id errno", "dragonfly/procctl.py", '"EINVAL", "DragonFly lets', '"ESRCH", "DragonFly lets'),
    Mutation("2.1 cmd is 32 bit", "dragonfly/procctl.py", "COMMANDS.get(cmd & 0xFFFFFFFF)", "COMMANDS.get(cmd)"),
    Mutation("DP-1", "dragonfly/procctl.py", '"EALREADY"', '"EBUSY"'),
    Mutation(
        "DP-1 outer node",
        "dragonfly/reaping.py",
        "Node(process, process.node, OWNED, 1)",
        "Node(process, None, OWNED, 1)",
    ),
    Mutation("DP-2", "dragonfly/procctl.py", '"ENOTCONN"', '"EINVAL"'),
    Mutation(
        "DP-3 null",
        "dragonfly/procctl.py",
        "if data is structs.NULL:\n        return None",
        "if False:\n        return None",
    ),
    Mutation(
        "DP-4", "dragonfly/procctl.py", "structs.ReaperStatus(node.flags,", "structs.ReaperStatus(node.flags & 1,"
    ),
    Mutation("DP-5", "dragonfly/procctl.py", "node.refs - 1, pid_head", "node.refs, pid_head"),
    Mutation("DP-6", "dragonfly/procctl.py", "structs.ReaperStatus(0, 0, pid_head)", "structs.ReaperStatus(0, 0, -1)"),
    Mutation(
        "DP-8 null",
        "dragonfly/procctl.py",
        '"EINVAL", "the command needs memory',
        '"EFAULT", "the command needs memory',
    ),
    Mutation("DP-9 ignored", "dragonfly/procctl.py", "if 0 <= value <= _LAST_SIGNAL:", "if value <= _LAST_SIGNAL:"),
    Mutation("DP-9 128 is stored", "dragonfly/procctl.py", "_LAST_SIGNAL = 128", "_LAST_SIGNAL = 127"),
    Mutation("DP-10 panic", "dragonfly/rules.py", "highest_deliverable = 127", "highest_deliverable = 128"),
    # exec_sys_register, exec_sys_unregister
    Mutation("2.3 superuser", "credentials.py", "process.euid == 0 and", "process.ruid == 0 and"),
    Mutation("2.3 jail", "credentials.py", "and not process.jailed", ""),
    Mutation("2.3 ENOENT", "../resident_rules.py", '"exec_sys_register", "ENOENT"', '"exec_sys_register", "EEXIST"'),
    Mutation("2.3 EEXIST", "../resident_rules.py", "    if registered:\n", "    if False:\n"),
    Mutation(
        "2.3 EEXIST by vnode",
        "dragonfly/residents.py",
        "else text in self.registrations)",
        "else text.path in {v.path for v in self.registrations})",
    ),
    Mutation("RS-1", "dragonfly/residents.py", "return len(positions)", "return 0"),
    Mutation("RS-2", "../resident_rules.py", "return positions", "return positions[:1]"),
    Mutation("RS-3", "../resident_rules.py", "if not positions:", "if not positions and id != _ALL:"),
    Mutation("2.3 -1", "../resident_rules.py", "if id == _OWN and own is not None:", "if False and own is not None:"),
    Mutation("RX-8 ids", "../resident_rules.py", "return count + 1", "return 2 * count + 1"),
    Mutation(
        "RX-6 snapshot", "dragonfly/residents.py", "self.pages = deepcopy(process.pages)", "self.pages = process.pages"
    ),
    Mutation(
        "RX-7 own copy", "dragonfly/residents.py", "process.pages = deepcopy(self.pages)", "process.pages = self.pages"
    ),
    Mutation("4.3 entry", "dragonfly/rules.py", "Executed(True, registration.entry)", "Executed(True, 4096)"),
    # exit, step by step
    Mutation(
        "3.3 step 3",
        "dragonfly/reaping.py",
        "    if owns(process):\n        release(process)\n    return",
        "    return",
    ),
    Mutation(
        "3.3 step 4",
        "dragonfly/reaping.py",
        "        if node.owner is not None:\n            return node.owner",
        "        if node.owner is not None and node.parent is None:\n            return node.owner",
    ),
    Mutation(
        "3.3 step 5 order",
        "dragonfly/rules.py",
        "            while child is not None:\n                after = child.next_sibling\n",
        "            child = process.children[-1]\n            while child is not None:\n"
        "                after = child.previous_sibling\n",
    ),
    Mutation(
        "3.3 step 5 signal", "dragonfly/rules.py", "if child.deathsig and child.alive:", "if child.deathsig and False:"
    ),
    Mutation("3.3 step 5 zombies", "dragonfly/rules.py", "if child.deathsig and child.alive:", "if child.deathsig:"),
    Mutation(
        "3.3 step 6",
        "dragonfly/rules.py",
        "                child = after",
        "                signals.notify_parent(adopter, child)\n                child = after",
    ),
    Mutation("3.3 step 7", "dragonfly/rules.py", "if lifecycle.ignores_children(parent):", "if False:"),
    Mutation("3.3 step 7 nocldwait", "lifecycle.py", "== IGNORE or parent.nocldwait", "== IGNORE"),
    Mutation("LC-6", "dragonfly/rules.py", "if adopter is not parent:", "if True:"),
    Mutation("3.3 step 8", "dragonfly/rules.py", "        reaping.drop(node)\n", "        pass\n"),
    Mutation("3.3 step 9", "dragonfly/rules.py", "                parent = adopter\n", "                pass\n"),
    Mutation(
        "LC-3",
        "lifecycle.py",
        "            if child.state is ZOMBIE:",
        "            if child.state is ZOMBIE and (pid != -1 or child.next_sibling is None):",
    ),
    Mutation(
        "LC-7",
        "dragonfly/rules.py",
        "                child = after",
        "                child.deathsig = 0\n                child = after",
    ),
    # reference counts and domains
    Mutation("RF-1 init", "dragonfly/reaping.py", "OWNED | REALINIT, 2)", "OWNED | REALINIT, 1)"),
    Mutation("RF-2", "dragonfly/reaping.py", "        node.refs += 1  # reaper_hold()", "        pass"),
    Mutation(
        "RF-6",
        "dragonfly/reaping.py",
        "        node = node.parent\n\n\ndef living_owner",
        "        return\n\n\ndef living_owner",
    ),
    Mutation(
        "RF-7", "dragonfly/reaping.py", "above.owner is None and above.refs == 1", "above.owner is None and False"
    ),
    Mutation("RF-7 others", "dragonfly/reaping.py", "above.owner is None and above.refs == 1", "above.owner is None"),
    Mutation(
        "3.5 release", "dragonfly/reaping.py", "    if node.parent is not None:\n        node.parent.refs += 1\n", ""
    ),
    Mutation("3.5 back outside", "dragonfly/reaping.py", "    process.node = node.parent\n", "    pass\n"),
    Mutation(
        "3.2 fork",
        "dragonfly/rules.py",
        "reaping.enter(child, parent.node)",
        "reaping.enter(child, parent.node and (parent.node.parent or parent.node))",
    ),
    Mutation("3.2 nowait", "dragonfly/rules.py", "if nowait else parent", "if False else parent"),
    # which process may signal which
    Mutation(
        "DS-2 owner", "dragonfly/reaping.py", "target is not sender and not direct:", "target is not sender and False:"
    ),
    Mutation("DS-2 direct", "dragonfly/reaping.py", "target is not sender and not direct:", "target is not sender:"),
    Mutation(
        "DS-3",
        "dragonfly/reaping.py",
        "        node = node.parent\n    return False",
        "        node = None\n    return False",
    ),
    Mutation("DS-4", "dragonfly/reaping.py", "return not encloses(own, target.node)", "return False"),
    Mutation("3.6 SIGCONT", "dragonfly/rules.py", "sender.sid == target.sid and", "sender.sid == sender.sid and"),
    Mutation("3.6 zombies", "dragonfly/rules.py", "if target is sender or not target.alive:", "if target is sender:"),
    Mutation("3.6 range", "dragonfly/rules.py", "highest_killable = 127", "highest_killable = 128"),
    Mutation(
        "3.6 root", "dragonfly/rules.py", "if sender.euid != 0 and target.ruid", "if sender.ruid != 0 and target.ruid"
    ),
    Mutation("3.6 groups", "signals.py", "if not allowed:", "if False:"),
    Mutation("1.6 ignored", "dragonfly/rules.py", "*range(35, 64)})", "*range(35, 63)})"),
    Mutation("9 the caller first", "lifecycle.py", "        doomed.appendleft(actor)", "        pass"),
    # exec
    Mutation("2.2 cleared", "dragonfly/rules.py", "            process.deathsig = 0\n", "            pass\n"),
    Mutation("2.2 only a change", "execution.py", "file.suid and file.owner != process.euid", "file.suid"),
    Mutation("2.2 effective id", "execution.py", "file.owner != process.euid", "file.owner != process.ruid"),
    Mutation("2.2 nosuid", "dragonfly/rules.py", "and not file.nosuid", ""),
    Mutation("3.2 SIGCHLD", "execution.py", "        process.sigchld = DEFAULT\n", "        pass\n"),
]
"""Wrong lines."""
