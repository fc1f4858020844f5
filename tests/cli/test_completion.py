"""Completion, asked of the real shells."""

from __future__ import annotations

import ast
import os
import pty
import select
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pydfly.cli import COMMANDS, values
from pydfly.cli import help as manual

from .test_cli import pydfly

# what is typed (the last word is to be completed), and what must be among the offers
QUESTIONS = [
    ("pydfly ", set(COMMANDS)),
    ("pydfly tr", {"tree"}),
    ("pydfly run --", {option.flag for option in COMMANDS["run"].options}),
    ("pydfly run --grace 5 --pd", {"--pdeathsig"}),
    ("pydfly run --pdeathsig TE", {"TERM"}),
    ("pydfly run --report rep", {"report.json"}),
    ("pydfly run zzpro", {"zzprogram"}),
    ("pydfly run -- zzpro", {"zzprogram"}),
    ("pydfly run --grace 1 zzprogram rep", {"report.json"}),
    ("pydfly resident --e", {"--explain"}),
    ("pydfly resident --conf rep", {"report.json"}),
    ("pydfly replay rep", {"report.json"}),
    ("pydfly status --j", {"--json"}),
    ("pydfly help ", set(manual.topics())),
    ("pydfly completion ", set(values.SHELLS)),
    ("pydfly run --grace ", set()),
]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make a directory with the scripts, a file to complete, and a program to complete."""
    for shell in values.SHELLS:
        output = pydfly("completion", shell)
        assert (output.returncode, output.stderr) == (0, "")
        (tmp_path / f"completion.{shell}").write_text(output.stdout)
    (tmp_path / "report.json").touch()
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("zzprogram", "pydfly"):
        (programs / name).write_text("#!/bin/sh\n")
        (programs / name).chmod(0o755)
    return tmp_path


def environment(place: Path) -> dict[str, str]:
    return {**os.environ, "HOME": str(place), "PATH": f"{place}/programs:{os.environ['PATH']}", "TERM": "dumb"}


def ask(shell: str, script: str, place: Path) -> list[set[str]]:
    """Run a script that prints the offers to each question, a line each, and `--` after each question."""
    done = subprocess.run([shell, "-c", script], cwd=place, env=environment(place), capture_output=True, text=True)
    assert done.stderr == ""
    return [set(answer.split("\n")) - {""} for answer in done.stdout.split("=====\n")[:-1]]


def check(answers: list[set[str]]) -> None:
    assert len(answers) == len(QUESTIONS)
    for (typed, wanted), offered in zip(QUESTIONS, answers, strict=True):
        assert wanted - offered == set(), typed
        prefix = typed.split(" ")[-1]
        assert all(offer.startswith(prefix) for offer in offered), (typed, offered)
        assert wanted or not offered, (typed, offered)


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash(place: Path) -> None:
    """As readline calls it: the words, and which of them the cursor is in."""
    script = ". ./completion.bash\n"
    for typed, _ in QUESTIONS:
        script += f"COMP_WORDS=({' '.join(repr(word) for word in typed.split(' '))}); "
        script += "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _pydfly\n"
        script += "printf '%s\\n' \"${COMPREPLY[@]}\"; echo =====\n"
    check(ask("bash", script, place))


@pytest.mark.skipif(not shutil.which("bash"), reason="bash is not installed")
def test_bash_splits_at_the_equals_sign(place: Path) -> None:
    script = ". ./completion.bash\nCOMP_WORDS=(pydfly run --pdeathsig = TE); COMP_CWORD=4; _pydfly\n"
    assert ask("bash", script + "printf '%s\\n' \"${COMPREPLY[@]}\"; echo =====\n", place) == [{"TERM"}]


@pytest.mark.skipif(not shutil.which("fish"), reason="fish is not installed")
def test_fish(place: Path) -> None:
    script = "source ./completion.fish\n"
    for typed, _ in QUESTIONS:
        script += f"complete -C '{typed}' | string replace -r '\\t.*' ''; echo =====\n"
    check(ask("fish", script, place))


@pytest.mark.skipif(not shutil.which("zsh"), reason="zsh is not installed")
def test_zsh(place: Path) -> None:
    """In a terminal, with the tabulator key; zsh has no other way."""
    shell = Terminal(["zsh", "-f", "-i"], place)
    try:
        shell.type(
            "PS1='>'; unsetopt prompt_sp prompt_cr zle_bracketed_paste; setopt nobeep; autoload -U compinit; "
            "compinit -u -D; source ./completion.zsh; zmodload zsh/complist; LISTMAX=1000; bindkey '^T' list-choices; "
            "echo re''ady\n"
        )
        shell.read("ready")
        for typed, wanted in QUESTIONS:
            if not wanted:
                continue
            # a unique match completes the word; of several a list is shown; ^U clears the line
            shell.type(typed + "\t\x14")
            shown = shell.read(*wanted)
            assert [offer for offer in wanted if offer not in shown] == [], (typed, shown)
            shell.type("\x15echo do''ne\n")
            shell.read("done")
    finally:
        shell.close()


class Terminal:
    """A program in a terminal of its own."""

    def __init__(self, command: list[str], place: Path) -> None:
        reading, writing = pty.openpty()
        subprocess.run(["stty", "cols", "200", "rows", "100"], stdin=writing, check=True)
        self.process = subprocess.Popen(
            command,
            cwd=place,
            env={**environment(place), "TERM": "vt100"},
            stdin=writing,
            stdout=writing,
            stderr=writing,
            start_new_session=True,
        )
        os.close(writing)
        self.descriptor = reading

    def type(self, text: str) -> None:
        os.write(self.descriptor, text.encode())

    def read(self, *wanted: str, timeout: float = 60.0) -> str:
        """Read until everything wanted was shown, or for so long."""
        shown = ""
        end = time.monotonic() + timeout
        while any(text not in shown for text in wanted) and (rest := end - time.monotonic()) > 0:
            if select.select([self.descriptor], [], [], rest)[0]:
                shown += os.read(self.descriptor, 65536).decode(errors="replace")
        return shown

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.descriptor)


@pytest.mark.parametrize("words", [[], ["tcsh"], ["bash", "zsh"]])
def test_errors_of_use(words: list[str]) -> None:
    output = pydfly("completion", *words)
    assert (output.returncode, output.stdout) == (2, "")


def test_pydfly_run_imports_nothing_of_this() -> None:
    """No command but the one that is called is imported; none needs argparse."""
    code = (
        "import sys; from pydfly.cli import run, parse; parse('run', ['--grace', '5', 'true']); "
        "print({name for name in sys.modules if name.startswith('pydfly.cli') or name == 'argparse'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == {
        "pydfly.cli",
        "pydfly.cli.options",
        "pydfly.cli.run",
        "pydfly.cli.inherited",
        "pydfly.cli.values",
    }
