"""Asks an operation as the engine does, and what must hold of every answer."""

from tamis_engine.operation import Input, LabelledInput, Operation, Row


def answer(operation: Operation, *asked: Input) -> list[Row]:
    """All pieces in one pass."""
    read = operation.tokenise(asked)
    pieces = [piece for each in read for piece in each.pieces]
    outputs = iter(operation.forward(pieces) if pieces else [])
    return [
        operation.join(each, tokenised, [next(outputs) for _ in tokenised.pieces])
        for each, tokenised in zip(asked, read, strict=True)
    ]


def no_span_leaves_the_passage(operation: Operation, asked: LabelledInput) -> None:
    """And none is empty or edged with white space; best first within a label."""
    (row,) = answer(operation, asked)
    values = row.values.tolist()
    assert row.values.shape == (len(values), 4)
    for label, start, end, probability in values:
        assert label in range(len(asked.labels))
        assert 0 <= start < end <= len(asked.passage)
        text = asked.passage[int(start) : int(end)]
        assert text == text.strip()
        assert 0 <= probability <= 1
    assert values == sorted(values, key=lambda each: (each[0], -each[3], each[1], each[2]))
