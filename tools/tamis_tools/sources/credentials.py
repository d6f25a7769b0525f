"""Which files look like credentials: by name and folder, and by what the first bytes say."""

from __future__ import annotations

import re
from fnmatch import translate
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAD_BYTES = 4096

FOLDERS = frozenset({".ssh", ".aws", ".gnupg", ".kube", ".azure", ".password-store"})

FOLDERS_OF_FOLDERS = frozenset(
    {
        (".config", "gh"),
        (".config", "gcloud"),
        (".config", "hub"),
        (".config", "glab-cli"),
        (".config", "op"),
        ("etc", "sudoers.d"),
    }
)

FILES_IN = frozenset(
    {
        ("etc", "shadow"),
        ("etc", "shadow-"),
        ("etc", "gshadow"),
        ("etc", "gshadow-"),
        ("etc", "sudoers"),
        (".docker", "config.json"),
        (".cargo", "credentials"),
        (".cargo", "credentials.toml"),
        (".gem", "credentials"),
        (".streamlit", "secrets.toml"),
    }
)

FILES = (
    ".env*",
    "*.env",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "*.pem",
    "*.key",
    "*.ppk",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    ".netrc",
    "_netrc",
    ".pypirc",
    ".npmrc",
    ".pgpass",
    ".my.cnf",
    ".*_history",
    "fish_history",
    ".vault-token",
    ".terraformrc",
    "credentials.tfrc*",
    "*.tfstate",
    "*.tfstate.*backup",
    "*.ovpn",
    ".dockercfg",
    ".htpasswd",
    ".git-credentials",
    "credentials.json",
    "client_secret*.json",
    "*service-account*.json",
    "*service_account*.json",
    "*serviceaccount*.json",
    "application_default_credentials.json",
)

NOT_SECRET = (
    ".env.example",
    ".env.sample",
    ".env.template",
    "*.example.env",
    "*.sample.env",
    "*.template.env",
    "*.pub",
)


def _any_of(patterns: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(translate(pattern) for pattern in patterns))


_MARKS = b"\xef\xbb\xbf\xff\xfe"
_FILES, _NOT_SECRET = _any_of(FILES), _any_of(NOT_SECRET)
_PRIVATE_KEY = re.compile(
    rb"""^[ \t]*-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"""
    rb"""|"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----\\n"""
    rb"""|^PuTTY-User-Key-File-""",
    re.MULTILINE,
)


def named_like_a_secret(parts: Sequence[str]) -> bool:
    """Whether a path, given as its components, is a credential by name or lies in a folder of them."""
    folded = tuple(part.casefold() for part in parts)
    pairs = tuple(pairwise(folded))
    if not FOLDERS.isdisjoint(folded) or not FOLDERS_OF_FOLDERS.isdisjoint(pairs):
        return True
    if pairs and pairs[-1] in FILES_IN:
        return True
    name = folded[-1] if folded else ""
    return bool(_FILES.match(name)) and not _NOT_SECRET.match(name)


def holds_a_private_key(data: bytes) -> bool:
    """Whether the first bytes hold a private key, in whatever width of characters."""
    return bool(_PRIVATE_KEY.search(data[:HEAD_BYTES].replace(b"\0", b"").lstrip(_MARKS)))
