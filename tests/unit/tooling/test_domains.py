"""A service's domain is pure: it imports the standard library, the error tree and itself."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

SERVICES = Path(__file__).parents[3] / "services"


def imports_of(path: Path) -> Iterator[str]:
    """Every module a file imports, by its absolute name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def is_pure(module: str, service: str) -> bool:
    """Whether a domain of `service` may import `module`."""
    own = f"services.{service}.domain"
    return (
        module.split(".")[0] in sys.stdlib_module_names
        or module == "services.kit.errors"
        or module == own
        or module.startswith(f"{own}.")
    )


def domain_files() -> list[Path]:
    """The domain module, or the modules of the domain package, of every service."""
    return sorted([*SERVICES.glob("*/domain.py"), *SERVICES.glob("*/domain/**/*.py")])


def test_domains_import_the_standard_library_only() -> None:
    impure = {
        f"{path.relative_to(SERVICES)}: {module}"
        for path in domain_files()
        for module in imports_of(path)
        if not is_pure(module, path.relative_to(SERVICES).parts[0])
    }
    assert impure == set()


def test_a_domain_with_another_import_is_found(tmp_path: Path) -> None:
    file = tmp_path / "domain.py"
    file.write_text("import math\nimport numpy\nfrom services.kit.bus import Bus\n", encoding="utf-8")
    assert [name for name in imports_of(file) if not is_pure(name, "gateway")] == [
        "numpy",
        "services.kit.bus",
    ]
