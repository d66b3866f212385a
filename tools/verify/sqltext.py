"""Shows that the SQL of a service is made of constants: what a client sends is never part of it."""

import ast
from pathlib import Path

SENDERS = {"fetch", "fetchrow", "fetchval", "execute", "executemany", "prepare", "cursor", "copy_from_query"}

# What takes SQL from elsewhere: the names that it sends, and whoever hands it over is looked at too.
PASSES = {
    "kit/crud.py": {"self._select", "self._lock", "self._delete", "sql"},  # sql: see TAKERS and COMPOSED
    "kit/idempotency.py": {"statement"},
    "kit/messaging/postgresql.py": {"statement"},
    "kit/readmodel.py": {"self._refill", "self._remove", "self._sweep", "statement"},
}
TAKERS = {
    "Listing": {"select", "sorts", "filters"},
    "Sort": {0},
    "super().__init__": {"select", "lock", "delete", "refill", "remove", "sweep"},
    "self._end": {0},
    "self._walk": {1},
    "sweep_forever": {1},
}
COMPOSED = "sql = self._listing.statement("  # a test of the kit shows what comes out of it

# Commands of whoever runs the system; no client reaches them.
COMMANDS = ("kit/testing/", "kit/migrate.py", "scripts/")


def sql_problem(file: Path) -> str | None:
    """Return what in a module is sent as SQL and is not constant."""
    if any(part in str(file) for part in COMMANDS):
        return None
    text = file.read_text()
    module = ast.parse(text)
    constants = _constants(module)
    passed: set[str] = next((names for end, names in PASSES.items() if str(file).endswith(end)), set())
    if "sql" in passed and COMPOSED not in text:
        return "the statement of a list does not come from its Listing"
    for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
        for given in _sql_of(call):
            if ast.unparse(given) not in passed and not _closed(given, constants):
                return f"{call.lineno}: {ast.unparse(given)} is sent as SQL and is no constant"
    return None


def _constants(module: ast.Module) -> set[str]:
    """Return the names of the module that stand for constant text: its own, and those it imports."""
    names: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            names |= {alias.asname or alias.name for alias in node.names if (alias.asname or alias.name).isupper()}
    bodies = [module.body, *(node.body for node in module.body if isinstance(node, ast.ClassDef))]
    for node in (node for body in bodies for node in body):
        if isinstance(node, ast.Assign) and _closed(node.value, names):
            names |= {target.id for target in node.targets if isinstance(target, ast.Name)}
    return names


def _closed(node: ast.expr, constants: set[str]) -> bool:
    """Tell whether an expression is text, or a table of texts, that the program's source holds."""
    match node:
        case ast.Name(name) | ast.Attribute(ast.Name("self" | "cls"), name):
            return name in constants
        case ast.JoinedStr() | ast.FormattedValue() | ast.BinOp(op=ast.Add()) | ast.Dict():
            parts = [part for part in ast.iter_child_nodes(node) if isinstance(part, ast.expr) and not _is_sort(part)]
            return all(_closed(part, constants) for part in parts)
    return isinstance(node, ast.Constant)


def _is_sort(node: ast.expr) -> bool:
    """Tell whether this makes a Sort, whose column is looked at where it is made."""
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "Sort"


def _sql_of(call: ast.Call) -> list[ast.expr]:
    """Return the arguments of a call that are, or become, SQL."""
    function = ast.unparse(call.func)
    if isinstance(call.func, ast.Attribute) and call.func.attr in SENDERS:
        other = function.rpartition(".")[0].endswith(("peer", "pull"))  # a service over HTTP, a stream of NATS
        return [] if other else call.args[:1]
    taken = TAKERS.get(function, set())
    return [
        *(argument for place, argument in enumerate(call.args) if place in taken),
        *(keyword.value for keyword in call.keywords if keyword.arg in taken),
    ]
