"""A process that keeps rows and finds them again, until it has done so often enough or is killed."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

from tamis_engine.operation import Row
from tamis_engine.running.row_store import RowStore


def main() -> None:
    """Argument: the file, which numbers to begin with, how many batches."""
    path, first, batches = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    for batch in range(batches):
        store = RowStore(path, 2**26)
        numbers = range(first + batch * 10, first + batch * 10 + 10)
        store.put_many({str(n).encode(): Row(np.full(384, n, np.float32), n, False) for n in numbers})
        store.get_many([str(n).encode() for n in range(first)])
        store.close()
        sys.stdout.write(f"{batch}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
