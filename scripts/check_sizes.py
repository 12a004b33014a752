"""Holds modules and functions to their size budget and prints how the tree stands."""

from __future__ import annotations

import ast
import statistics
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOTS: Final = ("models", "services", "training", "scripts")
MODULE_SOFT: Final = 300
MODULE_HARD: Final = 500
FUNCTION_SOFT: Final = 30
FUNCTION_HARD: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How many lines one module or function takes."""

    place: str
    lines: int


def main() -> int:
    """Print the sizes of the tree; return 1 when anything is over its hard stop."""
    paths = sorted(path for root in ROOTS for path in Path(root).rglob("*.py"))
    modules = [module_size(path) for path in paths]
    functions = [size for path in paths for size in function_sizes(path)]
    over = report("modules", modules, MODULE_SOFT, MODULE_HARD)
    over |= report("functions", functions, FUNCTION_SOFT, FUNCTION_HARD)
    return int(over)


def module_size(path: Path) -> Size:
    """Lines of a module, blank lines and comments included."""
    return Size(place=str(path), lines=len(path.read_text(encoding="utf-8").splitlines()))


def function_sizes(path: Path) -> Iterator[Size]:
    """Lines of every function and method of a module, its docstring and decorators left out."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1 - docstring_lines(node)
            yield Size(place=f"{path}:{node.lineno} {node.name}", lines=lines)


def docstring_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines the docstring takes; a contract written out is no reason to cut a function in two."""
    first = node.body[0]
    if not isinstance(first, ast.Expr) or ast.get_docstring(node, clean=False) is None:
        return 0
    return (first.end_lineno or first.lineno) - first.lineno + 1


def report(kind: str, sizes: list[Size], soft: int, hard: int) -> bool:
    """Print the median and what is over the soft limit; True when something is over the hard one."""
    ordered = sorted(sizes, key=lambda size: -size.lines)
    median = statistics.median(size.lines for size in ordered) if ordered else 0
    sys.stdout.write(f"{kind}: {len(ordered)}, median {median:g} lines (soft {soft}, hard {hard})\n")
    for size in ordered:
        if size.lines > soft:
            mark = "TOO LONG" if size.lines > hard else "long"
            sys.stdout.write(f"  {mark}: {size.place}: {size.lines} lines\n")
    return any(size.lines > hard for size in ordered)


if __name__ == "__main__":
    sys.exit(main())
