"""``pydfly svc`` against svc(8): texts, streams and exit statuses, byte for byte, one invocation a line."""

from __future__ import annotations

import getpass
import grp
import os
import pwd

import pytest

from pydfly.cli.svc import files, main
from tests.processes import eventually

from .daemons import Call, Daemons

HELP = """\
svc [options] directive [label [arguments]]

Directives: init start stop stopall restart exit kill list status
            log logf tailf logfile help
"""
UNKNOWN = "Unknown option ?\n"
NO_DIRECTIVE = "No directive specified\n"
WAITING = "Waiting for service to stop\n"


def needs(directive: str) -> str:
    return f"Directive requires a label or 'all': {directive}\n"


def illegal(letter: str) -> Call:
    return Call(f"-{letter} status", UNKNOWN, f"svc: illegal option -- {letter}\n", 1)


def missing(letter: str) -> Call:
    return Call(f"-{letter}", UNKNOWN, f"svc: option requires an argument -- {letter}\n", 1)


def init_fails(words: str, why: str, label: str = "web") -> Call:
    return Call(words, f"initializing new service: {label}\n{why}\n", "", 1)


NO_JAILS = "pydfly makes no jails; give a command that does, as jail(8)"
LONG = "x" * 120
DIGITS = "9" * 5000  # more than int() reads
EXITED = """\
initializing new service: web
svc web: Starting pid N
svc web: lost direct child N
svc web: child N: exit status 0
svc web: service demon exiting
"""
NO_LOG = """\
svc web: Change logfile to @/none/log
svc web: Unable to open/create "@/none/log": No such file or directory
"""
USER = getpass.getuser()
GROUP = grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name

WITHOUT_SERVICES = [
    Call("", NO_DIRECTIVE, "", 1),
    Call("-d", NO_DIRECTIVE, "", 1),
    Call("-f", NO_DIRECTIVE, "", 1),
    Call("--", NO_DIRECTIVE, "", 1),
    Call("-dfxs", NO_DIRECTIVE, "", 1),
    Call("-r 5", NO_DIRECTIVE, "", 1),
    Call("-r5", NO_DIRECTIVE, "", 1),
    Call("-xr5", NO_DIRECTIVE, "", 1),
    Call("-R junk", NO_DIRECTIVE, "", 1),
    Call("-t 0x10", NO_DIRECTIVE, "", 1),
    Call("-h", HELP),
    Call("--help", HELP),
    Call("-f --help -q", HELP),
    Call("--help=x", UNKNOWN, "svc: illegal option -- -\n", 1),
    Call("-fh", HELP),
    Call("-h -q", HELP),
    Call("-r 1 -h status", HELP),
    Call("help", HELP),
    Call("help web", HELP),
    Call("-- help", HELP),
    Call("-- -h", "Directive requires a label or 'all': -h\n", "", 1),
    *[illegal(letter) for letter in "abeinoqyzABCDEHIJKLMNOPQSUVWXYZ0123456789?:"],
    *[missing(letter) for letter in "rRtugGlcjkTF"],
    Call("--bogus status", UNKNOWN, "svc: illegal option -- -\n", 1),
    Call("-fq status", UNKNOWN, "svc: illegal option -- q\n", 1),
    Call("-q -h", UNKNOWN, "svc: illegal option -- q\n", 1),
    Call("-", needs("-"), "", 1),
    *[Call(word, needs(word), "", 1) for word in ("init", "start", "stop", "stopall", "restart", "exit", "kill")],
    Call("logfile", needs("logfile"), "", 1),
    Call("bogus", needs("bogus"), "", 1),
    Call("bogus web", "Uknown directive: bogus\n", "", 1),
    Call("bogus all", "Uknown directive: bogus\n", "", 1),
    Call("START web", "Uknown directive: START\n", "", 1),
    Call("a~b web", "Uknown directive: a b\n", "", 1),
    Call("init web", "init requires a label and command\n", "", 1),
    Call("init all sleep 1", "init requires a label and command\n", "", 1),
    Call("-u nobodyatall status", "Cannot find user nobodyatall: no such user\n", "", 1),
    Call("-u 4000000000 status", "Cannot find user 4000000000: no such user\n", "", 1),
    Call("-u 1x status", "Cannot find user 1x: 1x is no number\n", "", 1),
    Call("-u 99999999999999999999 status", "Cannot find user 99999999999999999999: no such user\n", "", 1),
    Call("-g nogroupatall status", "Cannot find group nogroupatall: no such group\n", "", 1),
    Call("-g 4000000000 status", "Cannot find group 4000000000: no such group\n", "", 1),
    Call("-g 0x0 status", "Cannot find group 0x0: 0x0 is no number\n", "", 1),
    Call("-G one,two status", "Cannot find group one: no such group\nCannot find group two: no such group\n", "", 1),
    Call(f"-G {','.join(['0'] * 17)} status", "Too many groups specified, max 16\n", "", 1),
    Call(f"-G {','.join(['0'] * 16)} status"),
    Call("-G ,0,,0, status"),
    Call(f"-u {USER} -g {GROUP} -G 0 status"),
    Call("-k bogus status", "jail-spec 'bogus' not understood\n", "", 1),
    Call("-k clean,x,y status", "jail-spec 'x' not understood\njail-spec 'y' not understood\n", "", 1),
    Call("-k clean status"),
    Call("-F x status", "bad restart specification: x\n", "", 1),
    Call("-F :5 status", "bad restart specification: :5\n", "", 1),
    Call("-F -1 status", "bad restart specification: -1\n", "", 1),
    Call("-F 5 status"),
    Call("-F 5:10 status"),
    Call("-F 5:x status"),
    Call(f"-F {DIGITS}:{DIGITS} status"),
    Call(f"-t {DIGITS} -r {DIGITS} status"),
    Call(f"-u {DIGITS} status", f"Cannot find user {DIGITS}: no such user\n", "", 1),
    Call(f"-G {DIGITS} status", f"Cannot find group {DIGITS}: no such group\n", "", 1),
    Call("--ready", UNKNOWN, "svc: option requires an argument -- ready\n", 1),
    Call("--ready 2 status", "--ready: '2' is neither notify nor a descriptor from 3 to 1023\n", "", 1),
    Call("--backoff=0.5 status", "--backoff: '0.5' is no number from 1 on\n", "", 1),
    Call("--stop-signal NO status", "--stop-signal: 'NO' is no signal\n", "", 1),
    Call("--kill-mode=all status", "--kill-mode: 'all' is none of mixed, everyone\n", "", 1),
    Call("--ready-timeout=-1 status", "--ready-timeout: '-1' is no number from 0 on\n", "", 1),
    Call("status"),
    Call("status all"),
    Call("list"),
    Call("list --json", "[]\n"),
    Call("log"),
    Call("stop all"),
    Call("status web", "", "", 2),
    Call("status --json web", "", "", 2),
    *[
        Call(f"{word} web", "", "svc: no service matches web\n", 1)
        for word in ("list", "log", "logf", "tailf", "start", "stop", "stopall", "restart", "exit", "kill", "logfile")
    ],
    Call("-p @/none status", 'Unable to scan "@/none"\n', "", 1),
    Call("-p none list", 'Unable to scan "none"\n', "", 1),
    init_fails("-p @/none init web sleep 1", 'Cannot init, unable to create "web": No such file or directory'),
    init_fails("-p none init web sleep 1", "Cannot init, -p none: only with -f and -x"),
    init_fails("-p none -f init web sleep 1", "Cannot init, -p none: only with -f and -x"),
    init_fails("-j /tmp init web sleep 1", f"Cannot init, -j: {NO_JAILS}"),
    init_fails("-m init web sleep 1", "Cannot init, -m: pydfly mounts no file systems; mount dev before"),
    init_fails("-k clean init web sleep 1", f"Cannot init, -k: {NO_JAILS}"),
    init_fails("-c @/none init web sleep 1", "Cannot init, -c @/none: no such directory"),
    init_fails("init web @/none", "Cannot init, unable to start: @/none: No such file or directory"),
    init_fails("-f init web @/none", "Cannot init, unable to start: @/none: No such file or directory"),
    init_fails("init web nosuchprogram", "Cannot init, unable to start: nosuchprogram: No such file or directory"),
    init_fails("init web /dev/null", "Cannot init, unable to start: /dev/null: Permission denied"),
    init_fails("-l @/none/log init web sleep 1", "Cannot init, unable to start: @/none/log: No such file or directory"),
    init_fails("-l @ init web sleep 1", "Cannot init, unable to start: @: Is a directory"),
    *[
        init_fails(
            f"init {label} sleep 1",
            f'Cannot init, "{label}" is no label: letters, digits and . _ @ + - are, with no . or - first',
            label,
        )
        for label in ("../x", "a/b", "-x", ".hidden", "a:b", "é")
    ],
    init_fails(f"init {LONG} sleep 1", f'Cannot init, unable to create "{LONG}": File name too long', LONG),
    Call("-f -x init web true", EXITED),
    Call("-f -x init web false", EXITED.replace("status 0", "status 1")),
]  # fmt: skip

ONE = [
    Call("init web sleep 1000", "initializing new service: web\nN\n"),
    Call("init web sleep 1", "initializing new service: web\nCannot init, web is already active\n", "", 1),
    Call("-f init web sleep 1", "initializing new service: web\nCannot init, web is already active\n", "", 1),
    Call("list", "web             \n"),
    Call("list --json", '[\n  "web"\n]\n'),
    Call("status", "web              running\n"),
    Call("status all", "web              running\n"),
    Call("status w", "web              running\n"),
    Call("status web", "web              running\n"),
    Call("status webs", "", "", 2),
    Call("start web", "svc web: Already started pid N\n"),
    Call("log web", "svc web: Starting pid N\n"),
    Call("stop web", "svc web: Stopping\nsvc web: Waiting for service to stop\n"),
    Call("status", "web              stopped (manual)\n", "", 1),
    Call("list", "web             \n"),
    Call("stop web", "svc web: Stopping\n"),
    Call("stopall web", "svc web: Stopping\n"),
    Call("start web", "svc web: Starting pid N\n"),
    Call("status", "web              running\n"),
    Call("restart web", "svc web: Stopping\nsvc web: Waiting for service to stop\nsvc web: Starting pid N\n"),
    Call("-t 0 stop web", "svc web: Stopping\nsvc web: Waiting for service to stop\n"),
    Call("restart web", "svc web: Stopping\nsvc web: Starting pid N\n"),
    Call("-t 1 stopall web", "svc web: Stopping\nsvc web: Waiting for service to stop\n"),
    Call("logfile web"),
    Call("logfile web @/log", "svc web: Change logfile to @/log\n"),
    Call("logfile web", "svc web: Reopen logfile @/log\n"),
    Call("logfile web @/none/log", NO_LOG, "", 1),
    Call("logfile web", "svc web: Reopen logfile @/log\n"),
    Call("-l @/other logfile web", "svc web: Change logfile to @/other\n"),
    Call("logfile web /dev/null", "svc web: Change logfile to /dev/null\n"),
    Call("init web sleep 1", "initializing new service: web\nCannot init, web is already active\n", "", 1),
    Call("exit web", "svc web: Stopping and Exiting\nsvc web: Stopping\n"),
    Call("status web", "", "", 2),
    Call("exit web", "", "svc: no service matches web\n", 1),
    Call("init web sleep 1000", "initializing new service: web\nN\n"),
    Call("kill web", "svc web: Stopping and Exiting\nsvc web: Stopping\nsvc web: Waiting for service to stop\n"),
    Call("list"),
]  # fmt: skip

SEVERAL = [
    Call("init web1 sleep 1000", "initializing new service: web1\nN\n"),
    Call("init web2 sleep 1000", "initializing new service: web2\nN\n"),
    Call("-T title -s init db sleep 1000", "initializing new service: db\nN\n"),
    Call("stop db", "svc db: Stopping\nsvc db: Waiting for service to stop\n"),
    Call("status web", "web1             running\nweb2             running\n"),
    Call("status db", "db               stopped (manual)\n", "", 1),
    Call("status web1", "web1             running\n"),
    Call("status x", "", "", 2),
    Call("exit d", "svc db: Stopping and Exiting\nsvc db: Stopping\n"),
    Call("status all", "web1             running\nweb2             running\n"),
]  # fmt: skip


def test_as_many_invocations_as_were_asked_for() -> None:
    assert len(WITHOUT_SERVICES) + len(ONE) + len(SEVERAL) >= 120


@pytest.mark.parametrize("call", WITHOUT_SERVICES, ids=lambda call: call.words[:40] or "nothing")
def test_without_services(call: Call, daemons: Daemons) -> None:
    daemons.check(call)
    assert sorted(os.listdir(daemons.directory)) == [], "something was left behind"


@pytest.mark.parametrize("calls", [ONE, SEVERAL], ids=["one", "several"])
def test_histories(calls: list[Call], daemons: Daemons) -> None:
    """One after the other, each in the state that those before it have left."""
    for call in calls:
        daemons.check(call)


def test_the_same_in_the_foreground(daemons: Daemons) -> None:
    """What the clients of a detached daemon see, those of one in the foreground see, too; and its terminal the log."""
    daemon = daemons.start("-f", "init", "web", "sleep", "1000")
    eventually(lambda: daemons.run("status", "web").stdout == "web              running\n")
    end = next(place for place, call in enumerate(ONE) if call.words.startswith("exit"))
    for call in ONE[1 : end + 2]:
        daemons.check(call)
    out, err = daemon.communicate(timeout=200)
    assert (daemon.returncode, err) == (0, "")
    assert out.startswith("initializing new service: web\nsvc web: Starting pid ")
    assert out.endswith("svc web: service demon exiting\n")


def test_several_answer_in_any_order(daemons: Daemons) -> None:
    for label in ("a", "b", "c"):
        daemons.init("init", label, "sleep", "1000")
    daemons.run("stop", "b")
    done = daemons.run("status")
    assert sorted(done.stdout.splitlines()) == [
        "a                running",
        "b                stopped (manual)",
        "c                running",
    ]
    assert done.returncode == 1
    done = daemons.run("exit", "all")
    assert done.returncode == 0
    assert done.stdout.count("Stopping and Exiting") == 3
    assert os.listdir(daemons.directory) == []


@pytest.mark.parametrize(("words", "status"), [("status", 0), ("list", 0), ("status web", 2)])
def test_before_the_first_init(
    words: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The tool's directory is always there; ours is made by the first init, and until then there is no service."""
    monkeypatch.setattr(files, "default_directory", lambda: "/nowhere/pydfly/svc")
    assert main(words.split()) == status
    assert capsys.readouterr() == ("", "")
