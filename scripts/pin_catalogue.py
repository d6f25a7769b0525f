"""Fills in what only the hub knows: `python scripts/pin_catalogue.py [ID ...]`, for models without a revision if none
is named.

Writes the present commit and the exact size of the files that Tamis reads. Needs a network, and HF_TOKEN for gated
models. Look at what changed before committing it: a new commit may be a new model.
"""

import json
import sys
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from tamis_engine.models.catalogue import PATH, Catalogue
from tamis_engine.models.snapshots import wanted


def pinned(row: dict[str, Any]) -> dict[str, Any]:
    """The row with commit and size as they are now."""
    info = HfApi().model_info(row["hub"], files_metadata=True)
    sizes = {sibling.rfilename: sibling.size or 0 for sibling in info.siblings or []}
    weights = [name for name in wanted(sizes) if name.endswith((".safetensors", ".bin", ".pt"))]
    return row | {"revision": info.sha, "bytes": sum(sizes[name] for name in weights)}


def main(ids: list[str]) -> int:
    """How many could not be looked up."""
    catalogue = json.loads(PATH.read_text(encoding="utf-8"))
    failed = 0
    for at, row in enumerate(catalogue["models"]):
        if row["id"] not in ids if ids else row["revision"]:
            continue
        try:
            catalogue["models"][at] = pinned(row)
            print(f"{row['id']}: {catalogue['models'][at]['revision']}")
        except HfHubHTTPError as error:
            failed += 1
            print(f"{row['id']}: {error}")
    Catalogue.model_validate(catalogue)
    PATH.write_text(json.dumps(catalogue, indent=2, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
