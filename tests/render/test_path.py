"""The chain as a picture's values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.authority import issue, root, server, subordinate
from tracer.certificates import Certificate, Presented
from tracer.render.path import dates, names, picture, shown
from tracer.report import judge
from tracer.verify import Trust

TIME = datetime(2026, 6, 1, tzinfo=UTC)
CHAIN = [server(), subordinate()]


def drawn(*chain, roots=None, sslmode: str = "verify-full"):
    presented = Presented.from_der([one.der for one in chain])
    held = None if roots is None else [one.certificate for one in roots]
    return picture(judge(presented, Trust(host="db.example", sslmode=sslmode, roots=held, time=TIME)))


def test_from_the_leaf_to_the_root_of_the_root_file() -> None:
    """Each signed by the next, the last in the client's file though nobody sent it."""
    found = drawn(*CHAIN, roots=[root()])
    assert [link.certificate.short for link in found.links] == ["db.example", "Test Subordinate CA", "Test Root CA"]
    assert [link.signed for link in found.links] == [True, True, None]
    assert (found.state, found.unused) == ("passed", ())
    assert "the server did not send it" in found.links[-1].origin


def test_a_forged_signature_shows_where_it_is() -> None:
    """A certificate that names the CA and was signed by another key."""
    forged = issue("db.example", issue("Test Root CA", ca=True))
    stolen = Certificate.from_der(forged.der)
    found = drawn(forged, roots=[root()])
    assert found.state == "failed"
    assert found.links[0].certificate == stolen
    assert True not in [link.signed for link in found.links]


def test_what_has_no_part_in_the_chain_is_named() -> None:
    """A certificate too many."""
    other = issue("elsewhere.example")
    assert [c.short for c in drawn(*CHAIN, other, roots=[root()]).unused] == ["elsewhere.example"]


def test_nobody_looks_without_a_root_file() -> None:
    """The chain is drawn all the same, as far as it was sent."""
    found = drawn(*CHAIN, sslmode="require")
    assert (found.state, len(found.links)) == ("not_done", 2)


def test_what_has_ended_is_late_and_faulty() -> None:
    """The fault stands at its certificate."""
    old = issue("db.example", subordinate(), days=1)
    link = drawn(old, subordinate(), roots=[root()]).links[0]
    assert link.dates.state == "ended"
    assert link.faults == ("certificate has expired (10)",)


@pytest.mark.parametrize(("days", "state"), [(-1, "not yet valid"), (0, "valid"), (364, "valid"), (366, "ended")])
def test_the_moment_is_on_the_bar(days: int, state: str) -> None:
    """Before, within or behind the stretch of validity, and always inside the picture."""
    c = Certificate.from_der(server().der)
    found = dates(c, c.not_before + timedelta(days=days))
    assert found.state == state
    assert 0 < min(found.begin, found.now) <= max(found.end, found.now) < 100
    assert (found.begin <= found.now <= found.end) == (state == "valid")


def test_without_a_client_nothing_is_judged() -> None:
    """Neither dates nor the end of the chain."""
    found = shown(Presented.from_der([one.der for one in CHAIN]))
    assert found is not None
    assert found.state is None
    assert {link.dates.state for link in found.links} == {"not judged"}


def test_names_are_compared_as_libpq_does() -> None:
    """The first that matches ends the search; the CN does not count beside a dNSName."""
    leaf = issue("cn.example", subordinate(), names=["other.example", "db.example", "third.example"])
    judged = judge(Presented.from_der([leaf.der]), Trust(host="db.example", sslmode="verify-full", time=TIME))
    found = {name.text: name.state for name in names(judged)}
    assert found == {"other.example": "other", "db.example": "same", "third.example": "not compared"}
