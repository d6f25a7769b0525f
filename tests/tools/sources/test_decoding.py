"""Bytes to text, whatever wrote them."""

import gzip
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamis_tools.sources.decoding import Decoded, decode, looks_binary

JAPANESE = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。\n"
KOREAN = "모든 국민은 인간으로서의 존엄과 가치를 가지며, 행복을 추구할 권리를 가진다.\n"
CHINESE = "人人生而自由,在尊严和权利上一律平等。他们赋有理性和良心。\n"
RUSSIAN = "Все люди рождаются свободными и равными в своём достоинстве и правах.\n"
POLISH = "Wszyscy ludzie rodzą się wolni i równi pod względem swej godności i swych praw.\n"
CODE = "# Загрузка настроек\ndef load(path):\n    # открыть файл\n    return open(path)\n"


@pytest.mark.parametrize(
    ("encoding", "mark"),
    [
        ("utf-8", b"\xef\xbb\xbf"),
        ("utf-16-le", b"\xff\xfe"),
        ("utf-16-be", b"\xfe\xff"),
        ("utf-32-le", b"\xff\xfe\0\0"),
        ("utf-32-be", b"\0\0\xfe\xff"),
    ],
)
def test_a_byte_order_mark_decides_and_is_not_part_of_the_text(encoding, mark):
    text = "naïve\r\n日本\n😀"
    assert decode(mark + text.encode(encoding)) == Decoded(text, encoding)


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("café", "cp1252"),
        ("He said “don’t” — it’s 5 €…\n", "cp1252"),
        ("10 m³ and 20°C ± 2 µm, H²O\n", "cp1252"),
        ("Die Größe der Straße überrascht mich, schöne Grüße.\n", "cp1252"),
        (POLISH, "cp1250"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc_jp"),
        (KOREAN, "cp949"),
        (CHINESE, "gb18030"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8_r"),
        (CODE, "cp1251"),
    ],
)
@pytest.mark.parametrize("times", [1, 40])
def test_an_old_encoding_is_guessed(text, encoding, times):
    assert decode((text * times).encode(encoding)) == Decoded(text * times, encoding, "guessed")


def test_a_file_that_names_its_encoding_is_believed_where_that_works():
    page = '<html><meta charset="windows-1251"><p>Мир</p>'
    assert decode(page.encode("cp1251")) == Decoded(page, "cp1251")
    assert decode(b"# -*- coding: latin-1 -*-\n\xa4") == Decoded("# -*- coding: latin-1 -*-\n¤", "iso8859-1")
    assert decode(b"caf\xe9", declared="iso-8859-15") == Decoded("café", "iso8859-15")


@pytest.mark.parametrize(
    "codec", ["unicode_escape", "rot13", "base64", "idna", "punycode", "utf-7", "nonsense", "x" * 25]
)
def test_a_codec_that_would_change_what_stands_there_is_not_believed(codec):
    decoded = decode(b"# coding: " + codec.encode() + b"\ncaf\xe9 \\u0041 +AEE-\n")
    assert decoded
    assert decoded.text.endswith("café \\u0041 +AEE-\n")


def test_mostly_whole_utf8_is_repaired_not_taken_for_something_else():
    text = "naïve façade 日本 "
    assert decode((text * 9).encode() + b"\xff\xe9 end") == Decoded(text * 9 + "\ufffd\ufffd end", "utf-8", "repaired")
    cut = (text * 9).encode()[:-2]
    decoded = decode(cut)
    assert decoded
    assert (decoded.encoding, decoded.how, decoded.text[:-1]) == ("utf-8", "repaired", (text * 9)[:-2])
    assert decode(b"INFO fine\n" * 50 + b"\xff\xfe\n") == Decoded(
        "INFO fine\n" * 50 + "\ufffd\ufffd\n", "utf-8", "repaired"
    )


def test_utf16_without_a_mark_is_told_from_binary():
    assert decode("one\r\ntwo\r\n".encode("utf-16-le")) == Decoded("one\r\ntwo\r\n", "utf-16-le", "guessed")
    assert decode("one\r\ntwo\r\n".encode("utf-16-be")) == Decoded("one\r\ntwo\r\n", "utf-16-be", "guessed")


@pytest.mark.parametrize(
    "data",
    [
        b"\0",
        b"text\0text",
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
        b"\x7fELF\2\1\1" + b"\0" * 9,
        gzip.compress(b"text " * 9),
        hashlib.sha512(b"noise").digest() * 3,
        b"text\n" * 4_000 + b"\0",
    ],
)
def test_binary_is_no_text(data):
    assert decode(data) is None


def test_colours_of_a_terminal_and_form_feeds_are_text():
    text = "\x1b[31mERROR\x1b[0m a\x0cb\tc\b\n" * 3
    assert decode(text.encode()) == Decoded(text, "utf-8")


@pytest.mark.parametrize(
    "data", [b"\xff\xfe\x00", b"\xff\xfe\x00\xd8", b"\xff\xfe\0\0\0", b"\xed\xa0\x80" + "é".encode() * 9]
)
def test_broken_wide_characters_never_become_half_surrogates(data):
    decoded = decode(data)
    assert decoded is None or decoded.text.encode("utf-8")


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\r\n\t"), max_size=200))
def test_utf8_comes_out_as_it_went_in(text):
    assert decode(text.encode()) == Decoded(text.removeprefix("\ufeff"), "utf-8")


@given(st.binary(max_size=400))
def test_any_bytes_give_text_that_can_be_sent_or_none(data):
    decoded = decode(data)
    if decoded is not None:
        decoded.text.encode("utf-8")
    else:
        assert looks_binary(data) or b"\0" in data


SHORT = {
    "ja": [
        "[javac] Bar.java:246: 警告: [unchecked] 無検査キャストです\n",
        "エラー: シンボルが見つかりません\n",
        "処理失敗\n",
    ],
    "ko": ["Bar.java:246: 경고: 사용되지 않는 API\n", "파일을 열 수 없습니다.\n", "INFO 작업을 시작합니다 job=12\n"],
    "zh_CN": ["Bar.java:246: 错误: 找不到符号\n", "无法打开文件。\n", "[ERROR] 连接超时,请重试\n"],
    "zh_TW": ["Bar.java:246: 錯誤: 找不到符號\n", "無法開啟檔案。\n", "[ERROR] 連線逾時,請重試\n"],
}


@pytest.mark.parametrize(
    ("language", "encoding"),
    [("ja", "cp932"), ("ja", "euc_jp"), ("ko", "cp949"), ("zh_CN", "gb18030"), ("zh_TW", "big5")],
)
def test_one_line_of_a_log_is_enough_to_tell_east_asian_encodings_apart(language, encoding):
    for text in SHORT[language]:
        assert decode(text.encode(encoding)) == Decoded(text, encoding, "guessed")
