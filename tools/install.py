"""Installs what the checks need, pinned, in a cache outside the checkout.

Everything stays in $XDG_CACHE_HOME/codex-design (~/.cache/codex-design). A thing's folder is named by
the hash of its recipe, so that an unchanged one costs nothing.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "codex-design"
BIN = CACHE / "bin"
DEV_LOCK = ROOT / "templates/requirements/dev.txt"
HARNESS_LOCK = ROOT / "tools/verify/requirements.txt"
RECIPES = ROOT / "tools/verify/build"
POSTGRES_FLOOR = 15
PACKAGES = {  # of Debian, by a program that each has
    "redis-server": "redis-server",
    "pgbouncer": "pgbouncer",
    "nats-server": "nats-server",
    "rabbitmq-server": "rabbitmq-server",
    "java": "default-jre-headless",
    "mvn": "maven",
    "tmux": "tmux",
    "git": "git",
    "openssl": "openssl",
    "cargo": "cargo-web",  # newer than bookworm's own
}
SERVICES = ("nats-server", "rabbitmq-server", "pgbouncer")  # packages that would serve the whole machine at once

Recipe = dict[str, Any]


class UnusableError(Exception):
    """This machine lacks something that cannot be installed from here."""


def digest(*files: Path, more: str = "") -> str:
    """Name a build by what it is made from."""
    content = b"".join(file.read_bytes() for file in files)
    return hashlib.sha256(content + more.encode()).hexdigest()[:12]


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run a command that must succeed, quietly unless it does not."""
    result = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        shown = " ".join(map(str, command))
        raise UnusableError(f"{shown}\n{result.stdout}{result.stderr}")


def once(target: Path, what: str, make: Callable[[], None]) -> Path:
    """Make a cached thing unless its stamp says that it is complete; one process at a time."""
    stamp = target.with_name(target.name + ".done")
    if stamp.exists():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.exists():
            print(f"preparing {what} … ", end="", flush=True)
            started = time.monotonic()
            make()
            stamp.touch()
            print(f"{time.monotonic() - started:.0f} s", flush=True)
    return target


# --- The machine --------------------------------------------------------------------------------


def postgres_bin() -> Path | None:
    """Find the newest installed PostgreSQL server that is new enough."""
    installed = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    versions = [p for p in installed if int(p.parts[-3]) >= POSTGRES_FLOOR]
    if versions:
        return max(versions, key=lambda p: int(p.parts[-3])).parent
    found = shutil.which("initdb")
    return Path(found).parent if found else None


def missing_packages() -> list[str]:
    """List the Debian packages of the programs that are not there."""
    missing = [] if postgres_bin() else ["postgresql"]
    missing += [package for program, package in PACKAGES.items() if not shutil.which(program)]
    try:
        import ensurepip  # noqa: F401, PLC0415
    except ImportError:
        missing.append("python3-venv")
    return missing


def install_packages() -> None:
    """Install the missing programs with apt, as root or by sudo."""
    missing = missing_packages()
    if not missing:
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if not shutil.which("apt-get") or (prefix and not shutil.which("sudo")):
        raise UnusableError(f"please install what Debian calls: {' '.join(missing)}")
    print(f"installing {' '.join(missing)} …", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(*prefix, "apt-get", "update", "-q", env=environment)
    run(*prefix, "apt-get", "install", "-y", "-q", "--no-install-recommends", *missing, env=environment)
    if Path("/run/systemd/system").exists():
        for service in set(SERVICES) & set(missing):  # tests start their own
            run(*prefix, "systemctl", "disable", "--now", service)


# --- Languages ----------------------------------------------------------------------------------


def install_uv() -> Path:
    """Install uv as pinned, into an environment of its own; return its folder."""
    lock = ROOT / "tools/uv/requirements.txt"
    target = CACHE / f"uv-{digest(lock)}"

    def make() -> None:
        run(sys.executable, "-m", "venv", "--clear", target)
        run(target / "bin/python", "-m", "pip", "install", "--quiet", "--require-hashes", "-r", lock)

    return once(target, "uv", make) / "bin"


def python_packages(name: str, what: str, *locks: Path) -> Path:
    """Install locks into an environment of its own; return the folder of its programs."""
    target = CACHE / f"{name}-{digest(*locks)}-{sys.version_info[0]}.{sys.version_info[1]}"
    uv = install_uv() / "uv"

    def make() -> None:
        run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, target)
        run(uv, "pip", "sync", "--quiet", "--require-hashes", "--python", target / "bin/python", *locks)

    return once(target, what, make) / "bin"


def install_venv() -> Path:
    """Install what generated systems use for development, and the harness; return the folder of its programs."""
    return python_packages("venv", "the Python packages of requirements/dev.txt", DEV_LOCK, HARNESS_LOCK)


def install_node() -> Path:
    """Install Node; return the folder of its programs."""
    return python_packages("node", "Node", ROOT / "tools/node/requirements.txt")


def node_packages(name: str, sources: list[Path], what: str) -> Path:
    """Install a lock of npm into a folder of its own, beside these sources; return the folder."""
    install_node()
    target = CACHE / f"{name}-{digest(*sources)}"
    return once(target, what, lambda: npm_ci(target, sources))


def npm_ci(target: Path, sources: list[Path]) -> None:
    """Copy a lock and what goes with it into a folder, and install the lock there."""
    node = install_node()
    target.mkdir(parents=True, exist_ok=True)
    for source in sources:
        shutil.copy(source, target)
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    environment = os.environ | {"PATH": f"{node}{os.pathsep}{os.environ['PATH']}"}
    run(node / "npm", "ci", *quiet, cwd=target, env=environment)


def install_mermaid() -> tuple[Path, Path]:
    """Install Node and Mermaid; return node and the script that parses diagrams."""
    sources = [ROOT / "tools/mermaid" / name for name in ("package.json", "package-lock.json", "parse.mjs")]
    return install_node() / "node", node_packages("mermaid", sources, "Mermaid") / "parse.mjs"


def build_tool(module: str, package: str) -> Path:
    """Build a Go program of a module below tools/ and return it."""
    folder = ROOT / "tools" / module
    target = BIN / f"{module}-{digest(*go_sources(folder))}"
    return once(target, module, lambda: run("go", "build", "-o", target, package, cwd=folder))


def go_sources(folder: Path) -> list[Path]:
    """List what a Go program is built from."""
    return sorted([*folder.glob("*.go"), folder / "go.mod", folder / "go.sum"])


# --- Consumers ----------------------------------------------------------------------------------


def install_consumers(*names: str) -> None:
    """Build or install the consumers of that name, or all, and link their programs into BIN."""
    recipes = tomllib.loads((RECIPES / "consumers.toml").read_text())
    if unknown := set(names) - set(recipes):
        raise UnusableError(f"no such consumer: {' '.join(sorted(unknown))} (there are {' '.join(recipes)})")
    BIN.mkdir(parents=True, exist_ok=True)
    link(BIN / "node", install_node() / "node")
    for name, recipe in recipes.items():
        if not names or name in names:
            for program, file in INSTALLERS[recipe["kind"]](name, recipe).items():
                link(BIN / program, file)


def link(place: Path, target: Path) -> None:
    """Make a thing reachable by a name without a hash."""
    if place.is_symlink() and place.readlink() == target:
        return
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    temporary.symlink_to(target)
    temporary.replace(place)


def install_go(name: str, recipe: Recipe) -> dict[str, Path]:
    """Build the programs of a recipe from Go modules."""
    folder = RECIPES / name
    target = CACHE / f"{name}-{digest(*go_sources(folder), more=repr(recipe))}"
    flags = ["-trimpath", "-ldflags", " ".join(["-s -w", *recipe.get("ldflags", [])])]
    flags += ["-tags", recipe["tags"]] if "tags" in recipe else []
    environment = os.environ | {"CGO_ENABLED": "0"}

    def make() -> None:
        for program, package in recipe["programs"].items():
            command = ["nice", "-n", "19", "go", "build", *flags, "-o", target / program, package]
            run(*command, cwd=folder, env=environment)

    once(target, name, make)
    return {program: target / program for program in recipe["programs"]}


def install_python(name: str, recipe: Recipe) -> dict[str, Path]:
    """Install the programs of a recipe from Python packages."""
    folder = python_packages(name, name, RECIPES / name / "requirements.txt")
    return {program: folder / program for program in recipe["programs"]}


def install_terraform(name: str, recipe: Recipe) -> dict[str, Path]:
    """Lay out a mirror of stand-in providers, each with the schema of the real one.

    Run terraform with TF_CLI_CONFIG_FILE=CACHE/terraform/cli.tfrc and TF_SCHEMA_DIR=CACHE/terraform/schemas.
    """
    if not shutil.which("terraform"):
        raise UnusableError("please install terraform, which Debian does not have")
    folder = RECIPES / name
    sources = [folder / file for file in ("package.json", "package-lock.json", ".npmrc", "extract.cjs")]
    target = CACHE / f"{name}-{digest(*go_sources(folder), *sources, more=repr(recipe))}"
    program = install_go("terraform", {"programs": {"terraform-provider": "."}})["terraform-provider"]
    node = install_node() / "node"

    def make() -> None:
        shutil.rmtree(target, ignore_errors=True)
        npm_ci(target / "packages", sources)
        for provider, version in recipe["providers"].items():
            package = target / "packages/node_modules/@cdktf" / f"provider-{provider}"
            out = target / "schemas" / f"{provider}.json"
            run(node, folder / "extract.cjs", package, f"hashicorp/{provider}", out)
            place = target / "mirror" / TERRAFORM_HOST / "hashicorp" / provider / version / platform()
            place.mkdir(parents=True)
            shutil.copy(program, place / f"terraform-provider-{provider}_v{version}")
        shutil.rmtree(target / "packages")
        (target / "cli.tfrc").write_text(TERRAFORM_SETTINGS.format(mirror=target / "mirror"))

    once(target, "the schemas of Terraform's providers", make)
    link(CACHE / "terraform", target)
    return {}


def platform() -> str:
    """Name this machine as Terraform and Go do."""
    result = subprocess.run(["go", "env", "GOOS", "GOARCH"], capture_output=True, text=True, check=True)
    return "_".join(result.stdout.split())


TERRAFORM_HOST = "registry.terraform.io"
TERRAFORM_SETTINGS = """disable_checkpoint = true
provider_installation {{
  filesystem_mirror {{
    path = "{mirror}"
  }}
}}
"""


def install_files(name: str, recipe: Recipe) -> dict[str, Path]:
    """Collect files out of Go modules, each held to the hash of its module, in CACHE/name."""
    target = CACHE / f"{name}-{digest(more=repr(recipe))}"

    def make() -> None:
        shutil.rmtree(target, ignore_errors=True)
        for source in recipe["from"]:
            folder = module_folder(source["module"], source["sum"])
            place = target / source["into"]
            place.mkdir(parents=True, exist_ok=True)
            files = [file for pattern in source["files"] for file in sorted(folder.glob(pattern))]
            if not files:
                raise UnusableError(f"nothing in {source['module']} matches {source['files']}")
            for file in files:
                shutil.copyfile(file, place / file.name)

    once(target, name, make)
    link(CACHE / name, target)
    return {}


def module_folder(module: str, checksum: str) -> Path:
    """Download a Go module and return its folder; that it may want a newer Go does not matter."""
    command = ["go", "mod", "download", "-json", module]
    result = subprocess.run(command, cwd=CACHE, capture_output=True, text=True, check=False)
    answer = json.loads(result.stdout or "{}")
    if answer.get("Sum") != checksum:
        raise UnusableError(f"{module}: {answer.get('Error') or 'its hash is ' + answer.get('Sum', 'not known')}")
    modules = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout
    return Path(modules.strip()) / module


def install_npm(name: str, recipe: Recipe) -> dict[str, Path]:
    """Install the programs of a recipe from Node packages; a script is a program of ours that uses them."""
    scripts = recipe.get("scripts", {})
    sources = [RECIPES / name / file for file in ("package.json", "package-lock.json", *scripts.values())]
    folder = node_packages(name, sources, name)
    for file in scripts.values():
        (folder / file).chmod(0o755)
    programs = {program: folder / "node_modules/.bin" / program for program in recipe.get("programs", ())}
    return programs | {program: folder / file for program, file in scripts.items()}


def install_maven(name: str, recipe: Recipe) -> dict[str, Path]:
    """Collect the jars of a project in CACHE/name/libs, each held to its hash."""
    pom, sums = RECIPES / name / "pom.xml", RECIPES / name / "SHA256SUMS"
    target = CACHE / f"{name}-{digest(pom, sums, more=repr(recipe))}"
    libraries = target / "libs"

    def make() -> None:
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        shutil.copy(pom, target)
        goal = f"org.apache.maven.plugins:maven-dependency-plugin:{recipe['plugin']}:copy-dependencies"
        options = ["--batch-mode", "--quiet", "-DincludeScope=runtime", f"-DoutputDirectory={libraries}"]
        run("mvn", *options, goal, cwd=target)
        jars = sorted(libraries.iterdir())
        found = "".join(f"{hashlib.sha256(jar.read_bytes()).hexdigest()}  {jar.name}\n" for jar in jars)
        if found != sums.read_text():
            raise UnusableError(f"{name}: the jars are not those of {sums}:\n{found}")

    once(target, name, make)
    link(CACHE / name, target)
    return {}


def install_cargo(name: str, recipe: Recipe) -> dict[str, Path]:
    """Build the programs of a crate, by the lock that is published with it."""
    target = CACHE / f"{name}-{digest(more=repr(recipe))}"
    pin = [recipe["crate"], "--version", recipe["version"], "--locked"]
    folders = ["--root", target, "--target-dir", target / "build"]

    def make() -> None:
        run("nice", "-n", "19", "cargo", "install", "--quiet", *pin, *folders)
        shutil.rmtree(target / "build")

    once(target, name, make)
    return {program: target / "bin" / program for program in recipe["programs"]}


INSTALLERS: dict[str, Callable[[str, Recipe], dict[str, Path]]] = {
    "files": install_files,
    "cargo": install_cargo,
    "go": install_go,
    "python": install_python,
    "node": install_npm,
    "terraform": install_terraform,
    "maven": install_maven,
}
