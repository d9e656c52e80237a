"""The one sentence that somebody takes away, on the stories."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest

import tracer
from tracer import rootfile
from tracer.render.words import headline, who
from tracer.report import Report, report

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def judged(name: str, **changes: object) -> Report:
    """The report on a story's first connection, with the options that its client had."""
    story = CAPTURES / name
    case = tomllib.loads((story / "case.toml").read_text())
    source = tracer.read(story / "capture.pcapng")
    trace = next(tracer.follow(c, source.keys) for c in tracer.reassemble(source))
    roots = None if case["root"] == "absent" else rootfile.load(story / case["root"])
    given = {"host": case["host"], "sslmode": case["sslmode"], "roots": roots, "time": trace.time, **changes}
    return report(trace, tracer.Trust(**given))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("story", "mark", "words"),
    [
        ("verify-full", "✔", "would have checked chain, dates and name"),
        ("no-root-file", "✘", "nobody checks who is at the other end"),
        ("sibling-verify-ca", "✘", "another server of that CA: the certificate is for unsafe-rds.example.test"),
        ("sibling-verify-full", "✘", "The client refused the server: the certificate is for unsafe-rds.example.test"),
        ("expired-server", "✘", "ended on"),
        ("no-tls-prefer", "✘", "Not encrypted"),
        ("no-tls-require", "✘", "No session"),
    ],
)
def test_the_headline(story: str, mark: str, words: str) -> None:
    """It says who is known, and never that a connection is safe when nobody looked."""
    found = headline(judged(story))
    assert found[0] == mark
    assert words in found[2]


def test_what_was_replayed_is_not_said_to_have_happened() -> None:
    """A session that goes on looks the same under every sslmode; only of a probe's own client are the checks known."""
    seen = judged("verify-full")
    assert headline(seen)[2] == (
        "Encrypted. A client with sslmode=verify-full and this root file would have checked chain, dates and name, "
        "and gone on; whether this one did, the capture cannot show: look at its connection string."
    )
    assert headline(replace(seen, probed=True))[2] == (
        "Encrypted, and the server is known: the client checked chain, dates and name (verify-full)."
    )


def test_a_bound_password_is_seen() -> None:
    """The client's SASLInitialResponse shows whether it bound; without a key to open it nobody knows."""
    story = CAPTURES / "scram-channel-binding"
    bound = judged("scram-channel-binding", sslmode="require", roots=None, channel_binding="require")
    assert "exchange was bound to its certificate" in headline(bound)[2]
    sealed = next(tracer.follow(c) for c in tracer.reassemble(tracer.read(story / "capture.pcapng")))
    assert "would know that the server knows the password" in headline(replace(bound, trace=sealed))[2]


@pytest.mark.parametrize(
    ("mode", "words"), [("disable", "does not ask for it."), ("allow", "does not ask for it at first.")]
)
def test_who_never_asks_and_who_asks_later(mode: str, words: str) -> None:
    """Disable never asks for TLS; allow does, when the server refuses plaintext."""
    assert headline(judged("verify-full", sslmode=mode))[2].endswith(words)


def test_a_probe_whose_client_would_come_back() -> None:
    """The probe makes one connection; that prefer makes another one in plaintext is the news."""
    found = headline(replace(judged("prefer-wrong-root"), probed=True))
    assert found[2].startswith("No TLS: ")
    assert found[2].endswith("With prefer this client goes on in plaintext, if the server permits it.")


def test_who_is_at_the_other_end() -> None:
    """Only verify-full knows the server; verify-ca knows its CA; without a root file it is anybody."""
    verdicts = judged("verify-full").verdicts
    assert {mode: who(v) for mode, v in verdicts.items() if mode != "disable"} == {
        "allow": "anybody, and all can read it",
        "prefer": "some server of this CA",
        "require": "some server of this CA",
        "verify-ca": "some server of this CA",
        "verify-full": "the server that was asked for",
    }
    assert who(judged("no-root-file").verdicts["require"]) == "anybody"


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CAPTURES.glob("*/case.toml")))
def test_the_last_column_fits_on_a_small_terminal(name: str) -> None:
    """The table's rows are never broken at 80 columns: 31 are left for who is at the other end."""
    found = judged(name)
    if found.trace.transport != "gss":
        assert [words for v in found.verdicts.values() if len(words := who(v, found.presented)) > 31] == []
