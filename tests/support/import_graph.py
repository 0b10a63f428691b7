"""Who imports whom, read from the source files without running them.

A module is named as Python names it; `pkg/__init__.py` is `pkg`. `from pkg import name` is an import of the module
`pkg.name` where there is one, and of `pkg` otherwise.
"""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Import:
    """One import statement, for one module.

    Attributes:
        target: the module, ours or another's.
        line: of the statement.
        name: what is taken from the module, "" for the module itself.
        inside: whether it stands in a function.
        typing: whether it stands under `if TYPE_CHECKING`, and so loads nothing.
    """

    target: str
    line: int
    name: str = ""
    inside: bool = False
    typing: bool = False


class Sources:
    """The modules of some packages below a folder, and what they import."""

    def __init__(self, root: Path, packages: tuple[str, ...]) -> None:
        self.root, self.packages = root, packages

    @cached_property
    def files(self) -> Mapping[str, Path]:
        """The file of every module of ours."""
        found = {}
        for package in self.packages:
            for path in sorted((self.root / package).rglob("*.py")):
                parts = path.relative_to(self.root).with_suffix("").parts
                found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
        return found

    @cached_property
    def trees(self) -> Mapping[str, ast.Module]:
        """The parsed source of every module of ours."""
        return {module: ast.parse(path.read_text(), str(path)) for module, path in self.files.items()}

    @cached_property
    def imports(self) -> Mapping[str, list[Import]]:
        """What every module of ours imports, in the order of its lines."""
        return {module: list(self._imports_of(module)) for module in self.files}

    def where(self, module: str, line: int) -> str:
        """A place, as editors and terminals make links of it."""
        return f"{self.files[module].relative_to(self.root)}:{line}"

    def is_ours(self, module: str) -> bool:
        """Whether a module belongs to one of the packages."""
        return module.partition(".")[0] in self.packages

    @cached_property
    def graph(self) -> Mapping[str, set[str]]:
        """Modules of ours by the modules of ours that import them; every import counts."""
        edges = {module: {one.target for one in found} for module, found in self.imports.items()}
        return {module: {target for target in targets if target in self.files} for module, targets in edges.items()}

    def rooms(self, folder: str) -> dict[str, set[str]]:
        """The same for a package and its folders: each folder is one node, and so are the files beside them.

        Args:
            folder: a package, e.g. "common.sweeps"; its own files are the node of that name.
        """
        found: dict[str, set[str]] = {}
        for module, targets in self.graph.items():
            for target in targets:
                start, end = self.room(folder, module), self.room(folder, target)
                if start and end and start != end:
                    found.setdefault(start, set()).add(end)
                    found.setdefault(end, set())
        return found

    @cached_property
    def folders(self) -> list[str]:
        """Every package and folder of ours that has modules."""
        return [module for module, path in self.files.items() if path.name == "__init__.py"]

    def room(self, folder: str, module: str) -> str | None:
        """The node of a module in `rooms`; None if the module is not in the folder."""
        if module == folder:
            return folder
        if not module.startswith(f"{folder}."):
            return None
        child = folder + "." + module.removeprefix(f"{folder}.").partition(".")[0]
        return child if child in self.folders else folder

    def loading(self, names: frozenset[str]) -> dict[str, str]:
        """Modules of ours whose import loads one of these packages, and through which import.

        Imports in functions and for type checkers load nothing; the `__init__.py` of every folder above a module is
        loaded with it.
        """
        found: dict[str, str] = {}
        grown = True
        while grown:
            grown = False
            for module, imports in self.imports.items():
                reason = None if module in found else self._reason(module, imports, names, found)
                if reason:
                    found[module], grown = reason, True
        return found

    def _reason(
        self, module: str, imports: list[Import], names: frozenset[str], found: Mapping[str, str]
    ) -> str | None:
        for parent in _parents(module):
            if parent in found:
                return parent
        for one in imports:
            if one.inside or one.typing:
                continue
            if one.target.partition(".")[0] in names:
                return one.target
            for each in (one.target, *_parents(one.target)):
                if each in found and not module.startswith(f"{each}."):
                    return each
        return None

    def _imports_of(self, module: str) -> Iterator[Import]:
        package = module if self.files[module].name == "__init__.py" else module.rpartition(".")[0]
        yield from self._walk(self.trees[module], package, inside=False, typing=False)

    def _walk(self, node: ast.AST, package: str, inside: bool, typing: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, child.lineno, "", inside, typing)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    above = package.split(".")[: len(package.split(".")) - child.level + 1]
                    base = ".".join([*above, base] if base else above)
                for alias in child.names:
                    whole = f"{base}.{alias.name}"
                    if whole in self.files:
                        yield Import(whole, child.lineno, "", inside, typing)
                    else:
                        yield Import(base, child.lineno, alias.name, inside, typing)
            elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                for part in child.body:
                    yield from self._walk(_block(part), package, inside, typing=True)
                for part in child.orelse:
                    yield from self._walk(_block(part), package, inside, typing)
            else:
                function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from self._walk(child, package, inside or function, typing)


def _block(statement: ast.stmt) -> ast.Module:
    return ast.Module([statement], [])


def _parents(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[:length]) for length in range(1, len(parts))]


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """Sets of nodes that reach each other, sorted (strongly connected components of two or more; Tarjan 1972)."""
    order: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = low[node] = len(order)
        stack.append(node)
        for target in sorted(graph.get(node, ())):
            if target not in order:
                visit(target)
                low[node] = min(low[node], low[target])
            elif target in stack:
                low[node] = min(low[node], order[target])
        if low[node] == order[node]:
            start = stack.index(node)
            component = stack[start:]
            del stack[start:]
            if len(component) > 1 or node in graph.get(node, ()):
                found.append(sorted(component))

    for node in sorted(graph):
        if node not in order:
            visit(node)
    return found
