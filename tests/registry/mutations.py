"""Wrong lines of the registry, each of which a test must notice; see ``tests.mutations``."""

from __future__ import annotations

from ..mutations import Mutation

DIRECTORY, FILE, CONTENT, RULES = "directory.py", "file.py", "content.py", "rules.py"

MUTATIONS = [
    Mutation("owner on the way", DIRECTORY, "        if status.st_uid not in (0, self.user):", "        if False:"),
    Mutation("root is trusted", DIRECTORY, "status.st_uid not in (0, self.user)", "status.st_uid != self.user"),
    Mutation(
        "writable on the way",
        DIRECTORY,
        "        if stat.S_ISDIR(status.st_mode) and status.st_mode & _WRITABLE_BY_OTHERS and",
        "        if False and",
    ),
    Mutation("writable by the group", DIRECTORY, "stat.S_IWGRP | stat.S_IWOTH", "stat.S_IWOTH"),
    Mutation("sticky is enough", DIRECTORY, " and not status.st_mode & stat.S_ISVTX:", ":"),
    Mutation("links have one name", DIRECTORY, " and status.st_nlink > 1:", " and status.st_nlink > 2:"),
    Mutation("loops end", DIRECTORY, "        if self.links > _MOST_LINKS:", "        if self.links > 10**9:"),
    Mutation(
        "no link at the end",
        DIRECTORY,
        '        if not self.names:\n            raise refusal(CALL, "ENOTDIR"',
        '        if False:\n            raise refusal(CALL, "ENOTDIR"',
    ),
    Mutation("the directory is ours", DIRECTORY, "        if self.status.st_uid != self.user:", "        if False:"),
    Mutation(
        "the directory is ours alone",
        DIRECTORY,
        '        if self.status.st_mode & _WRITABLE_BY_OTHERS:\n            raise refusal(CALL, "EACCES", f"{self.at} can',
        '        if False:\n            raise refusal(CALL, "EACCES", f"{self.at} can',
    ),
    Mutation("mode of a new directory", DIRECTORY, ".st_mode & 0o777 != 0o700:", ".st_mode & 0o777 != 0:"),
    Mutation("the file is regular", DIRECTORY, "    if not stat.S_ISREG(status.st_mode):", "    if False:"),
    Mutation("the file is ours", DIRECTORY, "    if status.st_uid != os.geteuid():", "    if False:"),
    Mutation("the file is ours alone", DIRECTORY, "    if status.st_mode & 0o077:", "    if status.st_mode & 0o022:"),
    Mutation(
        "no login session",
        DIRECTORY,
        "told or variable(VARIABLE) or",
        "told or variable(VARIABLE) or variable('XDG_RUNTIME_DIR') or",
    ),
    Mutation("mode of the file", FILE, "os.fchmod(opened[-1], 0o600)", "os.fchmod(opened[-1], 0o640)"),
    Mutation("one at a time", FILE, "fcntl.LOCK_EX", "fcntl.LOCK_SH"),
    Mutation(
        "renamed into place", FILE, "            os.rename(_FRESH, NAME, src", "            os.link(_FRESH, NAME, src"
    ),
    Mutation("nothing is left of a failure", FILE, "            _remove_unfinished(self.directory)\n", ""),
    Mutation(
        "a killed writer's file",
        FILE,
        "        os.unlink(_FRESH, dir_fd=directory)\n        opened.add",
        "        opened.add",
    ),
    Mutation("a handler does not wait", FILE, "        if other is not None and other._turns:", "        if False:"),
    Mutation(
        "damage is set aside",
        FILE,
        "    os.rename(NAME, aside, src_dir_fd=directory, dst_dir_fd=directory)",
        "    os.unlink(NAME, dir_fd=directory)",
    ),
    Mutation("another name each time", FILE, "        number += 1", "        break"),
    Mutation(
        "an empty file", CONTENT, '        raise Damaged("it is empty, as no registry is")', "        return Content()"
    ),
    Mutation(
        "the checksum", CONTENT, '    if file[end:] != b"%08x\\0" % crc32(memoryview(file)[:end]):', "    if False:"
    ),
    Mutation(
        "another boot", CONTENT, "    return content if written == boot.encode() else Content()", "    return content"
    ),
    Mutation("a newer format", CONTENT, "int(words[1]) > VERSION:", "int(words[1]) > 10**9:"),
    Mutation("all of the identity", CONTENT, 'b"\\0%d %d %d " % identity', 'b"\\0%d %d " % identity[:2]'),
    Mutation("a row ends", CONTENT, 'b"%d %d %d %d %d %d %s\\0" % self', 'b"%d %d %d %d %d %d %s" % self'),
    Mutation(
        "the counter",
        RULES,
        "resident_rules.new_id(change.before.count,",
        "resident_rules.new_id(change.before.serial,",
    ),
    Mutation(
        "privilege",
        RULES,
        "        resident_rules.require_privilege(euid == 0, call)",
        "        resident_rules.require_privilege(True, call)",
    ),
    Mutation("the name of the file", RULES, "os.fsencode(os.path.realpath(program.path))", "os.fsencode(program.path)"),
    Mutation("names that lead elsewhere", RULES, "if identify(path) == identity else", "if identify(path) else"),
]
