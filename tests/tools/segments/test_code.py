"""Code is cut into functions, classes and groups of statements, below their signatures."""

import sysconfig
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tamis_tools.segments.grammars import GRAMMARS, parse

Cut = Callable[..., list[Any]]

LONG_BODY = "".join(f"    step_{number}()\n" for number in range(12)) + "\n"
BASE_EVENTS = Path(sysconfig.get_path("stdlib")) / "asyncio" / "base_events.py"

IN_EVERY_LANGUAGE = {
    "python": "@cached\ndef area(w, h):\n    # both\n    return w * h\n",
    "javascript": "/** Both. */\nexport const area = async (w, h) => {\n  return w * h;\n};\n",
    "typescript": "@Input()\nexport class Area<T> {\n  w: number;\n  h: number;\n}\n",
    "tsx": "export function Area(props: P) {\n  return <p>{props.w}</p>;\n}\n",
    "go": "// Area is both.\nfunc (r *Rect) Area(\n\tw int,\n) int {\n\treturn w\n}\n",
    "rust": "/// Both.\n#[inline]\npub fn area(&self) -> i32 {\n    self.w\n}\n",
    "java": "/** Both. */\n@Deprecated\npublic class Area {\n    int w;\n    int h;\n}\n",
    "c": "/* Both. */\nstatic int\narea(int w)\n{\n    return w;\n}\n",
    "cpp": "template <typename T>\nclass Area : public Base<T> {\n  T w;\n};\n",
    "csharp": "[Test]\npublic class Area\n{\n    public int W { get; set; }\n}\n",
    "ruby": "# Both.\ndef area(w)\n  w\nend\n",
    "php": "/** Both. */\nfunction area($w)\n{\n    return $w;\n}\n",
    "bash": "# Both.\narea() {\n  echo $1\n}\n",
    "kotlin": "// Both.\nfun area(w: Int): Int {\n    return w\n}\n",
}


@pytest.mark.parametrize("language", IN_EVERY_LANGUAGE)
def test_a_small_definition_is_one_segment_with_its_comment_and_decorators(cut: Cut, language: str) -> None:
    definition = IN_EVERY_LANGUAGE[language]
    opening = "<?php\n" if language == "php" else ""
    whole = opening + "\n\n".join([*(definition.replace("rea", f"rea{copy}") for copy in range(9)), definition])
    assert definition.rstrip() in [piece.text for piece in cut(whole, "code", language)]


@pytest.mark.parametrize("language", sorted({*GRAMMARS} - {"json"}))
def test_every_grammar_loads_and_parses(language: str) -> None:
    root = parse(language, "a\n")
    assert root is not None
    assert root.end_byte > 0


def test_statements_of_a_long_function_stand_below_its_signature(cut: Cut) -> None:
    text = "@cached\ndef run(\n    a,\n):\n    # why\n" + LONG_BODY * 3 + "\nx = 1\n"
    pieces = [piece for piece in cut(text, "code", "python") if "step" in piece.text]
    assert len(pieces) == 3
    assert pieces[0].text.startswith("@cached\ndef run(")
    assert all(piece.context == ("def run(\n    a,\n):",) for piece in pieces[1:])
    assert {piece.block for piece in pieces} == {text[: text.index("\nx = 1")].rstrip()}


def test_a_signature_ends_before_the_comments_of_the_body(cut: Cut) -> None:
    text = "def run(a):\n    # first\n    # second\n" + LONG_BODY * 3
    assert cut(text, "code", "python")[-1].context == ("def run(a):",)


def test_methods_of_a_long_class_stand_below_its_first_line(cut: Cut) -> None:
    methods = "".join(f"    def m{number}(self):\n{LONG_BODY.replace('    ', '        ')}" for number in range(4))
    first, *rest = cut(f'class A(B):\n    """About."""\n\n    size = 3\n\n{methods}', "code", "python")
    assert first.text == 'class A(B):\n    """About."""\n\n    size = 3'
    assert [piece.text.partition("(")[0] for piece in rest] == [f"    def m{number}" for number in range(4)]
    assert {piece.context for piece in rest} == {("class A(B):",)}
    assert all(piece.block == piece.text for piece in rest)


def test_statements_of_a_long_method_stand_below_class_and_method(cut: Cut) -> None:
    method = f"    def run(self):\n{LONG_BODY.replace('    ', '        ') * 3}"
    assert cut(f"class A:\n    size = 3\n\n{method}", "code", "python")[-1].context == (
        "class A:",
        "    def run(self):",
    )


def test_imports_and_constants_go_together(cut: Cut) -> None:
    pieces = cut("import a\nimport b\n\nX = 1\nY = 2\n\n\ndef f():\n    pass\n    pass\n", "code", "python")
    assert pieces[0].text == "import a\nimport b\n\nX = 1\nY = 2"


def test_a_licence_is_not_taken_for_the_comment_of_what_follows(cut: Cut) -> None:
    licence = "# Licence.\n" * 6
    pieces = cut(f"{licence}\ndef f():\n    a()\n    b()\n", "code", "python")
    assert [piece.text for piece in pieces] == [licence.rstrip(), "def f():\n    a()\n    b()"]


def test_indentation_of_the_first_line_is_kept(cut: Cut) -> None:
    assert all(
        piece.text[:1].isspace() for piece in cut("def f():\n" + LONG_BODY * 3, "code", "python") if piece.context
    )


def test_rows_are_right_where_characters_are_wider_than_bytes_and_lines_end_in_crlf(cut: Cut) -> None:
    text = "é = '😀'\r\n\r\n\r\ndef f():\r\n    a()\r\n    b()\r\n\r\n\r\ndef g():\r\n    a()\r\n    b()\r\n"
    assert [piece.text for piece in cut(text, "code", "python")][-1] == "def g():\r\n    a()\r\n    b()"


def test_broken_code_is_still_cut_into_its_functions(cut: Cut) -> None:
    text = "def f(:\n    a()\n    b()\n\n\ndef g():\n    a()\n    b()\n\n\nclass (\n"
    assert any(piece.text.startswith("def g():") for piece in cut(text, "code", "python"))


def test_without_a_grammar_a_long_block_stands_below_its_first_line(cut: Cut) -> None:
    services = "".join(f"  service{number}:\n    image: a\n    ports:\n      - 80\n" for number in range(9))
    pieces = cut(f"version: 3\nservices:\n{services}", "code", "yaml")
    assert pieces[-1].text == "  service8:\n    image: a\n    ports:\n      - 80"
    assert pieces[-1].context == ("services:",)


def test_most_functions_of_a_real_module_are_whole_or_below_their_signature(cut: Cut) -> None:
    text = BASE_EVENTS.read_text(encoding="utf-8")
    pieces = cut(text, "code", "python")
    assert 100 < len(pieces) < 400
    slow = next(piece for piece in pieces if "happy_eyeballs_delay is not None" in piece.text)
    assert slow.context[0].startswith("class BaseEventLoop(")
    assert slow.context[1].lstrip().startswith("async def create_connection(")
