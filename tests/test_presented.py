"""What a trace shows of its server."""

from __future__ import annotations

from tests.wire import SSL_REQUEST, Tls, certificate, follow, packets, spoken
from tracer.certificates import Presented


def test_of_an_opened_connection() -> None:
    """Certificates, answer, and the messages behind which the checks stand."""
    made = Tls().run()
    trace = follow(packets(made.preambled()), made.keys())
    shown = trace.presented
    assert shown.certificates is not None
    assert [c.short for c in shown.certificates] == ["db.example"]
    assert (shown.answer, shown.version, shown.direct, shown.injected) == ("S", "TLS 1.3", False, False)
    assert {step: trace.messages[at].kind for step, at in shown.seen.items()} == {
        "answer": "SSLResponse",
        "chain": "Certificate",
        "name": "Finished",
    }


def test_of_a_sealed_one() -> None:
    """What is sealed is None, and not an empty list."""
    shown = follow(packets(Tls().run().preambled())).presented
    assert shown.certificates is None
    assert shown.authentication is None


def test_of_an_answer_that_is_none() -> None:
    """The byte itself is kept."""
    shown = spoken(("client", SSL_REQUEST), ("server", b"X")).presented
    assert (shown.answer, shown.answer_byte) == ("other", b"X")


def test_of_a_file() -> None:
    """PEM text, leaf first."""
    from pathlib import Path

    shown = Presented.from_pem(Path(certificate()[0]).read_text())
    assert shown.certificates is not None
    assert shown.certificates[0].names[0].text == "db.example"
