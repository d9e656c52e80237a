"""What is remembered of a connection."""

from __future__ import annotations

import pickle

from tests.authority import issue, root, server, subordinate
from tests.findings.helpers import healthy, shown, story
from tests.wire import STARTUP, WELCOME, spoken
from tracer.findings.sketch import sketch


def test_a_session() -> None:
    """Who, with whom, for what name, and what was shown."""
    one = sketch(healthy())
    assert (one.client, one.server, one.server_name) == ("10.0.0.1", "10.0.0.2:5432", "db.example")
    assert one.session
    assert one.asked
    assert not one.misnamed
    assert one.shown is not None
    assert one.shown.names == ("db.example",)


def test_in_plaintext() -> None:
    """Not asked, nothing shown."""
    one = sketch(spoken(("client", STARTUP), ("server", WELCOME)))
    assert (one.asked, one.session, one.shown) == (False, False, None)


def test_who_vouches() -> None:
    """Proven only when the root was sent and every signature is good; nobody, when it is self-signed."""
    named, proven = sketch(shown(server(), subordinate())), sketch(shown(server(), subordinate(), root()))
    alone = sketch(shown(issue("db.example")))
    assert [one.shown and one.shown.authority and one.shown.authority.proven for one in (named, proven)] == [
        False,
        True,
    ]
    assert alone.shown is not None
    assert alone.shown.authority is None


def test_a_false_signature_proves_nothing() -> None:
    """A chain that leads to the root by its names alone."""
    false = issue("Test Subordinate CA", issue("Test Root CA", ca=True), ca=True)
    one = sketch(shown(issue("db.example", false), root()))
    assert one.shown is not None
    assert one.shown.authority is not None
    assert not one.shown.authority.proven


def test_another_name_than_asked_for() -> None:
    """The alias of the story."""
    assert sketch(*story("cname")).misnamed


def test_it_is_small() -> None:
    """Whatever a stranger put into a certificate: hundreds of connections are remembered."""
    names = [f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{n}" for n in range(200)]
    one = sketch(shown(issue("x" * 64, root(), names=names), root()))
    assert len(pickle.dumps(one)) < 3000
