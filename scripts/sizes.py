"""The size rules of the house: no function over 50 lines, no module over 400; prints how the rest stands."""

import ast
import sys
from pathlib import Path
from statistics import median, quantiles

FUNCTION_LINES, MODULE_LINES = 50, 400
FOLDERS = ("engine", "tools", "mcp_server", "evals", "tests", "scripts")


def functions(tree: ast.AST) -> list[tuple[str, int, int]]:
    """Name, line and length of the body, docstring left out, of every function."""
    found: list[tuple[str, int, int]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
            found.append((node.name, node.lineno, (body[-1].end_lineno or 0) - body[0].lineno + 1))
    return found


def main() -> int:
    """Print the sizes; 1 if a rule is broken."""
    paths = [path for folder in FOLDERS for path in sorted(Path(folder).rglob("*.py"))]
    sources = {path: path.read_text(encoding="utf-8") for path in paths}
    modules = {path: source.count("\n") for path, source in sources.items()}
    bodies = [(path, *row) for path, source in sources.items() for row in functions(ast.parse(source))]
    broken = [f"{path}: {lines} lines" for path, lines in modules.items() if lines > MODULE_LINES]
    broken += [f"{path}:{line} {name}: {size} lines" for path, name, line, size in bodies if size > FUNCTION_LINES]
    sizes = [size for *_, size in bodies]
    print(f"{len(modules)} modules, median {median(modules.values()):.0f} lines; {len(sizes)} functions,")
    print(f"median {median(sizes):.0f} lines, 90th percentile {quantiles(sizes, n=10)[-1]:.0f}")
    print("\n".join(broken))
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
