"""What several connections show together: pairs that have it, and pairs that look alike and have not."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import timedelta

from tests.authority import issue, root, server, subordinate
from tests.findings.helpers import capture, error, healthy, kinds, only, shake, story
from tests.wire import STARTUP, WELCOME, Say, packets, spoken
from tracer.findings import explain, several, together
from tracer.findings.several import lasted
from tracer.findings.sketch import sketch
from tracer.packets.source import Packet
from tracer.trace import Trace

UNKNOWN_CA = ("client", b"\x15\x03\x03\0\2\2\x30")
PLAIN: list[Say] = [("client", STARTUP), ("server", WELCOME)]
GOOD = shake(server(), subordinate())
OTHER = shake(server("other.example"), subordinate())


def about(kind: str, *traces: Trace) -> list[str]:
    return [finding.text for finding in explain(*traces) if finding.kind == kind]


def sessions(*made: object) -> list[list[Packet]]:
    return [packets(tls.preambled()) for tls in made]  # type: ignore[attr-defined]


def refused() -> list[Packet]:
    return packets([*GOOD.preambled()[:4], UNKNOWN_CA])


# BACK IN PLAINTEXT


def test_back_in_plaintext() -> None:
    """The two connections of prefer's retry are named together, and only when they follow each other."""
    traces = story("prefer-wrong-root")
    finding = only("came_back_in_plaintext", *traces)
    assert finding.connections == (1, 2)
    assert "alert unknown_ca" in finding.text
    assert about("came_back_in_plaintext", traces[0], *story("no-tls-prefer")) == []


def test_back_too_late_is_another_program() -> None:
    """A second is long for libpq."""
    assert about("came_back_in_plaintext", *capture(refused(), packets(PLAIN), apart=0.9))
    assert not about("came_back_in_plaintext", *capture(refused(), packets(PLAIN), apart=1.5))


def test_back_after_the_server_closed() -> None:
    """S and then nothing: prefer goes on in plaintext, too."""
    gone = packets(GOOD.preambled()[:2], close="server")
    assert "said S and closed" in only("came_back_in_plaintext", *capture(gone, packets(PLAIN))).text


def test_a_name_refused_is_no_retry() -> None:
    """Prefer compares no names, and what TLS has let through it does not try again: another program."""
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        made = shake(server(), subordinate(), version=version)
        closed = packets(made.preambled()[:-2], close="client")
        for log in ((made.log,), ()):
            assert not about("came_back_in_plaintext", *capture(closed, packets(PLAIN), logs=log))


def test_direct_tls_is_no_retry() -> None:
    """sslnegotiation=direct is for the strong modes."""
    gone = packets([*GOOD.said[:2], UNKNOWN_CA])
    assert not about("came_back_in_plaintext", *capture(gone, packets(PLAIN)))


def test_another_user_is_another_program() -> None:
    """The server refused one user inside TLS; prefer comes back as the same one, to the same database."""
    refuse = error("28000", "no pg_hba.conf entry")
    inside = shake(server(), subordinate(), talk=(("client", STARTUP), ("server", refuse)))
    first = packets(inside.preambled(), close="server")
    other = STARTUP.replace(b"me", b"it")
    for startup, found in ((STARTUP, True), (other, False)):
        again = packets([("client", startup), ("server", refuse)])
        assert bool(about("came_back_in_plaintext", *capture(first, again, logs=(inside.log,)))) is found


# SIBLINGS


def test_a_sibling_in_place_of_the_server() -> None:
    """The impostor of the story, and a connection that shows the real one: each is named."""
    finding = only("sibling", *story("sibling-verify-ca"), *story("verify-full"))
    assert finding.weight == "danger"
    assert "asked for my-rds.example.test and was shown unsafe-rds.example.test" in finding.text
    assert "Example RDS eu-test-1 Root CA RSA2048 G1" in finding.text


def test_siblings_side_by_side() -> None:
    """Two servers of one CA, each asked for by its own name: a note."""
    ours = shake(server(), subordinate())
    theirs = shake(server("other.example"), subordinate(), name="other.example")
    finding = only("sibling", *capture(*sessions(ours, theirs), logs=(ours.log, theirs.log)))
    assert finding.weight == "note"
    assert finding.connections == (1, 2)
    assert "name the same CA" in finding.text  # without the root nobody can prove it


def test_no_siblings() -> None:
    """One server twice, a renewed one, servers of two CAs, and one that only says that it is of that CA."""
    renewed = shake(issue("db.example", subordinate(), days=300), subordinate())
    foreign = shake(issue("other.example", root("Another CA")), root("Another CA"), name="other.example")
    false_root = issue("Test Root CA", ca=True)
    forged = shake(issue("other.example", false_root), false_root, name="other.example")
    ours = shake(server(), subordinate(), root())
    for other in (ours, GOOD, renewed, foreign, forged):
        assert not about("sibling", *capture(*sessions(ours, other)))


def test_many_siblings_are_one_finding() -> None:
    """Twenty servers of one CA: one line, ten connections."""
    made = [shake(server(f"db{n}.example"), subordinate(), name=f"db{n}.example") for n in range(20)]
    finding = only("sibling", *capture(*sessions(*made)))
    assert len(finding.connections) == several.NAMED
    assert "and 18 more" in finding.text


# ANOTHER CERTIFICATE


def test_a_renewed_certificate() -> None:
    """The same name, the same CA: a note."""
    renewed = shake(issue("db.example", subordinate(), days=300), subordinate())
    finding = only("server_changed", *capture(*sessions(GOOD, renewed)))
    assert (finding.weight, finding.connections) == ("note", (1, 2))
    assert not about("server_changed", *capture(*sessions(GOOD, GOOD)))


def test_two_servers_behind_one_address() -> None:
    """The first certificate comes back."""
    renewed = shake(issue("db.example", subordinate(), days=300), subordinate())
    finding = only("server_changed", *capture(*sessions(GOOD, renewed, GOOD)))
    assert "several servers stand behind this address" in finding.text
    assert finding.connections == (1, 2)


def test_the_same_name_from_another_ca() -> None:
    """A change of CA, a proxy, or somebody else: a warning that names both CAs."""
    foreign = shake(issue("db.example", root("Another CA")), root("Another CA"))
    finding = only("server_changed", *capture(*sessions(GOOD, foreign)))
    assert finding.weight == "warning"
    assert "Test Root CA, then Another CA" in finding.text


def test_another_name() -> None:
    """Asked for the same name."""
    finding = only("server_changed", *capture(*sessions(GOOD, OTHER)))
    assert finding.weight == "warning"
    assert "db.example, then other.example" in finding.text


def test_a_proxy_with_many_names() -> None:
    """One address, asked for two names: it has not changed."""
    asked = shake(server("other.example"), subordinate(), name="other.example")
    assert not about("server_changed", *capture(*sessions(GOOD, asked)))


# THE SAME AGAIN, AND NOT THE SAME


def test_refused_again() -> None:
    """Three times the same is somebody who tries again; twice is not, and neither are other reasons."""
    finding = only("refused_again", *capture(refused(), refused(), refused()))
    assert finding.connections == (1, 2, 3)
    assert finding.text.startswith("Within 2.0 s 3 connections of ")
    assert "alert unknown_ca" in finding.text
    assert not about("refused_again", *capture(refused(), refused()))
    wrong = packets([("client", STARTUP), ("server", error("28P01", "password authentication failed"))])
    assert not about("refused_again", *capture(refused(), wrong, refused()))
    assert "refused by the server" in only("refused_again", *capture(wrong, wrong, wrong)).text


def test_with_and_without_tls() -> None:
    """One client address, both ways; prefer's own retry is another thing."""
    finding = only("mixed_modes", *capture(*sessions(GOOD), packets(PLAIN), logs=(GOOD.log,)))
    assert finding.connections == (1, 2)
    assert "mixed_modes" not in kinds(*story("prefer-wrong-root"))
    assert not about("mixed_modes", *capture(packets(PLAIN), packets(PLAIN)))


def test_taken_and_refused() -> None:
    """One certificate, two answers: two programs, or two settings."""
    finding = only("mixed_modes", *capture(*sessions(GOOD), refused(), logs=(GOOD.log,)))
    assert "refused the same one on connection 2 (alert unknown_ca)" in finding.text
    assert not about("mixed_modes", *capture(*sessions(GOOD, GOOD), logs=(GOOD.log,)))


def test_sealed_certificates_are_not_compared() -> None:
    """Without keys TLS 1.3 shows none: nothing is said of what cannot be seen."""
    made = [
        shake(server(name), subordinate(), version=ssl.TLSVersion.TLSv1_3, name=name)
        for name in ("db.example", "other.example")
    ]
    assert together([sketch(trace) for trace in capture(*sessions(*made))]) == []


def test_a_single_connection_has_no_other() -> None:
    """Nothing is said of several where there is one."""
    for trace in (healthy(), spoken(*PLAIN), *story("cname")):
        assert together([sketch(trace)]) == []


def test_how_long_it_went_on() -> None:
    """In the unit that people count it in."""
    spans = [timedelta(seconds=4), timedelta(minutes=90), timedelta(hours=12), timedelta(days=400)]
    assert [lasted(span) for span in spans] == ["4.0 s", "90.0 minutes", "12.0 hours", "400.0 days"]


def test_a_program_tries_again_a_person_takes_time() -> None:
    """Hours lie between these: nobody knows whether anything tries by itself."""
    refused = [sketch(trace) for trace in story("wrong-root")]
    apart = [replace(one, id=n, started=one.started + timedelta(hours=n)) for n in range(1, 4) for one in refused]
    at_once = [replace(one, id=n, started=one.started + timedelta(seconds=n)) for n in range(1, 4) for one in refused]
    said = [next(f.text for f in together(seen) if f.kind == "refused_again") for seen in (apart, at_once)]
    assert ["by itself" in text for text in said] == [False, True]
    assert said[0].startswith("Within 2.0 hours 3 connections of ")
    assert said[1].startswith("Within 2.0 s 3 connections of ")


# SEVERAL CAPTURES


def test_connections_of_several_captures_are_told_apart() -> None:
    """Each capture counts from 1: a sentence about two of them names the captures, and one about a single capture does not."""
    found = explain(*story("sibling-verify-ca"), *story("no-root-file"))
    texts = [finding.text for finding in found if len(finding.connections) > 1]
    assert texts
    for text in texts:
        assert "connection 1 of " in text
        assert "sibling-verify-ca" in text
        assert "no-root-file" in text
    (alone,) = about("came_back_in_plaintext", *story("prefer-wrong-root"))
    assert "On connection 1 TLS failed" in alone


def test_what_came_back_is_no_other_program_s() -> None:
    """A number in one capture says nothing of that number in another."""
    back = story("prefer-wrong-root")
    plain = [replace(sketch(trace), capture="elsewhere", id=back[1].connection.id) for trace in capture(packets(PLAIN))]
    session = [replace(sketch(trace), capture="elsewhere", id=9) for trace in capture(packets(GOOD.preambled()))]
    seen = [*map(sketch, back), *plain, *session]
    assert [f.kind for f in together(seen) if f.kind == "mixed_modes"] == ["mixed_modes"]
