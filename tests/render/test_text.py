"""The screen: what stands on it, and that it fits."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

import tracer
from tests.wire import SSL_REQUEST, STARTUP, WELCOME, Tls, follow, packets, spoken
from tracer import rootfile
from tracer.render import screen
from tracer.report import report

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
MADE = Tls().run()
TRACE = follow(packets(MADE.preambled()), MADE.keys())


@pytest.mark.parametrize("width", [80, 110, 200])
@pytest.mark.parametrize("verbose", [0, 2])
def test_no_line_is_too_long(width: int, verbose: int) -> None:
    """Whatever the width of the terminal."""
    assert max(cell_len(line) for line in tracer.render.text(TRACE, width=width, verbose=verbose).splitlines()) <= width


def test_the_marks_stand_behind_their_messages() -> None:
    """① and ② behind Certificate, ③ behind the client's Finished."""
    lines = tracer.render.text(
        TRACE, tracer.Trust(host="db.example", sslmode="verify-full", time=TRACE.time)
    ).splitlines()
    order = [
        next(n for n, line in enumerate(lines) if word in line)
        for word in ("Certificate  ", "①", "②", "CertificateVerify", "③")
    ]
    assert order == sorted(order)
    finished = [n for n, line in enumerate(lines) if "Finished" in line]
    assert lines[finished[-1] + 1].lstrip().startswith("╰─ ③")


def test_nobody_looked_is_said() -> None:
    """Without a root file."""
    shown = tracer.render.text(TRACE, tracer.Trust(host="db.example", sslmode="require", roots=None, time=TRACE.time))
    assert "nobody checks who is at the other end" in shown
    assert shown.count("nobody looked") >= 3


def test_a_goodbye_is_no_alarm() -> None:
    """close_notify ends every connection that is whole; what refuses it is red."""

    def alerts(story: str) -> list[str]:
        source = tracer.read(CAPTURES / story / "capture.pcapng")
        (trace,) = (tracer.follow(connection, source.keys) for connection in tracer.reassemble(source))
        shown = screen.connection(report(trace, tracer.Trust(time=trace.time), asked=False), color=True)
        return [line for line in shown.splitlines() if ("Alert" in line and "fatal" in line) or "close_notify" in line]

    assert [line for line in alerts("verify-full") if RED in line] == []
    assert len(alerts("verify-full")) == 2
    (refused,) = alerts("wrong-root")
    assert RED in refused


RED = "\x1b[31m"


def test_a_line_for_one_of_many() -> None:
    """Its mark, id, ends, protocol, outcome and verdict."""
    found = report(TRACE, tracer.Trust(sslmode="require", roots=None, time=TRACE.time))
    line = screen.line(found, width=200)
    assert line.count("\n") == 1
    assert line.startswith("✘  1  ")
    for word in ("1", "10.0.0.1:40000", "TLS 1.3", "established", "require: connects"):
        assert word in line


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([("client", STARTUP), ("server", WELCOME)], "Not encrypted"),
        ([("client", SSL_REQUEST), ("server", b"N")], "would not go on without"),
        ([("client", SSL_REQUEST)], "did not wait for the answer to SSLRequest"),
    ],
)
def test_connections_without_tls(said, words: str) -> None:
    """They have a screen, too."""
    assert words in tracer.render.text(spoken(*said))


def test_a_request_to_cancel() -> None:
    """Nobody was to be checked: no refusal, and no table of what modes would do."""
    shown = tracer.render.text(spoken(("client", bytes.fromhex("00000010 04d2162e 00000001 00000002"))))
    assert "A request to cancel a query" in shown
    assert "No session" not in shown
    assert "sslmode" not in shown


def story(name: str, connection: int = 1, **changes: object) -> list[str]:
    """The screen of one connection of a story, with the options that its client had."""
    case = tomllib.loads((CAPTURES / name / "case.toml").read_text())
    source = tracer.read(CAPTURES / name / "capture.pcapng")
    traces = [tracer.follow(c, source.keys) for c in tracer.reassemble(source)]
    trace = next(t for t in traces if t.connection.id == connection)
    given = {"host": case["host"], "sslmode": case["sslmode"], "time": trace.time}
    roots = None if case["root"] == "absent" else rootfile.load(CAPTURES / name / case["root"])
    return tracer.render.text(trace, tracer.Trust(**given | {"roots": roots} | changes)).splitlines()  # type: ignore[arg-type]


def behind(lines: list[str], mark: str) -> str:
    """The kind of the message behind which a mark stands."""
    at = next(n for n, line in enumerate(lines) if f"╰─ {mark}" in line)
    return next(
        line[26:].replace("🔓", " ").split()[0] for line in reversed(lines[:at]) if "→" in line[:34] or "←" in line[:34]
    )


@pytest.mark.parametrize(
    ("name", "changes", "mark", "kind"),
    [
        ("bytes-behind-s", {}, "• bytes behind S", "Finished"),
        ("scram-channel-binding", {"channel_binding": "require"}, "• channel binding", "AuthenticationSASL"),
        ("client-certificate-refused", {}, "• server", "Alert"),
        ("client-certificate-required", {}, "• server", "ErrorResponse"),
        ("client-certificate-given", {"sslcertmode": "require"}, "• client certificate", "AuthenticationOk"),
        ("tls10-refused", {}, "• server", "Alert"),
        ("missing-root-file", {}, "• root file", "SSLResponse"),
        ("revoked", {"crls": ()}, "• revocation", "Certificate"),
    ],
)
def test_a_check_stands_where_the_client_makes_it(name: str, changes: dict[str, object], mark: str, kind: str) -> None:
    """Behind the message that it is about, and none of them earlier than libpq looks."""
    assert behind(story(name, **changes), mark) == kind


@pytest.mark.parametrize("name", ["resumption", "resumption-tls12"])
def test_a_resumed_session_shows_no_certificate(name: str) -> None:
    """None is sealed, and no key log would show one."""
    shown = " ".join(" ".join(story(name, 2)).split())
    assert "a resumed session shows no certificate" in shown
    assert "sealed or" not in shown
    assert "key log" not in shown


@pytest.mark.parametrize("name", ["tls10-refused", "missing-root-file"])
def test_a_handshake_that_ended_before_the_certificate(name: str) -> None:
    """Nothing was sealed there."""
    shown = " ".join(" ".join(story(name)).split())
    assert "sent no certificate" in shown or "before the server sent a certificate" in shown
    assert "sealed or" not in shown


def test_a_request_that_nobody_answered() -> None:
    """It was asked for TLS."""
    shown = tracer.render.text(spoken(("client", SSL_REQUEST), close=""))
    assert "no answer to SSLRequest seen" in shown
    assert "TLS was not asked for" not in shown
    assert "TLS was not asked for here" in tracer.render.text(spoken(("client", STARTUP), ("server", WELCOME)))


def test_tls_that_is_not_postgresql() -> None:
    """Its messages and its chain, and nothing about what libpq would have done."""
    made = Tls(talk=()).run()
    shown = tracer.render.text(follow(packets(made.said), made.keys()))
    assert "not PostgreSQL" in shown
    assert "What the server presented" in shown
    for word in ("sslmode", "①", "③", "What to do"):
        assert word not in shown
    trust = tracer.Trust(sslmode="verify-full", time=TRACE.time)
    one = screen.line(report(follow(packets(made.said)), trust, asked=False), width=200)
    assert "TLS 1.3, sealed, not PostgreSQL" in one
    assert "verify-full" not in one


@pytest.mark.parametrize(
    ("name", "issuer"),
    [
        ("client-certificate-given", "Example Company Clients CA"),
        ("client-certificate-refused-tls12", "Somebody Else Clients CA"),
    ],
)
def test_the_client_has_a_name_too(name: str, issuer: str) -> None:
    """Who it says it is, and who vouches for it."""
    lines = story(name)
    at = lines.index("What the client presented")
    assert lines[at + 1] == f"  0  app  issued by {issuer}"


def test_a_client_with_another_root_file() -> None:
    """It said unknown_ca, and with the named file the chain passes: what fits is said, and that it may be that."""
    source = tracer.read(CAPTURES / "self-signed-refused" / "capture.pcapng")
    trace = next(tracer.follow(c, source.keys) for c in tracer.reassemble(source))
    fits = "With the root file that you named the chain passes: perhaps this client has another one"
    told = tracer.Trust(host="db.example", sslmode="verify-ca", roots=trace.presented.certificates, time=trace.time)
    assert fits in " ".join(tracer.render.text(trace, told).split())
    other = rootfile.load(CAPTURES / "verify-full" / "roots.pem")
    assert fits not in " ".join(tracer.render.text(trace, replace(told, roots=other)).split())


def test_a_root_file_that_does_not_exist_is_named() -> None:
    """For libpq it is the same as none; for its user it is most often a slip."""
    told = tracer.Trust(host="db.example", sslmode="require", roots=None, root_path="typo.pem", time=TRACE.time)
    assert (
        "with require nobody checks who is at the other end (root file typo.pem does not exist)"
        in tracer.render.text(TRACE, told)
    )


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cname", "The client asked for db.internal.test;"),
        ("expired-server", "before this connection"),
        ("wrong-root", "answered unknown_ca to a chain"),
        ("missing-root-file", "left before its first TLS byte"),
    ],
)
def test_nothing_is_said_twice(name: str, kind: str) -> None:
    """What the verdict says and mends is no news below."""
    assert kind not in " ".join(" ".join(story(name)).split())


def test_what_the_verdict_does_not_explain_is_said() -> None:
    """A root file that would have accepted the chain is none that explains unknown_ca."""
    shown = " ".join(" ".join(story("wrong-root", roots=rootfile.load(CAPTURES / "verify-full" / "roots.pem"))).split())
    assert "The root file that was named here holds this root" in shown


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ([("client", SSL_REQUEST), ("server", b"N")], "no TLS"),
        ([("client", SSL_REQUEST), ("server", b"S")], "TLS not begun"),
    ],
)
def test_the_head_says_how_far_it_came(said: list[tuple[str, bytes]], words: str) -> None:
    """In words that fit on the line."""
    assert tracer.render.text(spoken(*said)).splitlines()[0].endswith(words)


@pytest.mark.parametrize("name", sorted(path.parent.name for path in CAPTURES.glob("*/case.toml")))
def test_a_story_fits_on_a_small_terminal(name: str) -> None:
    """80 columns, every connection of it, and the head of it on one line."""
    read = tracer.read(CAPTURES / name / "capture.pcapng")
    for connection in tracer.reassemble(read):
        trace = tracer.follow(connection, read.keys)
        lines = tracer.render.text(trace, width=80).splitlines()
        assert max(cell_len(line) for line in lines) <= 80
        one = screen.line(report(trace, tracer.Trust(time=trace.time), asked=False), width=80)
        assert one.count("\n") == 1


def test_what_the_headline_says_is_not_repeated() -> None:
    """How it ended stands there once; a request to cancel needs no more."""
    shown = "\n".join(story("cancel-request", 2))
    assert shown.count("equest to cancel a query: it carries no session") == 1
    assert "How it ended" not in shown


def test_gssapi_asks_for_no_root_file() -> None:
    """No certificate has a say in it, and no row says what one would settle."""
    shown = "\n".join(story("gss-encrypted"))
    assert "--sslrootcert" not in shown
    assert "cannot tell" not in shown
    assert "gssencmode=disable" in shown


def test_one_line_stands_for_three_checks_that_had_nothing_to_check() -> None:
    """And the headline says why."""
    lines = story("resumption", 2)
    assert lines[1].startswith("? Encrypted. A resumed session shows no certificate")
    assert [line.split()[1:5] for line in lines if "╰─" in line] == [["①", "②", "③", "·"]]


def test_sealed_certificates_are_checked_where_they_come() -> None:
    """With the server's sealed records, before the client's own; and what is said of chain and dates is said once."""
    lines = story("no-root-file-sealed", roots=[])
    marks = [line.split("╰─ ")[1] for line in lines if "╰─" in line]
    assert marks[0].startswith("① chain ② dates ? the server's certificates are sealed")
    assert "← server 🔒 Sealed ×4" in lines[next(n for n, line in enumerate(lines) if "╰─ ①" in line) - 1]
    assert len(marks) == 2


def test_nobody_looked_at_chain_and_dates_is_said_once() -> None:
    """Without a root file there is one reason for both."""
    (mark,) = [line for line in story("no-root-file") if "①" in line]
    assert mark.endswith("╰─ ① chain ② dates · nobody looked: the client has no root file")
