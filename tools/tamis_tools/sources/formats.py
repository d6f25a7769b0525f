"""What kind of text a source is: from its name, else its media type, else the look of its first lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tamis_tools.document import Format


class Kind(NamedTuple):
    """`language` is what tree-sitter calls it; where it has no grammar here, the usual name, or empty."""

    format: Format
    language: str = ""


HEAD_CHARACTERS = 8_192

_LANGUAGES = {
    "python": "py pyi pyw",
    "javascript": "js mjs cjs jsx",
    "typescript": "ts mts cts",
    "tsx": "tsx",
    "go": "go",
    "rust": "rs",
    "java": "java",
    "c": "c h",
    "cpp": "cc cpp cxx c++ hh hpp hxx h++ ipp inl cu cuh",
    "csharp": "cs csx",
    "ruby": "rb rake gemspec",
    "php": "php phtml",
    "bash": "sh bash zsh ksh",
    "kotlin": "kt kts",
    "swift": "swift",
    "scala": "scala sc",
    "lua": "lua",
    "perl": "pl pm",
    "r": "r",
    "julia": "jl",
    "haskell": "hs",
    "elixir": "ex exs",
    "erlang": "erl hrl",
    "clojure": "clj cljs cljc",
    "ocaml": "ml mli",
    "dart": "dart",
    "zig": "zig",
    "objc": "m mm",
    "sql": "sql",
    "css": "css scss sass less",
    "vue": "vue",
    "svelte": "svelte",
    "yaml": "yaml yml",
    "toml": "toml",
    "ini": "ini cfg conf properties editorconfig",
    "xml": "xml xsd xsl xslt svg plist",
    "proto": "proto",
    "graphql": "graphql gql",
    "hcl": "tf hcl",
    "cmake": "cmake",
    "make": "mk mak",
    "powershell": "ps1 psm1",
    "batch": "bat cmd",
    "nix": "nix",
    "diff": "diff patch",
}

_FORMATS: dict[Format, str] = {
    "markdown": "md markdown mdx mdown",
    "json": "json ipynb geojson webmanifest map json5 jsonc har",
    "jsonl": "jsonl ndjson",
    "csv": "csv tsv",
    "log": "log",
    "html": "html htm xhtml",
    "pdf": "pdf",
    "text": "txt text rst tex adoc asciidoc org srt vtt",
}

BY_SUFFIX = {suffix: Kind(kind) for kind, suffixes in _FORMATS.items() for suffix in suffixes.split()} | {
    suffix: Kind("code", language) for language, suffixes in _LANGUAGES.items() for suffix in suffixes.split()
}

BY_NAME = {
    "makefile": Kind("code", "make"),
    "gnumakefile": Kind("code", "make"),
    "dockerfile": Kind("code", "dockerfile"),
    "containerfile": Kind("code", "dockerfile"),
    "jenkinsfile": Kind("code", "groovy"),
    "rakefile": Kind("code", "ruby"),
    "gemfile": Kind("code", "ruby"),
    "vagrantfile": Kind("code", "ruby"),
    "cmakelists.txt": Kind("code", "cmake"),
    ".bashrc": Kind("code", "bash"),
    ".bash_profile": Kind("code", "bash"),
    ".profile": Kind("code", "bash"),
    ".zshrc": Kind("code", "bash"),
    "readme": Kind("markdown"),
}

BY_MEDIA_TYPE = {
    "text/html": Kind("html"),
    "application/xhtml+xml": Kind("html"),
    "application/json": Kind("json"),
    "application/x-ndjson": Kind("jsonl"),
    "application/jsonl": Kind("jsonl"),
    "text/csv": Kind("csv"),
    "text/tab-separated-values": Kind("csv"),
    "text/markdown": Kind("markdown"),
    "application/pdf": Kind("pdf"),
    "application/xml": Kind("code", "xml"),
    "text/xml": Kind("code", "xml"),
    "text/css": Kind("code", "css"),
    "text/javascript": Kind("code", "javascript"),
    "application/javascript": Kind("code", "javascript"),
}

BY_INTERPRETER = {
    "python": "python",
    "pypy": "python",
    "node": "javascript",
    "deno": "typescript",
    "bun": "typescript",
    "ts-node": "typescript",
    "ruby": "ruby",
    "php": "php",
    "sh": "bash",
    "bash": "bash",
    "dash": "bash",
    "ksh": "bash",
    "zsh": "bash",
    "perl": "perl",
    "lua": "lua",
    "Rscript": "r",
}

_SHEBANG = re.compile(
    r"#![ \t]*\S*?/?(?:env[ \t]+(?:-\S+[ \t]+)*)?(?P<name>[A-Za-z-]+)[\d.]*(?:[ \t].*)?$", re.MULTILINE
)
_ROTATED_LOG = re.compile(r"\.log[.-][\w.-]*$")
_IS_CPP = re.compile(r"^[ \t]*(?:class|namespace|template|using|public:|private:|constexpr)\b|\bstd::", re.MULTILINE)
_HTML = re.compile(r"\s*(?:<!--[^>]*-->\s*)?<(?:!doctype html|html|head|body)\b", re.IGNORECASE)
_LOG_LINE = re.compile(
    r"""\W{0,3}(?:
        \d{4}[-/.]\d\d[-/.]\d\d[T\ ,]{1,2}\d\d:\d\d          # 2026-01-31 10:00
      | [A-Z][a-z]{2}\ {1,2}\d{1,2}\ \d\d:\d\d:\d\d          # Jan 31 10:00:00
      | \d\d[-/.](?:\d\d|[A-Z][a-z]{2})[-/.]\d{2,4}[:T\ ]\d\d:\d\d
      | \d\d:\d\d:\d\d[.,\ ]
      | \d{10}(?:\.\d+|\d{3})?[\]\s]                         # seconds or milliseconds since 1970
      | \d{1,3}(?:\.\d{1,3}){3}\ \S+\ \S+\ \[                # an access log
      | [IWEF]\d{4}\ \d\d:\d\d:\d\d                          # glog
      | (?:TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|FATAL|CRITICAL)\b[\]:|\s]
    )""",
    re.VERBOSE,
)
_OUTPUT_LINE = re.compile(
    r"""(?:
        (?:FAILED|PASSED|ERROR|FAIL|PASS|SKIPPED|XFAIL|XPASS|ok|not\ ok)\b
      | \[\s*(?:\w+\s)?(?:OK|PASSED|FAILED|INFO|WARN|WARNING|ERROR)\s*\]
      | .*\.\.\.\s?(?:ok|FAIL|ERROR|skipped)\b
      | test\w*\ \(
      | [^\s:]+[:(]\d+[:,)]
      | [=_-]{3,}\ .*\ [=_-]{3,}$
      | E\ {2} | npm\ (?:ERR!|error) | >\ Task\ :
    )""",
    re.VERBOSE,
)


def kind_of(name: str, text: str, media_type: str = "") -> Kind:
    """The kind of a source called `name` that reads `text`; a stated media type that says something goes first."""
    folded = name.rpartition("/")[2].casefold()
    stem, dot, suffix = folded.rpartition(".")
    head = text[:HEAD_CHARACTERS]
    named = BY_NAME.get(folded) or (BY_SUFFIX.get(suffix) if dot else None) or BY_NAME.get(stem)
    if named is None and _ROTATED_LOG.search(folded):
        named = Kind("log")
    found = BY_MEDIA_TYPE.get(media_type) or named or _by_look(head, suffix if dot and stem else "")
    return _refined(found, suffix, head)


def _refined(kind: Kind, suffix: str, head: str) -> Kind:
    if kind.format == "text" and (_looks_like_a_log(head) or _looks_like_output(head)):
        return Kind("log")
    if suffix == "h" and _IS_CPP.search(head):
        return Kind("code", "cpp")
    if suffix == "ts" and head.startswith("<?xml"):
        return Kind("code", "xml")  # a translation file of Qt
    return kind


def _by_look(head: str, suffix: str) -> Kind:
    shebang = _SHEBANG.match(head[:200])
    if shebang:
        return Kind("code", BY_INTERPRETER.get(shebang["name"], ""))
    if _HTML.match(head):
        return Kind("html")
    if head.lstrip()[:1] in {"{", "["} and (kind := _json_kind(head)):
        return kind
    if head.startswith("<?xml"):
        return Kind("code", "xml")
    if _looks_like_a_log(head) or not _is_a_word(suffix):
        return Kind("text")
    return Kind("code", suffix)


def _json_kind(head: str) -> Kind | None:
    lines = [line.strip() for line in head.splitlines()[:5] if line.strip()]
    whole = [line for line in lines if line[0] == "{" and line[-1] == "}"]
    if len(lines) > 1 and len(whole) == len(lines):
        return Kind("jsonl")
    looks = re.match(r"""\s*(?:\{\s*(?:"|\})|\[\s*(?:["\[\]{\d-]|true|false|null))""", head)
    return Kind("json") if looks and not _looks_like_a_log(head) else None


def _is_a_word(suffix: str) -> bool:
    return suffix.isascii() and suffix.isalpha() and len(suffix) <= 10


def _looks_like_output(head: str) -> bool:
    """Every third line or more is what a compiler, a linter or a run of tests prints."""
    lines = [line for line in head.splitlines() if line.strip() and not line[0].isspace()]
    return len(lines) >= 5 and sum(bool(_OUTPUT_LINE.match(line)) for line in lines) > len(lines) / 3


def _looks_like_a_log(head: str) -> bool:
    """Most lines begin with a time or a level. Indented ones belong to the line above."""
    lines = [line for line in head.splitlines()[:80] if line.strip() and not line[0].isspace()]
    return len(lines) >= 3 and sum(bool(_LOG_LINE.match(line)) for line in lines) > 0.6 * len(lines)
