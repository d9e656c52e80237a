"""What the certificates show: each finding with a chain that has the fault, and none with one that has not."""

from __future__ import annotations

import ssl
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import authority
from tests.authority import BEGIN, issue, root, rsa_key, server, subordinate
from tests.findings.helpers import CAPTURES, WHEN, at, healthy, kinds, only, shake, shown, story
from tests.wire import follow, packets
from tracer.certificates import from_pem
from tracer.findings import explain, identity
from tracer.findings.identity import ends_soon, with_roots
from tracer.verify.model import Trust

LOW = "DEFAULT:@SECLEVEL=0"


def test_a_good_chain_is_passed_over() -> None:
    """Names, dates, keys and order as they should be."""
    assert kinds(healthy()) == []


def test_a_weak_key() -> None:
    """RSA of 1024 bits; of 2048 it is strong enough."""
    weak, strong = issue("db.example", root(), key=rsa_key(1024)), issue("db.example", root(), key=rsa_key(2048))
    finding = only("weak_key", shown(weak, root(), ciphers=LOW))
    assert "RSA 1024" in finding.text
    assert "weak_key" not in kinds(shown(strong, root()))


@pytest.mark.needs("openssl")
def test_a_weak_digest() -> None:
    """SHA-1 below the root; nobody looks at the root's own signature."""
    old_root = issue("Old Root", ca=True, key=rsa_key(2048))
    finding = only("weak_digest", shown(authority.with_sha1("db.example", old_root), old_root, ciphers=LOW))
    assert finding.text.startswith("db.example is signed with RSA with SHA1")
    alone = authority.with_sha1("Old Root", old_root)  # issued by its own name, with another key
    assert "weak_digest" not in kinds(shown(issue("db.example", old_root), old_root), shown(alone, ciphers=LOW))


def test_an_expired_certificate() -> None:
    """The story of an expired server; the same server in its time is none."""
    finding = only("expired", *story("expired-server"))
    assert "ended on 2026-03-01" in finding.text
    assert "expired" not in kinds(*story("verify-full"))


def test_a_certificate_that_has_not_begun() -> None:
    """A second before its first, and at it."""
    chain = server(), subordinate()
    early = [f.text for f in explain(shown(*chain, when=BEGIN - timedelta(seconds=1))) if f.kind == "not_yet_valid"]
    assert [text[:11] for text in early] == ["db.example ", "Test Subord"]
    assert all("begins on 2026-01-01 00:00 UTC" in text for text in early)
    assert "not_yet_valid" not in kinds(shown(*chain, when=BEGIN))


def test_an_expired_intermediate() -> None:
    """It counts as much as the leaf; a root that is sent does not: the client has its own."""
    old = issue("Old Intermediate", root(), ca=True, begin=BEGIN - timedelta(days=100), days=101)
    leaf = issue("db.example", old)
    assert only("expired", shown(leaf, old)).text.startswith("Old Intermediate")
    old_root = issue("Old Root", ca=True, begin=BEGIN - timedelta(days=100), days=101)
    assert "expired" not in kinds(shown(issue("db.example", old_root), old_root))


def test_a_certificate_that_ends_soon() -> None:
    """In the last thirty days of a year."""
    chain = server(), subordinate()
    end = BEGIN + timedelta(days=365)
    assert "29 days after" in only("ends_soon", shown(*chain, when=end - timedelta(days=29, hours=1))).text
    assert "ends_soon" not in kinds(shown(*chain, when=end - timedelta(days=31)))


@given(st.integers(1, 36500), st.floats(0, 1))
def test_what_is_soon(days: int, part: float) -> None:
    """Only in the last thirty days, and only in the last sixth; always at the very end."""
    ends = BEGIN + timedelta(days=days)
    time = BEGIN + part * timedelta(days=days)
    soon = ends_soon(BEGIN, ends, time)
    assert not soon or ends - time < timedelta(days=30)
    assert not soon or (time - BEGIN) / (ends - BEGIN) > 0.8
    assert ends_soon(BEGIN, ends, ends)


@pytest.mark.parametrize(("days", "kind"), [(6, "short_lived"), (10, "short_lived"), (3650, "long_lived")])
def test_how_long_it_is_issued_for(days: float, kind: str) -> None:
    """Days, or ten years."""
    leaf = issue("db.example", root(), days=days)
    assert f"{days:,} days" in only(kind, shown(leaf, root(), when=BEGIN)).text


@pytest.mark.parametrize("days", [11, 90, 365, 825])
def test_usual_lifetimes(days: float) -> None:
    """Weeks to two years are nothing to talk about."""
    found = kinds(shown(issue("db.example", root(), days=days), root(), when=BEGIN))
    assert not {"short_lived", "long_lived"} & set(found)


def test_a_self_signed_server() -> None:
    """It vouches for itself; how long it lives and who stands above it is no question then."""
    alone = issue("db.example", days=3650)
    assert kinds(shown(alone)) == ["self_signed"]
    assert "self_signed" not in kinds(healthy())


def test_a_missing_intermediate() -> None:
    """A leaf alone: a note, since its issuer may be a root; a warning when the client answered unknown_ca."""
    assert only("missing_intermediate", shown(server())).weight == "note"
    made = shake(server())
    refused = [*made.preambled()[:4], ("client", b"\x15\x03\x03\0\2\2\x30")]
    finding = only("missing_intermediate", follow(packets(refused)))
    assert finding.weight == "warning"
    assert "Test Subordinate CA" in finding.text
    assert "missing_intermediate" not in kinds(healthy())


def test_a_root_that_is_not_trusted() -> None:
    """The story of the wrong root, read without the client's root file: the chain itself is good, so the file is not."""
    finding = only("root_not_trusted", *story("wrong-root"))
    assert "Example RDS eu-test-1 Root CA RSA2048 G1" in finding.text
    assert "root_not_trusted" not in kinds(*story("verify-full"), *story("expired-server"))


def test_a_root_that_may_be_trusted() -> None:
    """The chain has a fault of its own, a CA that may not be one: then the root file may be right."""
    no_ca = issue("Not a CA", root(), names=[])
    made = shake(issue("db.example", no_ca), no_ca, root())
    refused = [*made.preambled()[:4], ("client", b"\x15\x03\x03\0\2\2\x30")]
    assert "root_not_trusted" not in kinds(follow(at(packets(refused), WHEN)))
    assert "root_sent" in kinds(follow(at(packets(refused), WHEN)))


def test_a_root_that_is_sent() -> None:
    """Harmless: a note."""
    assert only("root_sent", shown(server(), subordinate(), root())).weight == "note"
    assert "root_sent" not in kinds(healthy())


def test_order() -> None:
    """Root and intermediate have changed places."""
    assert "out_of_order" in kinds(shown(server(), root(), subordinate()))
    assert "out_of_order" not in kinds(shown(server(), subordinate(), root()))


def test_certificates_that_do_not_belong() -> None:
    """Another CA's root, and one that comes twice."""
    other = authority.root("Another CA")
    found = only("stray_certificate", shown(server(), subordinate(), other))
    assert "1 of the 3" in found.text
    assert "Another CA" in found.text
    assert "1 of the 3" in only("stray_certificate", shown(server(), subordinate(), subordinate())).text
    assert "stray_certificate" not in kinds(healthy())


def test_a_cross_signed_root_belongs() -> None:
    """Two certificates for one CA key are two ways up, and neither is stray."""
    old, new = root("Old Root"), root("New Root")
    crossed = issue("New Root", old, ca=True, key=new.key)
    leaf = issue("db.example", new)
    found = kinds(shown(leaf, crossed, new, old))
    assert not {"stray_certificate", "out_of_order"} & set(found)


def test_another_name() -> None:
    """The impostor, the alias; and one server with the name that was asked for."""
    assert "certificate is for unsafe-rds.example.test" in only("name_differs", *story("sibling-verify-ca")).text
    assert "host=my-rds.example.test" in only("name_differs", *story("cname")).advice
    assert "name_differs" not in kinds(*story("verify-full"))


def test_no_name_at_all() -> None:
    """There is nothing to advise by name."""
    nameless = issue(None, root())
    finding = only("name_differs", shown(nameless, root()))
    assert "no host at all" in finding.text
    assert "one of its names" in finding.advice


def test_only_a_common_name() -> None:
    """No subjectAltName, or one without a host."""
    assert "db.example" in only("cn_only", shown(issue("db.example", root(), names=[]), root())).text
    assert "cn_only" not in kinds(healthy())


@pytest.mark.parametrize(
    ("name", "words"),
    [("*.example", "every host"), ("db.*.example", "no wildcard"), ("d*.example", "no wildcard"), ("*", "no wildcard")],
)
def test_wildcards(name: str, words: str) -> None:
    """Those that libpq takes, and those that it takes for letters."""
    assert words in only("wildcard", shown(issue("db.example", root(), names=[name]), root())).text
    assert "wildcard" not in kinds(healthy())


def test_an_address_as_a_name() -> None:
    """A dNSName that is an address; an iPAddress is as it should be."""
    wrong = issue("db.example", root(), names=["db.example", "192.0.2.1"])
    right = issue("db.example", root(), names=["db.example", "ip:192.0.2.1"])
    assert "192.0.2.1" in only("address_as_name", shown(wrong, root())).text
    assert "address_as_name" not in kinds(shown(right, root()))


def test_sealed_certificates_are_not_guessed() -> None:
    """Without keys TLS 1.3 shows no certificate, and nothing is said of one."""
    made = shake(issue("db.example", days=3650), version=ssl.TLSVersion.TLSv1_3)
    assert kinds(follow(packets(made.preambled()))) == []


def test_a_long_name_is_cut() -> None:
    """What a stranger wrote does not push the sentence away."""
    names = [f"{'a' * 60}.{'b' * 60}.{n}.example" for n in range(9)]
    text = only("name_differs", shown(issue("x" * 64, root(), names=names), root())).text
    assert len(text) < 900
    assert "and 6 more" in text


def test_the_message_that_shows_it() -> None:
    """Each finding points at the Certificate message."""
    (trace,) = story("cname")
    shows = {trace.messages[f.message].kind for f in identity.certificates(trace) if f.message is not None}
    assert shows == {"Certificate"}


def test_a_root_file_that_was_named() -> None:
    """Nobody is told to name it again: it is said whether the root is in it."""
    (trace,) = story("wrong-root")
    found = only("root_not_trusted", trace)
    root_sent = trace.presented.certificates[-1]
    other = from_pem((CAPTURES / "wrong-root" / "roots.pem").read_text())
    assert "--sslrootcert" in with_roots(found, trace, Trust()).advice
    told = with_roots(found, trace, Trust(roots=other)).advice
    assert f"holds {other[0].short}, and not this root" in told
    assert "holds this root" in with_roots(found, trace, Trust(roots=[root_sent])).advice
    assert "had a root file" in with_roots(found, trace, Trust(roots=None)).advice
    assert with_roots(found, trace, Trust(roots="system")) == found
