"""What to do, on the stories, with the options that their clients had."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import tracer
from tests.authority import issue, root
from tests.findings.helpers import shown
from tests.wire import SSL_REQUEST, Tls, follow, packets, spoken
from tracer import rootfile
from tracer.advice import advice
from tracer.packets.source import Packet, Source
from tracer.render import screen
from tracer.report import Report, report
from tracer.verify import Trust, Unusable
from tracer.verify.model import UNKNOWN

CAPTURES = Path(__file__).resolve().parent.parent / "captures"


def judged(story: str, client: str = "libpq", **changes: object) -> Report:
    case = tomllib.loads((CAPTURES / story / "case.toml").read_text())
    source = tracer.read(CAPTURES / story / "capture.pcapng")
    trace = next(tracer.follow(c, source.keys) for c in tracer.reassemble(source))
    roots = None if case["root"] == "absent" else rootfile.load(CAPTURES / story / case["root"])
    given = {"host": case["host"], "sslmode": case["sslmode"], "roots": roots, "time": trace.time, **changes}
    return report(trace, Trust(**given), client)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("wrong-root", "it must hold Example RDS eu-test-1 Root CA RSA2048 G1, if that is the CA you mean"),
        ("prefer-wrong-root", "sslmode=verify-full keeps the client from going on in plaintext"),
        ("expired-server", "Renew the certificate that has ended, on the server"),
        ("cname", "connect with host=my-rds.example.test (and hostaddr=ADDRESS"),
        ("sibling-verify-full", "somebody leads you to another server"),
        ("sibling-verify-ca", "Nobody compared the names, and they differ."),
        ("no-root-file", "sslmode=verify-full host=my-rds.example.test sslrootcert=FILE with Example RDS"),
        ("no-tls-require", "Turn TLS on in the server"),
        ("no-tls-prefer", "Without TLS anybody on the path reads and answers. Turn TLS on in the server"),
    ],
)
def test_the_remedy(story: str, words: str) -> None:
    """Each story has one, for the check that failed or that nobody made."""
    said = advice(judged(story))
    assert said is not None
    assert words in said


@pytest.mark.parametrize("story", ["no-tls-require", "no-tls-prefer"])
def test_an_rds_without_tls(story: str) -> None:
    """Its files are not ours to set: the parameter group is, and where that has TLS somebody else has answered."""
    said = advice(judged(story, host="mydb.abc.eu-central-1.rds.amazonaws.com"))
    assert said is not None
    assert "set ssl=1 there, and rds.force_ssl=1" in said
    assert "it was not RDS that answered" in said
    assert "ssl_cert_file" not in said


def test_nothing_to_do() -> None:
    """A client that checked everything is left alone."""
    assert advice(judged("verify-full")) is None


def test_no_host_to_verify() -> None:
    """An address alone leaves verify-full without a name."""
    assert advice(judged("verify-full", host=None)) == "Give the client a host to verify: it has an address alone."


def test_the_root_file_is_missing() -> None:
    """Its path is named."""
    said = advice(judged("verify-full", roots=None, root_path="/etc/rds.pem"))
    assert said == "Put the CA of the server into /etc/rds.pem, or name another file with sslrootcert."


@pytest.mark.parametrize("reason", ["bad base64 decode", "bad end line"])
def test_the_root_file_is_damaged(reason: str) -> None:
    """No CA is missing in it: one broken block spoils the others."""
    said = advice(judged("verify-full", roots=Unusable(reason), root_path="half.pem")) or ""
    assert said.startswith(f"half.pem is damaged ({reason}), and a client takes all of it or nothing")
    assert "Put the CA" not in said


def cut(story: str, length: int | None = None, count: int | None = None) -> tracer.Trace:
    """The trace of a story of which the capture has so many bytes of each segment, or so many packets, and no keys."""
    source = tracer.read(CAPTURES / story / "capture.pcapng")
    seen = [p._replace(payload=p.payload[:length]) for p in source if isinstance(p, Packet)][:count]
    return next(tracer.follow(connection) for connection in tracer.reassemble(Source("cut", lambda _: iter(seen))))


@pytest.mark.parametrize("length", [40, 120])
def test_whole_packets_come_first(length: int) -> None:
    """Where bytes are missing nothing is inferred from their absence; no key log shows what was sent in clear."""
    trace = cut("verify-full-tls12", length)
    shown = screen.connection(report(trace, Trust(time=trace.time), asked=False))
    hello = trace.of("ClientHello")
    assert hello is not None
    assert hello.summary == "the rest is cut off by the capture"
    for untrue in ("names no server", "no version agreed", "did not offer it", "does not say which host", "    none\n"):
        assert untrue not in shown
    said = advice(report(trace, Trust(time=trace.time), asked=False)) or ""
    assert said.startswith("Record whole packets first (-s 0)")
    assert ("key log" in said) is (trace.tls is not None and trace.tls.version is None)


def test_a_capture_that_ends_early() -> None:
    """What comes behind its end is not known, and recording on is what helps."""
    trace = cut("verify-full-tls12", count=8)
    assert trace.outcome.kind == "incomplete"
    assert "no version agreed" not in screen.connection(report(trace, Trust(time=trace.time), asked=False))
    said = advice(report(trace, Trust(time=trace.time), asked=False)) or ""
    assert said.startswith("Record the connection to its end first")


def test_nothing_was_asked() -> None:
    """Then the options are named that decide the table."""
    trace = judged("verify-full").trace
    said = advice(report(trace, Trust(time=trace.time), asked=False))
    assert said is not None
    assert "--sslmode MODE --sslrootcert FILE" in said


def test_another_server_is_never_recommended() -> None:
    """A client that reached another server than it was told is not told to trust that one; verify-full would have stopped it."""
    said = advice(judged("require-sibling"))
    assert said is not None
    assert "sslmode=verify-full host=my-rds.example.test would have refused it" in said
    assert "host=unsafe-rds.example.test sslrootcert" not in said


@pytest.mark.parametrize(
    ("story", "words", "wrong"),
    [
        ("error-answer", "server's log", "Turn TLS on"),
        ("self-signed-refused", "that very certificate", "RDS"),
        ("missing-intermediate", "If it is an intermediate, the server must send it", "Or let the server"),
        (
            "wrong-root",
            "The root file holds Example RDS us-test-1 Root CA RSA2048 G1; it must hold Example RDS eu-test-1",
            "nothing",
        ),
    ],
)
def test_the_remedy_fits_the_fault(story: str, words: str, wrong: str) -> None:
    """An error is no missing TLS, a certificate signed by itself has no bundle, and what is missing may be the server's."""
    said = advice(judged(story))
    assert said is not None
    assert words in said
    assert wrong not in said


def test_sealed_certificates_need_a_key_log() -> None:
    """Whatever the client was told: without them no row is decided."""
    made = Tls().run()
    trace = follow(packets(made.preambled()))
    unasked = advice(report(trace, Trust(time=trace.time), asked=False))
    assert unasked is not None
    assert "or let pgtls probe connect; then name what the client was told" in unasked
    asked = advice(report(trace, Trust(host="db.example", sslmode="verify-full", roots=[], time=trace.time)))
    assert asked is not None
    assert "the key log of this very session shows them (--keylog FILE); without one" in asked


def test_what_no_option_decides() -> None:
    """A server that did not answer, and a session that was resumed."""
    silent = spoken(("client", SSL_REQUEST), close="")
    assert advice(report(silent, Trust(time=silent.time), asked=False)) is None
    read = tracer.read(CAPTURES / "resumption" / "capture.pcapng")
    resumed = [tracer.follow(connection, read.keys) for connection in tracer.reassemble(read)][1]
    assert advice(report(resumed, Trust(time=resumed.time), asked=False)) is None


@pytest.mark.parametrize(
    ("ca", "host", "bundle", "public"),
    [
        ("Amazon RDS eu-west-1 Root CA RSA2048 G1", "db.example", True, False),
        ("Amazon Root CA 1", "db.example", False, True),
        ("Test CA", "app.proxy-abc123.eu-west-1.rds.amazonaws.com", False, True),
        ("Test CA", "db.example", True, True),
    ],
)
def test_where_amazon_s_roots_are(ca: str, host: str, bundle: bool, public: bool) -> None:
    """RDS Proxy has its certificate of Amazon's public CA; nobody is sent to the region's bundle for it."""
    trace = shown(issue(host, issue(ca, ca=True)))
    roots = [root().certificate]
    said = advice(report(trace, Trust(host=host, sslmode="verify-full", roots=roots, time=trace.time)))
    assert said is not None
    assert ("bundle of the region" in said, "Amazon Trust Services" in said) == (bundle, public)


@pytest.mark.parametrize(("host", "amazon"), [("mydb.abc123.eu-west-1.rds.amazonaws.com", True), ("db.example", False)])
def test_a_certificate_signed_by_itself_is_never_amazon_s(host: str, amazon: bool) -> None:
    """Under a name of RDS nobody is told to trust it: the server is not RDS's."""
    trace = shown(root(host))
    said = advice(report(trace, Trust(host=host, sslmode="verify-full", roots=[root().certificate], time=trace.time)))
    assert said is not None
    assert ("do not trust it" in said, "that very certificate" in said) == (amazon, not amazon)


@pytest.mark.parametrize(
    ("client", "story", "told", "words"),
    [
        ("pgjdbc", "cname", {}, "connect with host=my-rds.example.test (and an entry in its hosts file, where the way to it must stay)"),
        ("npgsql", "cname", {}, "connect with Host=my-rds.example.test (and an entry in its hosts file"),
        ("tokio-postgres-rustls", "cname", {"sslmode": "require"}, "(and hostaddr=ADDRESS, where the way to it must stay)"),
        ("npgsql", "no-root-file", {}, "SSL Mode=VerifyFull;Host=my-rds.example.test;Root Certificate=FILE with Example RDS"),
        ("pg8000", "no-root-file", {}, "ssl_context=ssl.create_default_context(…), host=my-rds.example.test, cafile=FILE with Example RDS"),
        ("npgsql", "wrong-root", {}, "if that is the CA you mean: Root Certificate=FILE."),
        ("pgjdbc", "verify-full", {"roots": None, "root_path": "/etc/rds.pem"}, "or name another file with sslrootcert."),
        ("lib-pq", "verify-full", {"host": None, "hostaddr": "10.0.0.5"}, "Give the client a host to verify: it has an address alone."),
        ("pgjdbc", "no-root-file-sealed", {"sslmode": "verify-full", "roots": UNKNOWN}, "let the client connect once with TLS 1.2 at most, or let pgtls probe connect"),
        ("asyncpg", "no-root-file-sealed", {"sslmode": "verify-full", "roots": UNKNOWN}, "let the client connect once with ssl_max_protocol_version=TLSv1.2, or"),
    ],
)  # fmt: skip
def test_in_the_words_of_the_driver(client: str, story: str, told: dict[str, object], words: str) -> None:
    """What it takes is named as its users write it, and what it has not is not named."""
    assert words in (advice(judged(story, client, **told)) or "")
