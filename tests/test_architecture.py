"""The structure of the package, read from its source: layers, purity, sizes, docstrings, public names."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import pydfly

PACKAGE = Path(pydfly.__file__).parent
MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(PACKAGE.rglob("*.py"))
}
LEVELS = [
    ["bytecode", "constants", "structs", "errors", "escape", "process_records", "named_tuple", "resident_rules"],
    ["simkernel"],
    ["backends"],
    ["syscalls"],
    ["ending", "pdeathsig", "reaper", "resident"],
    ["aio", "supervisor"],
    ["cli", "conformance", "pytest_plugin", "testing"],
]
PURE = (
    "pydfly.simkernel",
    "pydfly.resident_rules",
    "pydfly.ending.policy",
    "pydfly.supervisor.services.restart_policy",
)
IMPURE = {
    "asyncio",
    "ctypes",
    "multiprocessing",
    "os",
    "random",
    "select",
    "signal",
    "socket",
    "subprocess",
    "threading",
    "time",
}
MOST_LINES = 250
TOO_LONG: dict[str, str] = {}
"""Modules that are too long still, and why.  This table only ever shrinks."""


def level(module: str) -> int | None:
    """Return the level of a module of the package; None for the package itself and __main__."""
    room = [*module.split("."), ""][1]
    return next((number for number, rooms in enumerate(LEVELS) if room in rooms), None)


def imports(module: str, *, types: bool = True) -> Iterator[tuple[str, int]]:
    """Yield every module that a module imports, whenever it does so, and the line.

    A name out of a package is an import of the package, unless it is a module in it: what is inside a package does
    not depend on the package for that alone.

    Args:
        module: its name.
        types: what only type checkers see counts too.
    """
    path = MODULES[module]
    tree = ast.parse(path.read_text())
    parts = module.split(".")
    unseen = set() if types else set(_typing_only(tree))
    for node in ast.walk(tree):
        if node in unseen:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = parts[: len(parts) - node.level + (path.name == "__init__.py")] if node.level else []
            source = ".".join([*base, *([node.module] if node.module else [])])
            for alias in node.names:
                inside = f"{source}.{alias.name}"
                yield inside if inside in MODULES else source, node.lineno


def _typing_only(tree: ast.Module) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            for statement in node.body:
                yield from ast.walk(statement)


def reachable(start: str, graph: dict[str, set[str]]) -> set[str]:
    """Return the modules that an import of this one leads to."""
    found: set[str] = set()
    waiting = [start]
    while waiting:
        waiting += graph[waiting.pop()] - found
        found.update(waiting)
    return found


@pytest.mark.parametrize("module", [name for name in MODULES if level(name) is not None])
def test_imports_go_downward(module: str) -> None:
    """Each altitude knows only what is below it, types included, and `backends.native` alone knows the extension."""
    own = level(module)
    assert own is not None
    for imported, line in imports(module):
        if imported.startswith("pydfly."):
            other = level(imported)
            assert other is None or other <= own, f"{module}:{line} imports {imported} from a higher level"
            assert imported != "pydfly._native" or module == "pydfly.backends.native"


def test_no_module_needs_what_is_not_installed() -> None:
    """At the top of a module stands the standard library only: what else there is may be missing, or is for types."""
    foreign = {
        f"{module}:{node.lineno} {name}"
        for module, path in MODULES.items()
        for node in ast.parse(path.read_text()).body
        if isinstance(node, (ast.Import, ast.ImportFrom)) and not getattr(node, "level", 0)
        for name in [getattr(node, "module", None) or node.names[0].name]
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "pydfly"}
        if not (name == "pytest" and module.startswith("pydfly.pytest_plugin"))
    }
    assert foreign == set()


def test_no_circles() -> None:
    """No module leads back to itself: not by a late import, not for the sake of types."""
    graph = {name: {other for other, _ in imports(name) if other in MODULES} for name in MODULES}
    circles = {name: reachable(name, graph) for name in MODULES if name in reachable(name, graph)}
    assert {name: sorted(other for other in circle if other in circles) for name, circle in circles.items()} == {}


def test_rooms_that_are_named_here_exist() -> None:
    """A rule about a room that is gone would hold for ever."""
    named = [f"pydfly.{room}" for rooms in LEVELS for room in rooms] + [*PURE, *TOO_LONG]
    assert [name for name in named if name not in MODULES] == []


def test_every_module_has_a_level() -> None:
    """A new room must be given its place above."""
    placeless = [name for name in MODULES if level(name) is None and name not in ("pydfly", "pydfly.__main__")]
    assert placeless == []


def test_pure_packages_do_no_input_or_output() -> None:
    """The simulated kernel and the policy of the supervisor know no clock, no process, no chance."""
    for module in [name for name in MODULES if name.startswith(PURE)]:
        used = {imported.partition(".")[0] for imported, _ in imports(module, types=False)}
        assert used & IMPURE == set(), module


@pytest.mark.parametrize("module", MODULES)
def test_module_size(module: str) -> None:
    """A module that grows past the limit holds more than one idea; one that is short again leaves the table."""
    lines = len(MODULES[module].read_text().splitlines())
    assert (lines > MOST_LINES) == (module in TOO_LONG), f"{lines} lines: at most {MOST_LINES}, or a row in TOO_LONG"


def test_function_sizes() -> None:
    """Nine functions of ten have at most 35 lines."""
    lines = [
        (node.end_lineno or node.lineno) - node.lineno + 1
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    ]
    assert statistics.quantiles(lines, n=10)[-1] <= 35


@pytest.mark.parametrize("module", MODULES)
def test_public_names_have_docstrings(module: str) -> None:
    """Public gets a docstring, private gets a comment."""
    tree = ast.parse(MODULES[module].read_text())
    assert ast.get_docstring(tree), "the module has none"
    missing = []
    containers: list[ast.Module | ast.ClassDef] = [tree]
    for container in containers:
        for node in container.body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)) and not node.name.startswith(
                "_"
            ):
                if not ast.get_docstring(node) and not _is_overload(node):
                    missing.append(node.name)
                if isinstance(node, ast.ClassDef):
                    containers.append(node)
    assert missing == []


def _is_overload(node: ast.AST) -> bool:
    return any(isinstance(mark, ast.Name) and mark.id == "overload" for mark in getattr(node, "decorator_list", []))


@pytest.mark.parametrize("module", [name for name in MODULES if name != "pydfly.__main__"])
def test_every_module_imports(module: str) -> None:
    """On every machine: what a system lacks is told at use, not at import."""
    if module == "pydfly.pytest_plugin" or module == "pydfly.testing":
        pytest.importorskip("pytest")
    importlib.import_module(module)


def test_import_is_light() -> None:
    """`import pydfly` loads nothing that costs, and reads nothing."""
    code = (
        "import sys; opened = []; sys.addaudithook(lambda event, a: event == 'open' and opened.append(str(a[0]))); "
        "import pydfly; print(sorted(sys.modules)); print([name for name in opened if name.startswith('/proc')])"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    modules, opened = map(ast.literal_eval, output.splitlines())
    bare = ast.literal_eval(
        subprocess.run(
            [sys.executable, "-c", "import sys; print(sorted(sys.modules))"], capture_output=True, text=True
        ).stdout
    )
    heavy = {"asyncio", "ctypes", "dataclasses", "enum", "platformdirs", "sqlite3", "subprocess", "typing"}
    assert heavy & (set(modules) - set(bare)) == set()
    assert opened == []


def test_public_names() -> None:
    """__all__, the lazy tables and what type checkers see are one list, and each name can be had."""
    assert sorted([*pydfly._MODULES, *pydfly._HOMES]) == sorted(pydfly.__all__)
    tree = ast.parse(MODULES["pydfly"].read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname or alias.name
        for node in block.body
        if isinstance(node, ast.ImportFrom) and node.level
        for alias in node.names
    }
    assert seen - {"*"} == set(pydfly.__all__)
    for name in pydfly.__all__:
        value = getattr(pydfly, name)
        assert inspect.getdoc(value) or not callable(value)


def test_unknown_names_are_attribute_errors() -> None:
    """A typo is told as for any module."""
    with pytest.raises(AttributeError, match="PROC_REAP_AQUIRE"):
        _ = pydfly.PROC_REAP_AQUIRE
    with pytest.raises(AttributeError):
        _ = pydfly.nothing
    assert "procctl" in dir(pydfly)


def test_no_drawers() -> None:
    """A room is named by its idea."""
    names = {module.name for module in pkgutil.walk_packages([str(PACKAGE)], "pydfly.")}
    drawers = {"utils", "util", "common", "helpers", "base", "core", "manager", "misc", "compat"}
    assert {name.rpartition(".")[2] for name in names} & drawers == set()


def test_scripts_name_tests_that_are_there() -> None:
    """A renamed file would leave a script without tests, or with a part of them."""
    root = Path(__file__).parents[1]
    scripts = "\n".join(path.read_text() for path in sorted((root / "ci").glob("*.sh")))
    named = set(re.findall(r"\btests/[\w/]+(?:\.py)?\b", scripts))
    assert "tests/supervisor/test_helper_socket.py" in named
    assert [name for name in sorted(named) if not (root / name).exists() and not list(root.glob(f"{name}*"))] == []
