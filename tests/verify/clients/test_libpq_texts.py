"""What libpq prints, by version: the differences, each as it was seen. tests/differential asks the programs themselves."""

from __future__ import annotations

import pytest

from tracer.verify.clients import libpq_texts as texts
from tracer.verify.clients.libpq_versions import libpq
from tracer.verify.model import BROKEN_ENTRY


@pytest.mark.parametrize(
    ("version", "openssl", "alert", "text"),
    [
        (15, (3, 0), 40, "SSL error: sslv3 alert handshake failure"),
        (17, (3, 5), 40, "SSL error: ssl/tls alert handshake failure"),
        (17, (3, 5), 48, "SSL error: tlsv1 alert unknown ca"),
        (18, (3, 5), 116, "SSL error: tlsv13 alert certificate required"),
        (18, (3, 5), 120, "SSL error: tlsv1 alert no application protocol"),
        (16, (1, 1), 120, "SSL error: SSL error code 336151648"),
        (17, (1, 1), 120, "SSL error: no application protocol"),
        (15, (1, 1), 115, "SSL error: SSL error code 336151643"),
        (15, (3, 0), 121, "SSL error: SSL error code 167773281"),
        (12, (1, 1), 70, "SSL error: tlsv1 alert protocol version"),
    ],
)
def test_an_alert_of_the_server(version: int, openssl: tuple[int, int], alert: int, text: str) -> None:
    """OpenSSL's word for it, which changed, or a number where it has none."""
    assert texts.server_alert(libpq(f"libpq-{version}", openssl), alert) == text


def test_the_hint_about_versions() -> None:
    """From 13 on there is a second line, with the versions as they were written."""
    assert texts.not_tls(libpq("libpq-12")) == "SSL error: wrong version number"
    assert texts.not_tls(libpq("libpq-13")).splitlines()[1:] == [
        "This may indicate that the server does not support any SSL protocol version between TLSv1.2 and TLSv1.3."
    ]
    assert texts.server_alert(libpq("libpq-18"), 70, ("", "tlsv1.1")).endswith("version between  and tlsv1.1.")


@pytest.mark.parametrize(
    ("version", "openssl", "text"),
    [
        (17, (3, 5), "SSL SYSCALL error: EOF detected"),
        (18, (1, 1), "SSL SYSCALL error: EOF detected"),
        (18, (3, 0), "SSL error: unexpected eof while reading"),
    ],
)
def test_a_close_in_the_handshake(version: int, openssl: tuple[int, int], text: str) -> None:
    """Only 18 tells of OpenSSL 3's own error."""
    assert texts.end_of_file(libpq(f"libpq-{version}", openssl)) == text


def test_a_reset_in_the_handshake() -> None:
    """From 14 on three lines stand in front."""
    assert texts.reset(libpq("libpq-13")) == "SSL SYSCALL error: Connection reset by peer"
    assert len(texts.reset(libpq("libpq-14")).splitlines()) == 4


def test_a_missing_root_file() -> None:
    """From 16 on the system's roots are another way out."""
    older, newer = (texts.missing_root(libpq(f"libpq-{v}"), "F").splitlines()[1] for v in (15, 16))
    assert older == "Either provide the file or change sslmode to disable server certificate verification."
    assert newer == (
        "Either provide the file, use the system's trusted roots with sslrootcert=system, or change sslmode to disable "
        "server certificate verification."
    )


@pytest.mark.parametrize(
    ("openssl", "reason", "printed"),
    [
        ((3, 0), texts.NO_PERMISSION, ""),  # memory that nobody has filled
        ((1, 1), texts.NO_PERMISSION, texts.NO_PERMISSION),
        ((3, 0), "bad end line", "bad end line"),
        ((1, 1), "bad base64 decode", "bad base64 decode"),
    ],
)
def test_an_unusable_root_file(openssl: tuple[int, int], reason: str, printed: str) -> None:
    """OpenSSL's reason, in the words of that OpenSSL."""
    wanted = f'could not read root certificate file "F": {printed}'
    assert texts.unusable_root(libpq("libpq-15", openssl), "F", reason) == wanted


def test_what_is_not_known_is_not_printed() -> None:
    """A reason of our own is none of OpenSSL's, and an answer whose byte was not seen has no text."""
    assert texts.unusable_root(libpq("libpq"), "F", BROKEN_ENTRY) is None
    assert texts.invalid_answer(b"") is None


@pytest.mark.parametrize(("byte", "end"), [(b"X", "X"), (b"\0", ""), (b"\xff", "\\xff")])
def test_an_answer_that_is_none(byte: bytes, end: str) -> None:
    """The byte stands at the end, and a NUL ends the line itself."""
    assert texts.invalid_answer(byte) == f"received invalid response to SSL negotiation: {end}"


@pytest.mark.parametrize(
    ("version", "last", "lines"),
    [
        (14, "SSL error: x", ["FATAL:  a", "SSL error: x"]),
        (13, "SSL error: x", ["SSL error: x"]),
        (13, "FATAL:  b", ["FATAL:  a", "FATAL:  b"]),
        (12, "server does not support SSL, but SSL was required", ["FATAL:  a", texts.NO_TLS]),
    ],
)
def test_two_attempts(version: int, last: str, lines: list[str]) -> None:
    """Up to 13 an error of OpenSSL takes the place of what stood there."""
    assert texts.both(libpq(f"libpq-{version}"), "FATAL:  a", last).splitlines() == lines
