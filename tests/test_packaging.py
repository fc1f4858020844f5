"""What is shipped: contents of sdist and wheel; a wheel for Linux is pure, and works from an empty directory."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import pydfly

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Build the sdist, and the wheel from it, without any compiler on the PATH.

    Without an environment of its own for the build: ci/venv.sh has installed the package with one.
    """
    pytest.importorskip("build", reason="the extra `test` brings it")
    folder = tmp_path_factory.mktemp("dist")
    tools = folder / "tools"
    tools.mkdir()
    for tool in ("sh", "git"):
        for place in os.get_exec_path():
            if (Path(place) / tool).exists():
                (tools / tool).symlink_to(Path(place) / tool)
                break
    environment = {**os.environ, "PATH": str(tools), "PYDFLY_BUILD_EXTENSION": ""}
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    yield folder


def test_sdist_is_complete(dist: Path) -> None:
    """Everything that building and testing elsewhere needs."""
    (archive,) = dist.glob("*.tar.gz")
    with tarfile.open(archive) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {
        "build_ffi.py",
        "setup.py",
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "pydfly/__init__.py",
        "pydfly/py.typed",
        "tests/conftest.py",
        "ci/test.sh",
        "packaging/README.md",
    }
    assert needed - names == set()


def test_wheel_is_pure_and_complete(dist: Path) -> None:
    """On Linux no compiler is needed: the wheel holds Python only, and all of it."""
    (archive,) = dist.glob("*.whl")
    assert archive.name == f"pydfly-{pydfly.__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(archive).namelist())
    package = Path(pydfly.__file__).parent
    sources = {str(path.relative_to(package.parent)) for path in package.rglob("*.py")}
    assert sources - names == set()
    assert {"pydfly/py.typed", f"pydfly-{pydfly.__version__}.data/scripts/pydfly"} <= names
    pages = {"pydfly.1", "pydfly-run.1", "pydfly.3", "pydfly-resident.8"}
    assert {f"pydfly/man/{page}" for page in pages} - names == set()
    assert {f"pydfly/cli/shells/{shell}" for shell in ("bash", "fish", "zsh")} - names == set()
    data = f"pydfly-{pydfly.__version__}.data/data/share/man"
    assert {f"{data}/man{page[-1]}/{page}" for page in pages} - names == set()
    assert "pydfly/_native.pyi" in names
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/", "ci/")) or name.endswith(".so")]


def test_wheel_works_from_an_empty_directory(dist: Path, tmp_path: Path) -> None:
    """Installed without a compiler into an empty environment, isolated from the tree."""
    (archive,) = dist.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=False)
    python = str(tmp_path / "venv/bin/python")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--python", python]
    subprocess.run([*pip, "install", str(archive)], check=True, env={**os.environ, "PATH": ""})
    empty = tmp_path / "empty"
    empty.mkdir()
    code = "import pydfly; print(pydfly.__file__, pydfly.backend().name)"
    output = subprocess.run(
        [python, "-Im", "pydfly", "--version"], cwd=empty, capture_output=True, text=True, check=True
    )
    assert output.stdout == f"pydfly {pydfly.__version__}\n"
    script = subprocess.run([tmp_path / "venv/bin/pydfly", "--version"], cwd=empty, capture_output=True, text=True)
    assert script.stdout == output.stdout
    output = subprocess.run([python, "-Ic", code], cwd=empty, capture_output=True, text=True, check=True)
    assert str(tmp_path / "venv") in output.stdout
    assert (tmp_path / "venv/share/man/man1/pydfly-run.1").exists()
    output = subprocess.run(
        [python, "-Im", "pydfly", "help", "run"], cwd=empty, capture_output=True, text=True, check=True
    )
    assert output.stdout.startswith("PYDFLY-RUN(1)")


def test_version_is_one() -> None:
    """pyproject.toml and the package agree."""
    assert f'version = "{pydfly.__version__}"' in (ROOT / "pyproject.toml").read_text()


def test_the_bsds_get_the_plugins_that_options_are_for() -> None:
    """With --strict-config pytest refuses an option that no plugin knows: there, what is installed is named."""
    options = (ROOT / "pyproject.toml").read_text().partition("[tool.pytest.ini_options]")[2].partition("\n[")[0]
    assert "\ntimeout = " in options and "--strict-config" in options
    installed = (ROOT / "ci" / "bsd.sh").read_text().split()
    assert "pytest-timeout" in installed
    assert "'setuptools>=77'" in installed  # a new environment of Python 3.11 has an older one
    assert '"setuptools>=77"' in (ROOT / "pyproject.toml").read_text()
