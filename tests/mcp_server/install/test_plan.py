"""What is written into other people's files: our entry, and nothing else."""

import json
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis_mcp_server.install import CLIENTS, Client, jsonc, plan
from tamis_mcp_server.install.errors import Unreadable

CURSOR, VSCODE, CODEX = CLIENTS["cursor"], CLIENTS["vscode"], CLIENTS["codex"]
FILE = Path("settings")
ENTRY: plan.Entry = {"command": "/opt/tamis", "args": ["mcp", "--root", "."]}

JSON_FILES = {
    "empty object": "{}",
    "nothing": "",
    "white space": "\n\n",
    "no servers": '{\n  "theme": "dark"\n}\n',
    "no line end": '{"theme": "dark"}',
    "empty servers": '{\n\t"mcpServers": {}\n}\n',
    "another server": '{\n    "mcpServers": {\n        "a": {"command": "a"}\n    },\n    "z": 1\n}\n',
    "comments": '// mine\n{\n  /* one */ "mcpServers": { // two, 3\n   "a": {"url": "x://y"} // four\n  }\n}\n',
    "trailing commas": '{\n  "mcpServers": {\n    "a": {"args": [1, 2,],}, // last\n  },\n}\n',
    "only a comment": '{\n  "mcpServers": {\n    // nothing yet\n  }\n}\n',
    "one line": '{"mcpServers": {"a": {"command": "a"}}, "z": [1,  2]}',
    "windows": '{\r\n  "mcpServers": {\r\n    "a": {}\r\n  }\r\n}\r\n',
    "byte order mark": '\ufeff{\n  "mcpServers": {}\n}\n',
    "strings like syntax": '{\n  "a": "// no, }",\n  "b\\"}": "/* no */ ,]",\n  "mcpServers": {"é": {}}\n}\n',
    "same name elsewhere": '{\n  "tamis": {"mcpServers": {"tamis": 1}}\n}\n',
}
TOML_FILES = {
    "nothing": "",
    "no servers": 'model = "x"\n',
    "no line end": 'model = "x"',
    "spread out": '[mcp_servers.a] # c\nb = "a"\n\n[p.q]\nx=1\n\n[mcp_servers.b]\nargs = [\n  "1", # i\n]\n# e\n',
    "dotted": 'mcp_servers.a.command = "a"\n[z]\ny=1\n',
    "under a table": "[mcp_servers]\n[mcp_servers.a]\ncommand='a'\n\n\n# tail",
    "windows": '[z]\r\ny = """\r\nlong\r\n"""\r\n',
    "byte order mark": "\ufeff[z]\ny=1\n",
    "similar names": '[mcp_servers.tamis2]\ncommand = "x"\n[mcp_servers_tamis]\ny = 1\n',
}


def read(client: Client, content: bytes | None) -> dict[str, object]:
    text = (content or b"").decode().removeprefix("\ufeff")
    return jsonc.load(text) if client.format == "json" else tomllib.loads(text)


CASES = [(CURSOR, name, text) for name, text in JSON_FILES.items()]
CASES += [(CODEX, name, text) for name, text in TOML_FILES.items()]
every_file = pytest.mark.parametrize(
    ("client", "content"),
    [(client, text.encode()) for client, _, text in CASES],
    ids=[f"{client.format}: {name}" for client, name, _ in CASES],
)


@every_file
def test_installing_adds_our_entry_and_keeps_all_other_data(client: Client, content: bytes) -> None:
    held = read(client, plan.install(client, FILE, content, ENTRY).after)
    before = read(client, content)
    servers = before.get(client.servers, {})
    assert isinstance(servers, dict)
    assert held == {**before, client.servers: {**servers, "tamis": ENTRY}}


@every_file
def test_installing_only_inserts_characters(client: Client, content: bytes) -> None:
    after = plan.install(client, FILE, content, ENTRY).after
    assert after is not None
    rest = iter(after.decode())
    assert all(character in rest for character in content.decode().strip("\n"))


@every_file
def test_installing_twice_changes_nothing(client: Client, content: bytes) -> None:
    once = plan.install(client, FILE, content, ENTRY)
    assert once.needed
    assert not plan.install(client, FILE, once.after, ENTRY).needed


@every_file
def test_undo_gives_back_the_very_bytes(client: Client, content: bytes) -> None:
    installed = plan.install(client, FILE, content, ENTRY).after
    assert plan.undo(client, FILE, installed, [content]).after == content


@every_file
def test_undo_removes_only_our_entry_from_a_file_that_was_changed_since(client: Client, content: bytes) -> None:
    installed = plan.install(client, FILE, content, ENTRY).after
    left = read(client, plan.undo(client, FILE, installed, [b"{}"]).after)
    before = read(client, content)
    assert {key: value for key, value in left.items() if value} == {k: v for k, v in before.items() if v}


@every_file
def test_line_ends_stay_of_one_kind(client: Client, content: bytes) -> None:
    after = plan.install(client, FILE, content, ENTRY).after
    assert after is not None
    if b"\r\n" in content:
        assert after.count(b"\n") == after.count(b"\r\n")
    else:
        assert b"\r" not in after


def test_a_file_that_we_made_is_gone_after_undo() -> None:
    for client in CLIENTS.values():
        made = plan.install(client, FILE, None, client.entry(("/opt/tamis", "mcp"), ("src",)))
        assert made.after is not None
        assert made.after.endswith(b"\n")
        assert plan.undo(client, FILE, made.after, []).after is None


def test_a_file_that_was_empty_braces_before_us_stays() -> None:
    installed = plan.install(CURSOR, FILE, b"{}", ENTRY).after
    assert plan.undo(CURSOR, FILE, installed, [b"{}"]).after == b"{}"


def test_a_file_that_we_made_stays_when_the_user_has_added_to_it() -> None:
    made = plan.install(CURSOR, FILE, None, ENTRY).after
    assert made is not None
    grown = made.replace(b'"tamis"', b'"mine": {}, "tamis"')
    assert read(CURSOR, plan.undo(CURSOR, FILE, grown, []).after) == {"mcpServers": {"mine": {}}}


def test_undo_without_an_entry_changes_nothing() -> None:
    assert not plan.undo(CURSOR, FILE, b'{"mcpServers": {"a": {}}}', []).needed
    assert not plan.undo(CURSOR, FILE, None, []).needed


@pytest.mark.parametrize("client", [CURSOR, CODEX])
def test_a_new_root_replaces_the_old_and_keeps_what_the_user_added(client: Client) -> None:
    first = plan.install(client, FILE, None, {**ENTRY, "env": {"A": "ü"}}).after
    second = plan.install(client, FILE, first, {"command": "uvx", "args": ["tamis", "mcp"]})
    servers = read(client, second.after)[client.servers]
    assert servers == {"tamis": {"command": "uvx", "args": ["tamis", "mcp"], "env": {"A": "ü"}}}


def test_a_toml_entry_is_replaced_with_its_own_tables_and_comments_around_it_stay() -> None:
    old = b'# a\n[mcp_servers.tamis]\ncommand = "x"\n[mcp_servers.tamis.env]\nK = "v"\n\n# about z\n[z]\ny = 1\n'
    after = plan.install(CODEX, FILE, old, {"command": "y", "args": []}).after
    assert after is not None
    assert read(CODEX, after) == {
        "mcp_servers": {"tamis": {"command": "y", "args": [], "env": {"K": "v"}}},
        "z": {"y": 1},
    }
    assert after.startswith(b"# a\n[mcp_servers.tamis]\n")
    assert after.endswith(b"\n\n# about z\n[z]\ny = 1\n")
    assert plan.undo(CODEX, FILE, after, []).after == b"# a\n\n# about z\n[z]\ny = 1\n"


def test_an_entry_that_names_a_url_is_replaced_whole() -> None:
    old = b'{"mcpServers": {"tamis": {"url": "http://localhost"}}}'
    after = plan.install(CURSOR, FILE, old, ENTRY).after
    assert read(CURSOR, after) == {"mcpServers": {"tamis": ENTRY}}


@pytest.mark.parametrize(
    ("client", "content", "words"),
    [
        (CURSOR, b'{"mcpServers": {', "not valid JSON"),
        (CURSOR, b"[]", "object"),
        (CURSOR, b'{"mcpServers": []}', "named servers"),
        (CURSOR, b'{"a": 1 /* open }', "not valid JSON"),
        (CURSOR, b"\xff\xfe{\x00}\x00", "UTF-8"),
        (CURSOR, b"{,}", "By hand"),
        (CODEX, b"[mcp_servers", "not valid TOML"),
        (CODEX, b"mcp_servers = { a = { command = 'a' } }\n", "By hand"),
        (CODEX, b"mcp_servers = 1\n", "named servers"),
    ],
)
def test_what_cannot_be_edited_safely_is_refused_with_its_name(client: Client, content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words) as refused:
        plan.install(client, FILE, content, ENTRY)
    assert str(FILE) in str(refused.value)


def test_vs_code_keeps_its_servers_under_another_key() -> None:
    after = plan.install(VSCODE, FILE, None, VSCODE.entry(("/opt/tamis", "mcp"), ())).after
    assert read(VSCODE, after) == {
        "servers": {
            "tamis": {
                "type": "stdio",
                "command": "/opt/tamis",
                "args": ["mcp", "--root", "${workspaceFolder}"],
            }
        }
    }


def test_the_diff_shows_the_lines_that_are_added() -> None:
    diff = plan.install(CURSOR, FILE, b'{\n  "a": 1\n}\n', ENTRY).diff()
    assert diff.startswith("--- settings\n+++ settings\n")
    assert '+    "tamis": {' in diff


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(st.text(max_size=6), VALUES, max_size=4),
    st.none() | st.dictionaries(st.text(max_size=6), VALUES, max_size=3),
    st.sampled_from([None, 0, 1, 4, "\t"]),
)
def test_any_json_file_comes_through_unharmed(
    others: dict[str, object], servers: dict[str, object] | None, indent: int | str | None
) -> None:
    others.pop("mcpServers", None)
    held = others if servers is None else {**others, "mcpServers": servers, "last": 1}
    content = json.dumps(held, indent=indent, ensure_ascii=False).encode("utf-8", "replace")
    installed = plan.install(CURSOR, FILE, content, ENTRY)
    found = read(CURSOR, installed.after)["mcpServers"]
    assert isinstance(found, dict)
    assert found["tamis"] == ENTRY
    assert plan.undo(CURSOR, FILE, installed.after, [content]).after == content
    if servers:
        assert plan.undo(CURSOR, FILE, installed.after, [b"[]"]).after == content
