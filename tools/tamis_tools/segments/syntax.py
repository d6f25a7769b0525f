"""An outline of code from its syntax tree: one table for all languages, whose grammars name alike what is alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

from tamis_tools.segments.outline import Lines, Part, Rows, cut_along

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tree_sitter import Node

    from tamis_tools.document import Document
    from tamis_tools.segments.model import Segment

FUNCTIONS = frozenset(
    """function_definition function_declaration generator_function_declaration function_expression arrow_function
    generator_function method_definition method_declaration constructor_declaration compact_constructor_declaration
    destructor_declaration operator_declaration conversion_operator_declaration property_declaration
    local_function_statement function_item macro_definition method singleton_method""".split()
)
CLASSES = frozenset(
    """class_definition class_declaration abstract_class_declaration class class_specifier struct_specifier
    struct_declaration union_specifier enum_specifier enum_declaration interface_declaration record_declaration
    record_struct_declaration annotation_type_declaration trait_declaration internal_module type_declaration
    type_definition type_alias_declaration struct_item enum_item union_item trait_item impl_item mod_item
    singleton_class module object_declaration""".split()
)
WRAPPERS = frozenset(
    """decorated_definition export_statement ambient_declaration template_declaration expression_statement
    lexical_declaration variable_declaration variable_declarator assignment_expression assignment pair
    public_field_definition field_definition declaration""".split()
)
"""Their tallest child may be a definition: `@cached def f`, `export const f = () => {…}`."""
ATTACHED = frozenset(
    """comment line_comment block_comment doc_comment decorator attribute_item inner_attribute_item
    attribute_list annotation marker_annotation""".split()
)
"""Belongs to what follows it."""
_PLAIN_ROWS = 2
"""Definitions of up to so many rows are grouped like statements."""


def syntax_segments(document: Document, root: Node) -> Iterator[Segment]:
    """Segments of code along its syntax tree."""
    lines = Lines(document)
    return cut_along(lines, SyntaxOutline(), Part(Rows(0, lines.count - 1), source=root))


class _Begin(NamedTuple):
    row: int
    node: Node | None
    height: int


class SyntaxOutline:
    """Parts begin at the rows where the children of a node begin."""

    def parts(self, part: Part) -> Sequence[Part]:
        """Goes down the tallest child until there are at least two rows to begin at."""
        node = cast("Node | None", part.source)
        while node is not None:
            children = node.named_children
            begins = _begins(children, part.rows)
            if len(begins) > 1:
                ends = [*(begin.row - 1 for begin in begins[1:]), part.rows.last]
                return [_part(Rows(begin.row, end), begin.node) for begin, end in zip(begins, ends, strict=True)]
            node = _tallest(children)
            if part.signature is None and _definition(node) is not None:
                return [_part(part.rows, node)]
        return ()


def _begins(children: Sequence[Node], rows: Rows) -> list[_Begin]:
    """Rows to begin a part at, the first of `rows` always, each with the tallest node that begins there."""
    begins = [_Begin(rows.first, None, 0)]
    waiting, previous = -1, rows.first - 1  # the row of a comment or decorator; the last row seen
    for child in children:
        first, last = _rows(child)
        if previous < rows.first:
            first = rows.first  # what stands above the first child, its comment for one, goes with it
        if waiting >= 0 and first > previous + 1:
            _begin(begins, _Begin(waiting, None, 0))  # a blank line parts a comment from what follows
            waiting = -1
        if child.type in ATTACHED:
            if waiting < 0 and first > previous:
                waiting = first
        elif waiting >= 0 or first > previous or last > first:
            _begin(begins, _Begin(first if waiting < 0 else waiting, child, last - first))
            waiting = -1
        previous = max(previous, last)
    if waiting >= 0:
        _begin(begins, _Begin(waiting, None, 0))
    return begins


def _begin(begins: list[_Begin], new: _Begin) -> None:
    last = begins[-1]
    if new.row > last.row:
        begins.append(new)
    elif last.node is None or new.height > last.height:
        begins[-1] = new._replace(row=last.row)


def _part(rows: Rows, node: Node | None) -> Part:
    definition = _definition(node)
    if definition is None or rows.height <= _PLAIN_ROWS:
        return Part(rows, None, node)
    return Part(rows, _signature(definition), definition, definition.type in CLASSES)


def _definition(node: Node | None) -> Node | None:
    while node is not None and node.type in WRAPPERS:
        node = _tallest(node.named_children)
    return node if node is not None and (node.type in FUNCTIONS or node.type in CLASSES) else None


def _signature(definition: Node) -> Rows:
    """From the row of the name, past decorators and modifiers, to where the body begins."""
    name, body = definition.child_by_field_name("name"), definition.child_by_field_name("body")
    first = (name or definition).start_point.row
    if body is None:
        return Rows(first, first)
    before = body.prev_sibling
    while before is not None and before.type in ATTACHED:
        before = before.prev_sibling
    last = body.start_point.row if before is None else min(before.end_point.row, body.start_point.row)
    return Rows(first, max(first, last))


def _tallest(children: Sequence[Node]) -> Node | None:
    best, height = None, 0
    for child in children:
        first, last = _rows(child)
        if last - first > height:
            best, height = child, last - first
    return best


def _rows(node: Node) -> Rows:
    first, end = node.start_point.row, node.end_point
    return Rows(first, end.row - 1 if end.column == 0 and end.row > first else end.row)
