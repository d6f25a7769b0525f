"""Text of PDFs, and PDFs that are none."""

import pytest

from tamis_tools.errors import NothingReadable
from tamis_tools.sources import pdf
from tamis_tools.sources.pdf import UnreadablePdf, pdf_text
from tamis_tools.sources.pdf_worker import PROCESSOR_SECONDS


def make_pdf(*pages: str, trailer: str = "") -> bytes:
    """A small PDF with a line of text for each line of each page."""
    objects = ["<< /Type /Catalog /Pages 2 0 R >>"]
    kids = " ".join(f"{4 + 2 * number} 0 R" for number in range(len(pages)))
    objects.append(f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>")
    objects.append("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    for number, page in enumerate(pages):
        lines = "".join(f"({line}) Tj 0 -20 Td " for line in page.split("\n"))
        stream = f"BT /F1 12 Tf 72 720 Td {lines}ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {5 + 2 * number} 0 R "
            f"/Resources << /Font << /F1 3 0 R >> >> >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    body, offsets = "%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj\n{content}\nendobj\n"
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    return (
        f"{body}xref\n0 {size}\n0000000000 65535 f \n{table}"
        f"trailer\n<< /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{len(body)}\n%%EOF\n"
    ).encode("latin-1")


LOCKED = make_pdf(
    "secret",
    trailer=f"/ID [<{'00' * 16}> <{'00' * 16}>] "
    f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{'11' * 32}> /U <{'22' * 32}> >>",
)


def test_each_page_ends_with_a_form_feed_and_lines_with_a_line_feed(reader):
    reader.write("paper.pdf", make_pdf("First line\nSecond line", "Next page"))
    (document,) = reader("paper.pdf").documents
    assert (document.format, document.text) == ("pdf", "First line\nSecond line\fNext page\f")
    assert document.locate(document.span_of(document.lines_of(document.readable))).startswith("paper.pdf p1:1")


def test_a_pdf_is_known_by_its_content_not_its_name(reader):
    reader.write("paper", make_pdf("Words"))
    assert reader("paper").documents[0].format == "pdf"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (LOCKED, "locked with a password. Ask the user for an unlocked copy"),
        (b"%PDF-1.7\nnothing of the kind", "damaged PDF. Ask the user for another copy"),
        (make_pdf("words")[:200], "damaged PDF. Ask the user for another copy"),
        (make_pdf(""), "PDF of images without text. Ask the user for a copy with recognised text"),
    ],
)
def test_a_pdf_without_text_to_give_says_why_and_fails_no_other_source(reader, data, told):
    reader.write("bad.pdf", data)
    with pytest.raises(NothingReadable, match=f"bad.pdf is a .*{told}"):
        reader("bad.pdf")
    reader.write("good.txt")
    assert reader("good.txt", "bad.pdf").notes[0].startswith("bad.pdf is a ")
    assert reader(".").notes == ("1 file was skipped: 1 is a PDF without readable text.",)


def test_a_pdf_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(pdf, "COMMAND", ("-c", "import threading; threading.Event().wait()"))
    with pytest.raises(UnreadablePdf, match="took too long"):
        pdf_text(make_pdf("words"), seconds=0.0)


def test_a_worker_that_dies_is_a_damaged_pdf(monkeypatch):
    monkeypatch.setattr(pdf, "COMMAND", ("-c", "import os; os.abort()"))
    with pytest.raises(UnreadablePdf, match="damaged"):
        pdf_text(make_pdf("words"))


def test_the_worker_may_not_compute_for_ever_though_nobody_is_left_to_end_it(monkeypatch):
    asked = "from tamis_tools.sources import pdf_worker; import json, resource; pdf_worker._limit_resources()"
    told = "print(json.dumps({'pages': [str(resource.getrlimit(resource.RLIMIT_CPU)[0])]}))"
    monkeypatch.setattr(pdf, "COMMAND", ("-c", f"{asked}; {told}"))
    assert pdf_text(b"") == f"{PROCESSOR_SECONDS}\f"


def test_a_module_in_the_users_folder_is_not_run_in_place_of_ours(reader, monkeypatch):
    reader.write("pypdfium2.py", "raise SystemExit('taken over')")
    reader.write("json.py", "raise SystemExit('taken over')")
    monkeypatch.chdir(reader.root)
    assert pdf_text(make_pdf("words")) == "words\f"
