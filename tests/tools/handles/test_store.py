import os
import subprocess
import sys
import threading
from hashlib import sha256
from pathlib import Path

import pytest

from tamis_tools.document import Document, LineRange
from tamis_tools.errors import HandleError
from tamis_tools.handles import HandleStore, Kept, Shown, default_folder

NOTES = Document("docs/notes.md", "# Notes\r\nnaïve 🎉\n", "markdown", encoding="utf-8", window=LineRange(1, 2))
CODE = Document("src/app.py", "def main():\n    return 0\n", "code", language="python", raw_sha256="ab" * 32)
NASTY = "\ttab\r\nא\u202eרב e\u0301 \x00\x07 🧑\u200d🚀\r\n\n\rlone"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "handles"


@pytest.fixture
def store(folder: Path) -> HandleStore:
    return HandleStore(folder)


def record_of(folder: Path, ref: str) -> Path:
    return folder / "records" / f"{ref.removeprefix('@h_')}.json"


def only_text(folder: Path) -> Path:
    (path,) = (folder / "texts").iterdir()
    return path


def test_what_is_put_comes_back_as_it_was(store: HandleStore) -> None:
    ref = store.put([NOTES, CODE], query="where?", shown=[Shown(1, 0, 11)], pending=["src/b.py"])
    kept = store.get(ref)
    assert kept.documents == (NOTES, CODE)
    assert (kept.query, kept.shown, kept.pending) == ("where?", (Shown(1, 0, 11),), ("src/b.py",))
    assert isinstance(kept.documents[0].window, LineRange)
    assert isinstance(kept.shown[0], Shown)


@pytest.mark.parametrize("text", ["", NASTY, "half a pair \ud83c", "x" * 100_000])
def test_every_text_comes_back_to_the_character(store: HandleStore, text: str) -> None:
    assert store.get(store.put([Document("a", text)])).documents[0].text == text


def test_a_handle_is_short_and_plain(store: HandleStore) -> None:
    ref = store.put([NOTES])
    assert ref.startswith("@h_")
    assert len(ref) == 19
    assert set(ref[3:]) <= set("abcdefghijklmnopqrstuvwxyz234567")


def test_the_same_content_has_the_same_handle_at_any_time_in_any_store(tmp_path: Path) -> None:
    first = HandleStore(tmp_path / "a", lambda: 1_800_000_000.0).put([NOTES, CODE], query="q")
    assert HandleStore(tmp_path / "b", lambda: 1_900_000_000.0).put([NOTES, CODE], query="q") == first


def test_anything_that_differs_gives_another_handle(store: HandleStore) -> None:
    refs = [
        store.put([NOTES, CODE]),
        store.put([CODE, NOTES]),
        store.put([NOTES, CODE], query="q"),
        store.put([NOTES, CODE], shown=[Shown(0, 0, 1)]),
        store.put([NOTES, CODE], pending=["x"]),
        store.put([NOTES]),
        store.put([]),
        store.put([Document(NOTES.address, NOTES.text, "text")]),
    ]
    assert len(set(refs)) == len(refs)


def test_a_handle_survives_a_restart(folder: Path) -> None:
    ref = HandleStore(folder).put([NOTES])
    assert HandleStore(folder).get(ref).documents == (NOTES,)


def test_the_same_text_is_kept_once_and_lies_there_as_a_plain_file(store: HandleStore, folder: Path) -> None:
    ref = store.put([Document("a", NASTY)])
    store.put([Document("b", NASTY)])
    file = store.get(ref).file
    assert file == only_text(folder)
    assert file.read_bytes() == NASTY.encode()


def test_several_documents_have_no_single_file(store: HandleStore) -> None:
    assert store.get(store.put([NOTES, CODE])).file is None


def test_files_are_for_their_owner_alone(store: HandleStore, folder: Path) -> None:
    before = os.umask(0)
    try:
        store.put([NOTES, CODE])
        store.attach(b"vectors", ".npy")
    finally:
        os.umask(before)
    paths = [folder, *folder.rglob("*")]
    assert len(paths) == 8
    if os.name == "posix":
        assert {(path.is_dir(), path.stat().st_mode & 0o777) for path in paths} == {(True, 0o700), (False, 0o600)}


def test_an_address_that_is_no_utf8_does_not_stop_a_put(store: HandleStore) -> None:
    kept = store.get(store.put([Document("caf\udce9.txt", "x", path=Path("caf\udce9.txt"))]))
    assert kept.documents[0].text == "x"


def test_vectors_are_attached_under_the_name_of_their_content(store: HandleStore) -> None:
    path = store.attach(b"\x93NUMPY", ".npy")
    assert path.suffix == ".npy"
    assert path.read_bytes() == b"\x93NUMPY"
    assert store.attach(b"\x93NUMPY", ".npy") == path
    assert store.attach(b"\x93NUMPY", ".safetensors") != path


@pytest.mark.parametrize(
    "ref",
    [
        "",
        "@h_",
        "@h_../../../etc/passwd",
        "@h_..%2f..%2fetc%2f",
        "@h_AAAAAAAAAAAAAAAA",
        "@h_aaaaaaaaaaaaaaa1",
        "@h_aaaaaaaaaaaaaaaa\n",
        "@h_aaaaaaaaaaaaaaaa/../x",
        "@h_aaaaaaaaaaaaaaa\0",
        "@h_\ud800",
        "@h_" + "a" * 100_000,
        "/etc/passwd",
    ],
)
def test_what_is_no_handle_is_said_and_never_opened(store: HandleStore, ref: str) -> None:
    with pytest.raises(HandleError, match="is not a handle") as caught:
        store.get(ref)
    assert len(str(caught.value)) < 250


def test_an_unknown_handle_says_to_call_again(store: HandleStore) -> None:
    with pytest.raises(HandleError, match=r"^@h_a{16} is unknown or has expired\. Make the call that gave it again\.$"):
        store.get("@h_" + "a" * 16)


@pytest.mark.parametrize(
    "slip", [lambda ref: ref[:-1], lambda ref: ref[:5] + "7" + ref[6:], str.upper, lambda ref: ref[1:]]
)
def test_a_slip_of_the_pen_is_met_with_the_handle_that_was_meant(store: HandleStore, slip) -> None:
    ref = store.put([Document("a", "text")])
    assert slip(ref) != ref
    with pytest.raises(HandleError, match=f"Did you mean {ref}"):
        store.get(slip(ref))


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\0" * 300,
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b'{"version": 1}',
        b"\xff\xfe",
        b'{"version": "one"}',
        b"9" * 5_000,
    ],
)
def test_a_garbage_record_is_reported_and_a_put_mends_it(store: HandleStore, folder: Path, garbage: bytes) -> None:
    ref = store.put([NOTES])
    record_of(folder, ref).write_bytes(garbage)
    with pytest.raises(HandleError, match="damaged"):
        store.get(ref)
    assert store.put([NOTES]) == ref
    assert store.get(ref).documents == (NOTES,)


def test_a_torn_record_is_reported_wherever_it_tore(store: HandleStore, folder: Path) -> None:
    ref = store.put([NOTES, CODE])
    whole = record_of(folder, ref).read_bytes()
    for size in range(len(whole)):
        record_of(folder, ref).write_bytes(whole[:size])
        with pytest.raises(HandleError, match="damaged"):
            store.get(ref)


def test_a_record_that_was_altered_is_not_believed(store: HandleStore, folder: Path) -> None:
    ref = store.put([NOTES])
    path = record_of(folder, ref)
    path.write_bytes(path.read_bytes().replace(b"docs/notes.md", b"docs/other.md"))
    with pytest.raises(HandleError, match="damaged"):
        store.get(ref)


def test_a_record_of_another_version_has_expired(store: HandleStore, folder: Path) -> None:
    ref = store.put([NOTES])
    record_of(folder, ref).write_text('{"version": 2, "unheard": "of"}', encoding="utf-8")
    with pytest.raises(HandleError, match="another version of Tamis and has expired"):
        store.get(ref)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"\0" * len(data), lambda data: data + b"!"])
def test_a_damaged_text_is_reported_and_the_same_put_mends_it(store: HandleStore, folder: Path, damage) -> None:
    ref = store.put([NOTES])
    path = only_text(folder)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(HandleError, match="damaged"):
        store.get(ref)
    assert store.put([NOTES]) == ref
    assert store.get(ref).documents == (NOTES,)


def test_a_missing_text_is_reported_by_its_address(store: HandleStore, folder: Path) -> None:
    ref = store.put([NOTES])
    only_text(folder).unlink()
    with pytest.raises(HandleError, match=r"docs/notes\.md in @h_\w+ has expired"):
        store.get(ref)


def test_litter_in_the_folder_is_no_obstacle(store: HandleStore, folder: Path) -> None:
    for name in ("records", "texts", "files"):
        (folder / name).mkdir(parents=True)
        (folder / name / "tmp1234.unfinished").write_bytes(b"half a rec")
        (folder / name / "a folder.json").mkdir()
    (folder / "stray").write_bytes(b"\0")
    assert store.get(store.put([NOTES])).documents == (NOTES,)


def test_a_folder_that_can_not_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    store = HandleStore(tmp_path / "file" / "handles")
    with pytest.raises(HandleError, match="can't be kept in"):
        store.put([NOTES])
    with pytest.raises(HandleError, match="can't be kept in"):
        store.attach(b"x", ".npy")
    with pytest.raises(HandleError, match="unknown or has expired"):
        store.get("@h_" + "a" * 16)


WRITER = """
import sys
from pathlib import Path
from tamis_tools.document import Document
from tamis_tools.handles import HandleStore

store, rounds = HandleStore(Path(sys.argv[1])), int(sys.argv[2])
for number in range(rounds):
    print(store.put([Document(f"{number}/{part}", f"{number} {part} " * 500) for part in range(20)]), flush=True)
"""


def writer(folder: Path, rounds: int) -> "subprocess.Popen[str]":
    return subprocess.Popen([sys.executable, "-c", WRITER, str(folder), str(rounds)], stdout=subprocess.PIPE, text=True)


def test_processes_that_put_the_same_at_once_agree(folder: Path) -> None:
    with writer(folder, 10) as first, writer(folder, 10) as second:
        ours, theirs = first.communicate(timeout=60)[0], second.communicate(timeout=60)[0]
    assert ours == theirs
    assert first.returncode == second.returncode == 0
    assert [len(HandleStore(folder).get(ref).documents) for ref in ours.split()] == [20] * 10
    assert not list(folder.rglob("*.unfinished"))


def test_a_store_opens_after_a_writer_was_killed(folder: Path) -> None:
    with writer(folder, 1_000_000) as process:
        assert process.stdout is not None
        refs = [process.stdout.readline().strip() for _ in range(5)]
        process.kill()
    store = HandleStore(folder)
    assert [len(store.get(ref).documents) for ref in refs] == [20] * 5
    for path in (folder / "records").glob("*.json"):
        assert len(store.get(f"@h_{path.stem}").documents) == 20
    assert store.get(store.put([NOTES])).documents == (NOTES,)


def test_threads_may_share_a_store(store: HandleStore) -> None:
    start, got = threading.Barrier(8), []

    def work() -> None:
        start.wait(10)
        got.extend(store.get(store.put([NOTES, CODE])) for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(got) == 160
    assert all(isinstance(kept, Kept) and kept.documents == (NOTES, CODE) for kept in got)


def test_a_file_that_changed_or_went_is_noticed(store: HandleStore, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\n")
    document = Document("a.txt", "one\r\n", path=path, raw_sha256=sha256(b"one\r\n").hexdigest())
    kept = store.get(store.put([document])).documents[0]
    assert not store.changed(kept)
    path.write_bytes(b"one\n")
    assert store.changed(kept)
    path.unlink()
    assert store.changed(kept)
    path.mkdir()
    assert store.changed(kept)


def test_what_has_no_file_can_not_change(store: HandleStore) -> None:
    assert not store.changed(Document("text", "inline"))
    assert not store.changed(Document("https://example.org/", "page", raw_sha256="00" * 32))


def test_the_default_folder_is_in_the_users_cache_and_not_made(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder().parts[-2:] == ("tamis", "handles")
    assert not list(tmp_path.iterdir())


def test_what_was_read_in_another_folder_is_not_given_back(tmp_path: Path) -> None:
    inside, outside = tmp_path / "open", tmp_path / "closed"
    ref = HandleStore(tmp_path / "h").put([Document("a.txt", "secret", path=outside / "a.txt")])
    with pytest.raises(HandleError, match="--root"):
        HandleStore(tmp_path / "h", within=(inside,)).get(ref)
    assert HandleStore(tmp_path / "h", within=(inside, outside)).get(ref).documents[0].text == "secret"
