"""What was sent, sorted out."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from tests import authority
from tests.authority import issue, root, server, subordinate
from tests.findings.helpers import healthy, shown
from tests.wire import STARTUP, WELCOME, spoken
from tracer.certificates import Certificate
from tracer.findings.chains import MOST, Chain, chain, sort_out

LEAF, SUB, TOP = (Certificate.from_der(one.der) for one in (server(), subordinate(), root()))
OTHERS = [Certificate.from_der(one.der) for one in (authority.root("Another CA"), issue("else.example"))]


def sorted_out(*sent: Certificate) -> Chain:
    return sort_out(sent)


def test_the_path_does_not_depend_on_the_order() -> None:
    """Any order of what stands behind the leaf."""
    for behind in permutations([SUB, TOP, *OTHERS]):
        found = sorted_out(LEAF, *behind)
        assert found.path == (LEAF, SUB, TOP)
        assert set(found.stray) == set(OTHERS)
        assert found.ordered == (behind.index(SUB) < behind.index(TOP))


@given(st.lists(st.sampled_from([LEAF, SUB, TOP, *OTHERS]), min_size=1, max_size=8))
def test_everything_sent_is_path_or_stray(sent: list[Certificate]) -> None:
    """Or another way up; a path goes through no certificate twice, and the stray ones are not on it unless they come twice."""
    found = sort_out(tuple(sent))
    assert found.leaf == sent[0]
    assert len(set(found.path)) == len(found.path)
    assert len(found.path) + len(found.stray) <= len(sent) + 1
    assert all(c not in found.path or sent.count(c) > 1 for c in found.stray)
    assert found.below_root in (found.path, found.path[:-1])


def test_two_that_issue_each_other() -> None:
    """A loop ends."""
    a = issue("A", ca=True)
    b = issue("B", a, ca=True)
    crossed = issue("A", b, ca=True, key=a.key)
    found = sorted_out(*(Certificate.from_der(one.der) for one in (crossed, b)))
    assert [c.short for c in found.path] == ["A", "B"]
    assert not found.rooted


def test_signatures() -> None:
    """Good up to a root; a root of the same name and another key did not sign."""
    assert sorted_out(LEAF, SUB, TOP).signed
    broken = Certificate.from_der(SUB.der[:-1] + bytes([SUB.der[-1] ^ 1]))
    assert not sorted_out(LEAF, broken, TOP).signed


def test_of_a_trace() -> None:
    """What it showed; nothing, where it showed nothing; no more than a bound."""
    found = chain(healthy())
    assert found is not None
    assert [c.short for c in found.path] == ["db.example", "Test Subordinate CA"]
    assert chain(spoken(("client", STARTUP), ("server", WELCOME))) is None
    many = chain(shown(server(), subordinate(), *(issue(f"Stray {n}", ca=True) for n in range(30))))
    assert many is not None
    assert len(many.sent) == MOST
