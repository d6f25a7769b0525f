"""What sources can be, and what is said about the ones that can't be read."""

import re
from hashlib import sha256

import pytest

from tamis_tools.document import Document, LineRange
from tamis_tools.errors import BadArgument, HandleError, NothingReadable, SourceError, SourceNotFound, SourceTooLarge
from tamis_tools.limits import Limits
from tamis_tools.pace import Pace
from tamis_tools.sources import raw_sha256


def test_a_file_is_read_whole_with_its_address_and_hash(reader):
    file = reader.write("src/app.py", b"def run():\r\n\treturn 1\r\n")
    (document,) = reader("src/app.py").documents
    assert document == Document(
        address="src/app.py",
        text="def run():\r\n\treturn 1\r\n",
        format="code",
        language="python",
        path=file.resolve(),
        raw_sha256=sha256(file.read_bytes()).hexdigest(),
    )
    assert raw_sha256(file) == document.raw_sha256


def test_kinds_of_sources_may_be_mixed_and_keep_their_order(reader):
    for path in ("b/2.md", "b/1.md", "z.txt", "a.log"):
        reader.write(path)
    kept = Document("kept.txt", "kept")
    reader.recall = {"@h_1": [kept]}.__getitem__
    assert reader.addresses("z.txt", "b", "text:small", "*.log", "@h_1") == [
        "z.txt",
        "b/1.md",
        "b/2.md",
        "inline:1",
        "a.log",
        "kept.txt",
    ]


def test_a_source_named_twice_is_read_once_but_other_lines_of_it_are_another_document(reader):
    reader.write("a.txt", "1\n2\n3\n")
    reading = reader("a.txt", "./a.txt", ".", str(reader.root / "a.txt"), "a.txt:1-2", "a.txt:1-2")
    assert [document.window for document in reading.documents] == [None, LineRange(1, 2)]


@pytest.mark.parametrize(
    ("spec", "window"), [("a.txt:2", LineRange(2, 2)), ("a.txt:2-3", LineRange(2, 3)), ("a.txt:2-99", LineRange(2, 3))]
)
def test_lines_are_a_window_on_the_whole_text(reader, spec, window):
    reader.write("a.txt", "1\n2\n3\n")
    (document,) = reader(spec).documents
    assert (document.text, document.window, document.address) == ("1\n2\n3\n", window, "a.txt")


def test_a_file_whose_name_looks_like_lines_or_a_glob_is_taken_by_its_name(reader):
    reader.write("a.txt:2", "odd")
    reader.write("app/[id]/page.tsx", "odd")
    reader.write("app/i/page.tsx", "other")
    assert reader.addresses("a.txt:2", "app/[id]/page.tsx") == ["a.txt:2", "app/[id]/page.tsx"]


@pytest.mark.parametrize("name", ["text:a.txt", "@h_1", "~x", "~"])
def test_an_address_can_be_passed_again_even_where_it_looks_like_something_else(reader, name):
    reader.write(name, "odd")
    (address,) = reader.addresses(".")
    assert reader.addresses(address) == [address] == [f"./{name}"]


@pytest.mark.parametrize(
    ("spec", "error", "told"),
    [
        ("a.txt:9", BadArgument, "a.txt:9-9 is past the end: the last line is 3. Pass a.txt:1-3."),
        ("a.txt:3-1", BadArgument, "Did you mean a.txt:1-3?"),
        ("a.txt:0-2", BadArgument, "Did you mean a.txt:1-2?"),
        ("src:2", BadArgument, "src is a folder, which has no lines"),
        ("src/*.py:2", BadArgument, "is a glob, which has no lines"),
        ("src/*.pyx", SourceNotFound, 'No file matches "src/*.pyx" under {root}. Similar: src/*.py (2).'),
        ("sra/*.py", SourceNotFound, 'No file or folder "sra" under {root}. Similar: src.'),
        ("*.py", SourceNotFound, 'No file matches "*.py" under {root}. Similar: **/*.py (2)'),
        ("src/tokn.py", SourceNotFound, 'No file or folder "src/tokn.py" under {root}. Similar: src/token.py.'),
        ("src\\token.py", SourceNotFound, "Similar: src/token.py"),
        ("lib/token.py", SourceNotFound, "Similar: src/token.py."),
        ("zzz", SourceNotFound, "List the folder and pass what is there."),
        ("s*/../a.txt", BadArgument, "'..' can't follow a wildcard"),
        ("{a,b}{c,d}{e,f}{g,h}{i,j}{k,l}{m,n}*", BadArgument, "128 alternatives in braces; at most 64"),
        ("ftp://host/a", BadArgument, "ftp addresses can't be read. A source is a file"),
        ("file://elsewhere/a", BadArgument, "Pass the file's path instead"),
        ("https://example.org/", SourceError, "URLs are off. Ask the user to add --allow-url; do not retry."),
        ("", BadArgument, "A source is empty. A source is a file"),
        ("x" * 5000, BadArgument, "5,000 characters is no address"),
    ],
)
def test_an_error_says_what_was_wrong_and_what_to_pass_instead(reader, spec, error, told):
    reader.write("a.txt", "1\n2\n3\n")
    reader.write("src/token.py")
    reader.write("src/other.py")
    with pytest.raises(error) as raised:
        reader(spec)
    assert told.format(root=reader.root.resolve()) in str(raised.value)


def test_no_sources_at_all_is_told_with_what_they_can_be(reader):
    with pytest.raises(BadArgument, match=r"sources is empty. A source is a file"):
        reader()


def test_one_missing_file_fails_the_call_even_beside_good_ones(reader):
    reader.write("good.txt")
    with pytest.raises(SourceNotFound, match=r"Similar: good.txt"):
        reader("good.txt", "god.txt")


def test_a_file_url_is_a_path(reader):
    file = reader.write("a b.txt")
    assert reader.addresses(file.as_uri()) == ["a b.txt"]


def test_a_file_of_a_second_root_has_an_absolute_address(reader, tmp_path):
    second = tmp_path / "second"
    second.mkdir()
    (second / "b.txt").write_text("b", encoding="utf-8")
    reader.more_roots = (second,)
    address = (second.resolve() / "b.txt").as_posix()
    assert reader.addresses(str(second)) == [address] == reader.addresses(address)


def test_handles_are_passed_on_as_they_stand_and_their_errors_come_through(reader):
    asked = []

    def recall(ref):
        asked.append(ref)
        raise HandleError(f"{ref} expired.")

    reader.recall = recall
    with pytest.raises(HandleError, match="expired"):
        reader("@h_9fK2/src/app.py:3-9")
    assert asked == ["@h_9fK2/src/app.py:3-9"]


def test_inline_text_past_the_cap_is_refused_with_what_to_do(reader):
    with pytest.raises(BadArgument, match=r"text is 2,\d\d\d tokens; at most 2,000 .* > out.txt"):
        reader("text:" + "some words " * 1_001)
    with pytest.raises(BadArgument, match="about 50,000,000 tokens"):
        reader("text:" + "x" * 200_000_000)


def test_inline_text_that_just_fits_is_read(reader):
    (document,) = reader("text:" + "words " * 1_900).documents
    assert document.text == "words " * 1_900


def test_half_a_surrogate_pair_in_inline_text_becomes_a_replacement_character(reader):
    (document,) = reader("text:a\ud800b \ud83d\ude00").documents
    assert document.text == "a\ufffdb \U0001f600"


def test_what_a_folder_brings_along_is_skipped_and_counted(reader):
    reader.write("a.txt")
    reader.write("b.bin", bytes(range(256)))
    reader.write("c.bin", b"\0\1\2")
    reader.write(".env", "TOKEN=1")
    reader.write("d/__init__.py", "")
    reading = reader(".")
    assert [document.address for document in reading.documents] == ["a.txt"]
    assert reading.notes == ("3 files were skipped: 2 are binary, 1 looks like a secret.",)


def test_a_named_binary_file_is_told_and_does_not_fail_the_others(reader):
    reader.write("a.txt")
    reader.write("b.bin", b"\0\1\2")
    assert reader("a.txt", "b.bin").notes == ("b.bin is binary.",)


@pytest.mark.parametrize(
    ("path", "content", "told"),
    [
        ("b.bin", b"\0\1", "b.bin is binary"),
        ("e.txt", b"", "e.txt is empty"),
        ("e.txt", b" \r\n\t", "e.txt is empty"),
    ],
)
def test_nothing_readable_says_why(reader, path, content, told):
    reader.write(path, content)
    with pytest.raises(NothingReadable, match=f"{told}.*Pass"):
        reader(path)


def test_an_empty_folder_and_empty_inline_text_are_nothing_readable(reader):
    with pytest.raises(NothingReadable, match="Pass sources that hold text"):
        reader(".", "text: ")


def test_a_named_file_over_the_cap_is_refused_before_it_is_read(reader):
    with reader.write("big.log", "10:00:00 started\n" * 1_000).open("r+b") as file:
        file.truncate(3 * 2**40)  # sparse: a reader that takes it all would not come back
    with pytest.raises(SourceTooLarge, match=r"big.log is 3,145,728.0 MB; files up to 16.0 MB .*pass the part"):
        reader("big.log")


def test_a_large_file_in_a_folder_is_skipped_and_counted(reader):
    reader.write("a.txt")
    reader.write("big.txt", "x" * 2_000)
    reader.limits = Limits(max_file_bytes=1_000)
    assert reader(".").notes == ("1 file was skipped: it is too large.",)


@pytest.mark.parametrize("limits", [Limits(max_files=2), Limits(max_total_bytes=25)])
def test_past_the_caps_of_a_call_the_rest_is_counted(reader, limits):
    for number in range(5):
        reader.write(f"{number}.txt", "ten bytes\n")
    reader.limits = limits
    reading = reader(".")
    assert [document.address for document in reading.documents] == ["0.txt", "1.txt"]
    assert re.match(r"3 more files were not read: .* Name fewer", reading.notes[0])


def test_when_time_is_up_the_rest_is_pending_with_addresses_that_work(reader):
    for name in ("a.txt", "b.txt", "c.txt"):
        reader.write(name, "1\n2\n")
    now = iter([0.0, 0.0, *[100.0] * 99])
    reading = reader("a.txt", "b.txt", "c.txt:2", pace=Pace(seconds=45, clock=lambda: next(now)))
    assert reading.pending == ("a.txt", "b.txt", "c.txt:2-2")[-len(reading.pending) :]
    assert len(reading.documents) + len(reading.pending) == 3
    assert [document.address for document in reader(*reading.pending).documents]


def test_progress_is_reported_and_never_passes_the_share_of_reading(reader):
    for number in range(40):
        reader.write(f"{number:02}.txt")
    told = []

    async def report(done, total, message):
        told.append((done, message))

    reader(".", pace=Pace(report=report))
    assert told == [(0.2 * 16 / 40, "Reading 16.txt"), (0.2 * 32 / 40, "Reading 32.txt")]


def test_guessed_encodings_and_repaired_bytes_are_one_sentence(reader):
    reader.write("latin.txt", "café\n".encode("latin-1"))
    reader.write("broken.txt", "naïve café\n".encode() * 20 + b"\xc3\n")
    assert reader(".").notes == (
        "The encoding was guessed for latin.txt (cp1252); bytes that are no text show as U+FFFD in broken.txt.",
    )
    reader.write("older.txt", "déjà\n".encode("latin-1"))
    assert reader("latin.txt", "older.txt").notes == (
        "The encoding was guessed for 2 files, such as latin.txt (cp1252).",
    )


@pytest.mark.parametrize("source", ["a.txt#L2-L3", "a.txt#L2-3", "a.txt:2-3"])
def test_lines_may_be_written_as_in_a_link_to_a_repository(reader, source):
    reader.write("a.txt", "1\n2\n3\n")
    assert reader(source).documents[0].window == LineRange(2, 3)


@pytest.mark.parametrize("name", ["Notes p2", "a.txt#L2", "a.txt#page=2"])
def test_a_name_that_ends_like_a_part_is_a_name_where_such_a_file_is(reader, name):
    reader.write("a.txt", "1\n2\n3\n")
    reader.write(name, "1\n2\n3\n")
    assert reader.addresses(name) == [name]
    (document,) = reader(f"{name}:2-3").documents
    assert (document.address, document.window) == (name, LineRange(2, 3))


def test_inline_texts_are_numbered_and_none_takes_the_number_of_a_kept_one(reader):
    reader.recall = {"@h_1": [Document("inline:2", "kept")]}.__getitem__
    assert reader.addresses("text:a", "text:b", "text:c") == ["inline:1", "inline:2", "inline:3"]
    assert reader.addresses("@h_1", "text:a", "text:b") == ["inline:2", "inline:1", "inline:3"]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("why does this fail so often", SourceNotFound),
        ("does * match? [it] should", SourceNotFound),
        ("line one\nline two", BadArgument),
    ],
)
def test_pasted_text_is_met_with_how_to_pass_it(reader, text, error):
    reader.write("a.txt")
    with pytest.raises(error, match="If it is the text itself, put text: before it") as raised:
        reader(text)
    assert "Similar" not in str(raised.value)


def test_a_long_source_is_not_repeated_whole(reader):
    with pytest.raises(SourceNotFound) as raised:
        reader("word " * 800)
    assert len(str(raised.value)) < 600


def test_a_folder_elsewhere_of_the_same_name_is_suggested(reader):
    reader.write("json/deep/decoder.py")
    with pytest.raises(SourceNotFound, match=r"Similar: json\."):
        reader("src/json")


def test_a_missing_source_is_told_with_how_the_others_fare(reader):
    reader.write("good.txt")
    reader.write("fine.txt")
    with pytest.raises(SourceNotFound, match=r"good.txt\. 2 other sources are fine: correct or drop this one\.$"):
        reader("good.txt", "god.txt", "fine.txt")
    with pytest.raises(
        SourceNotFound, match=r"1 more can't be read either\. 1 other source is fine: .* those that fail"
    ):
        reader("gone.txt", "good.txt", "../gone.txt")
    with pytest.raises(SourceNotFound, match=r"is there\.$"):
        reader("zzz")


def test_sources_that_were_pending_are_skipped_and_counted_where_they_have_gone(reader):
    reader.write("a.txt", "1\n")
    reader.write("folder/b.txt")

    def expired(ref):
        raise HandleError(f"{ref} has expired.")

    reader.recall = expired
    reading = reader("a.txt", "gone.txt", "@h_x", "a.txt:5-9", "folder:1-2", "../outside.txt", named=False)
    assert [document.address for document in reading.documents] == ["a.txt"]
    assert reading.notes == (
        "5 files were skipped: 2 are gone, 2 could not be opened, 1 leads out of the allowed folders.",
    )
    assert reader("gone.txt", named=False).notes == ("1 file was skipped: it is gone.",)
