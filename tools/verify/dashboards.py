"""Grafana's own types as the consumer of dashboards."""

import json
import re
import shutil
import tempfile
from pathlib import Path

from consumers import Verdict, output_of, sorted_out

# An enumeration of TypeScript takes no plain text, and JSON has nothing else.
TYPES = """import type { Dashboard } from "@grafana/schema";
export type Plain<T> = T extends string
  ? `${T}`
  : T extends (infer U)[]
    ? Plain<U>[]
    : T extends object
      ? { [K in keyof T]: Plain<T[K]> }
      : T;
export type Checked = Plain<Dashboard>;
"""


def grafana(_tree: Path, files: list[Path]) -> Verdict:
    """Let the TypeScript compiler hold dashboards to the types of @grafana/schema."""
    compiler = Path(shutil.which("tsc") or "tsc").resolve()
    packages = next(parent for parent in compiler.parents if parent.name == "node_modules")
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home)
        (folder / "types.ts").write_text(TYPES)
        options = {
            "strict": True,
            "noEmit": True,
            "skipLibCheck": True,
            "module": "esnext",
            "moduleResolution": "bundler",
            "target": "es2022",
            "types": [],
            "paths": {"@grafana/schema": [str(packages / "@grafana/schema")]},
        }
        (folder / "tsconfig.json").write_text(json.dumps({"compilerOptions": options, "include": ["*.ts"]}))
        seen = {}
        for number, file in enumerate(files):
            source = folder / f"dashboard{number}.ts"
            text = 'import type { Checked } from "./types";\nexport const board: Checked = '
            source.write_text(f"{text}{file.read_text()};\n")
            seen[source.name] = file
        _, output = output_of(compiler, "-p", folder, "--pretty", "false", "--listFiles", cwd=folder)
    rejected: dict[Path, str] = {}
    for name, where, why in re.findall(r"^([\w.]+)\((\d+),\d+\): (error .+)$", output, re.M):
        rejected.setdefault(seen.get(name, Path(name)), f"{int(where) - 1}: {why}")
    looked_at = {seen[Path(line).name] for line in output.splitlines() if Path(line).name in seen}
    return sorted_out(looked_at, rejected)
