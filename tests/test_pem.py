"""PEM as OpenSSL reads it. tests/differential shows the same files to the libraries."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tracer.pem import Block, blocks

DATA = bytes(range(120))
TEXT = base64.b64encode(DATA).decode()
LINES = "\n".join(TEXT[at : at + 64] for at in range(0, len(TEXT), 64))


def whole(body: str, label: str = "X") -> bytes:
    return f"-----BEGIN {label}-----\n{body}\n-----END {label}-----\n".encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (whole(LINES), None),
        (whole(TEXT), None),  # lines as long as they like
        (whole("\n".join(TEXT)), None),
        (whole("\n" + LINES), None),  # an empty header
        (whole(LINES.replace("\n", "\n\n")), "bad end line"),  # what stands in front of an empty line is a header
        (whole("\n" + TEXT), "PEM lib"),  # behind a header 64 characters are a line
        (whole(TEXT + "="), "bad base64 decode"),
        (whole("AA==\nAAAA"), "bad base64 decode"),
        (whole("AAA"), "bad base64 decode"),
        (whole("AAAA\n-\n!!"), None),  # a - ends it
        (whole("-"), "PEM lib"),
        (whole(""), "PEM lib"),
        (whole("A*AA"), "bad base64 decode"),
        (whole("AA AA\t"), None),
        (whole("Name: value\nAAAA"), "PEM lib"),
        (b"-----BEGIN X-----\nAAAA\n", "bad end line"),
        (b"-----BEGIN X-----\nAAAA\n-----END Y-----\n", "bad end line"),
        (b"-----BEGIN X-----\nAA\0AA\n\0\n-----END X-----\n", "bad end line"),  # a line that begins with NUL is the end
    ],
)
def test_a_block(data: bytes, reason: str | None) -> None:
    """Whole, or the word that OpenSSL has for it."""
    (found,) = list(blocks(data))[:1]
    assert found.reason == reason


@pytest.mark.parametrize(
    "data",
    [
        b"\xef\xbb\xbf" + whole(LINES),
        b"#" * 254 + whole(LINES),  # a piece of a line is a line
        whole(LINES).replace(b"\n", b"\r\n"),
        whole(LINES).replace(b"\n", b"\x0b\xe9\n"),  # bytes above 127 are below a blank, with a sign
        b"hello\n" + whole(LINES) + b"bye\n",
    ],
)
def test_what_is_passed_over(data: bytes) -> None:
    """A byte order mark, text around, and what stands at the end of a line."""
    assert list(blocks(data)) == [Block(b"X", content=DATA)]


@pytest.mark.parametrize(
    "data", [b" " + whole(LINES), b"\0" + whole(LINES), b"-----BEGIN X----\n", b"#" * 253 + whole(LINES)]
)
def test_what_is_no_block(data: bytes) -> None:
    """Begin stands at the beginning."""
    assert list(blocks(data)) == []


def test_a_line_of_a_whole_piece() -> None:
    """Behind 254 characters its line feed is nothing to OpenSSL 3, and to 1.1.1 the empty line that ends a header."""
    text = whole("A" * 252 + "AA\nAA" + "A" * 252)
    assert next(blocks(text)).reason is None
    assert next(blocks(text, before_3=True)).reason == "PEM lib"
    assert next(blocks(whole("A" * 252), before_3=True)).reason is None


def test_a_header() -> None:
    """It ends with an empty line."""
    (found,) = blocks(whole("Proc-Type: 4,ENCRYPTED\nDEK-Info: x\n\n" + LINES))
    assert found == Block(b"X", b"Proc-Type: 4,ENCRYPTED\nDEK-Info: x", DATA)


@given(st.lists(st.binary(min_size=1, max_size=200), max_size=4))
def test_what_was_written_is_read(contents: list[bytes]) -> None:
    """Any bytes, as base64 writes them."""
    data = b"".join(whole(base64.encodebytes(one).decode().strip()) for one in contents)
    assert [block.content for block in blocks(data)] == contents


@given(st.binary(max_size=600))
def test_any_bytes(data: bytes) -> None:
    """Nothing raises, and every block is whole or has a reason."""
    for block in blocks(b"-----BEGIN X-----\n" + data):
        assert bool(block.content) is (block.reason is None)
