"""``pydfly completion SHELL``: print the completion of the command line for bash, zsh or fish."""

from __future__ import annotations

import shlex
import signal
from importlib.resources import files

from . import help as manual
from .options import COMMANDS, Option, Parsed
from .svc.grammar import DIRECTIVES
from .values import SHELLS


def main(parsed: Parsed) -> int:
    """Print one shell's script."""
    (shell,) = parsed.arguments
    print({"bash": bash, "zsh": zsh, "fish": fish}[shell](), end="")
    return 0


def signals() -> list[str]:
    """Return the names of signals that an option takes, without SIG."""
    return sorted(member.name.removeprefix("SIG") for member in signal.Signals)


def bash() -> str:
    """Return the script for bash."""
    cases = "".join(_bash_case(command) for command in COMMANDS)
    commands = " ".join([*COMMANDS, "--help", "--version"])
    return _filled("bash", commands=commands, with_value="|".join(_with_value()), cases=cases)


def _with_value() -> list[str]:
    """Return the options of ``run`` behind which a value stands."""
    return [option.flag for option in COMMANDS["run"].options if option.value and not option.implied]


def _bash_case(command: str) -> str:
    options = COMMANDS[command].options
    lines = [f"    {command})"]
    values = {"file": 'COMPREPLY=($(compgen -f -- "$word")); return', "signal": _compgen(signals())}
    cases = [f"            {o.flag}) {values.get(o.value, 'return')} ;;" for o in options if o.value and not o.implied]
    if cases:
        lines += ["        case $before in", *cases, "        esac"]
    lines += [
        "        if [[ $word == -* ]]; then",
        f"            {_compgen([option.flag for option in options])}",
        "        fi",
    ]
    arguments = {
        "command": "_pydfly_other $COMP_CWORD",
        "directive": _compgen(list(DIRECTIVES)),
        "files": 'COMPREPLY=($(compgen -f -- "$word"))',
        "pid": 'COMPREPLY=($(compgen -W "$(ps -A -o pid=)" -- "$word"))',
        "shell": _compgen(list(SHELLS)),
        "topic": _compgen(manual.topics()),
    }
    if COMMANDS[command].arguments:
        lines.append(f"        {arguments[COMMANDS[command].arguments]}")
    return "\n".join([*lines, "        ;;\n"])


def _compgen(words: list[str]) -> str:
    return f"""COMPREPLY=($(compgen -W "{" ".join(words)}" -- "$word")); return"""


def zsh() -> str:
    """Return the script for zsh."""
    commands = "\n".join(f"        {shlex.quote(f'{name}:{command.summary}')}" for name, command in COMMANDS.items())
    cases = "\n".join(f"    {name}) _arguments -s -S {_zsh_arguments(name)} ;;" for name in COMMANDS)
    return _filled("zsh", commands=commands, cases=cases)


def _zsh_arguments(command: str) -> str:
    values = {
        "file": ":file:_files",
        "signal": f":signal:({' '.join(signals())})",
        "time": ":time:",
        "id": ":id:",
    }
    specs = [_zsh_option(option, values.get(option.value, "")) for option in COMMANDS[command].options]
    arguments = {
        "command": "'*:: : _pydfly_other'",
        "directive": f"':directive:({' '.join(DIRECTIVES)})'",
        "files": "'*:file:_files'",
        "pid": "':pid: compadd - $(ps -A -o pid=)'",
        "shell": f"':shell:({' '.join(SHELLS)})'",
        "topic": f"':topic:({' '.join(manual.topics())})'",
        "": "",
    }
    others = "-A '-*' :" if command == "run" else ""  # behind the first word that is no option there are none of ours
    return " ".join(filter(None, [others, *specs, arguments[COMMANDS[command].arguments]]))


def _zsh_option(option: Option, value: str) -> str:
    equals = "=" if value and option.flag.startswith("--") else ""
    if option.implied:  # only as --flag=VALUE, and not necessarily
        equals, value = "=-", f":{value}"
    again = "*" if option.repeated else ""
    return f"'{again}{option.flag}{equals}[{option.summary}]{value}'"


def fish() -> str:
    """Return the script for fish."""
    lines = [_filled("fish", with_value=" ".join(_with_value()))]
    no_command = "not __fish_seen_subcommand_from " + " ".join(COMMANDS)
    lines += [f"complete -c pydfly -n '{no_command}' -f -l help -d 'list the commands'"]
    lines += [f"complete -c pydfly -n '{no_command}' -f -l version -d 'print name and version'"]
    for name, command in COMMANDS.items():
        quoted = command.summary.replace("'", "\\'")
        lines.append(f"complete -c pydfly -n '{no_command}' -f -a {name} -d '{quoted}'")
    values = {"file": " -r -F", "signal": f" -x -a '{' '.join(signals())}'", "": " -f"}
    arguments = {
        "command": " -a '(__pydfly_other)'",
        "directive": f" -f -a '{' '.join(DIRECTIVES)}'",
        "files": " -F",
        "pid": " -f -a '(__fish_complete_pids)'",
        "shell": f" -f -a '{' '.join(SHELLS)}'",
        "topic": f" -f -a '{' '.join(manual.topics())}'",
        "": " -f",
    }
    for name, command in COMMANDS.items():
        seen = f"complete -c pydfly -n '__fish_seen_subcommand_from {name}'"
        if name == "run":
            seen = "complete -c pydfly -n '__fish_seen_subcommand_from run; and __pydfly_own'"
        for option in command.options:
            flag = f"-l {option.flag[2:]}" if option.flag.startswith("--") else f"-s {option.flag[1:]}"
            lines.append(
                f"{seen} {flag} -d '{option.summary}'{' -f' if option.implied else values.get(option.value, ' -x')}"
            )
        where = "complete -c pydfly -n '__fish_seen_subcommand_from run'" if name == "run" else seen
        lines.append(where + arguments[command.arguments])
    return "\n".join(lines) + "\n"


def _filled(shell: str, **texts: str) -> str:
    """Return the script of a shell, whose ``%(name)s`` become these texts."""
    script = (files("pydfly") / "cli" / "shells" / shell).read_text(encoding="utf-8")
    for name, text in texts.items():
        script = script.replace(f"%({name})s", text)
    return script
