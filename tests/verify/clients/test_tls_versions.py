"""The range of versions that a client allows, against what a server chose. tests/differential asks the libraries."""

from __future__ import annotations

import pytest

from tracer import Presented, Trust
from tracer.outcome import Ended
from tracer.verify.clients import tls_versions


def trust(low: str, high: str) -> Trust:
    return Trust(ssl_min_protocol_version=low, ssl_max_protocol_version=high)


@pytest.mark.parametrize(
    ("low", "high", "chosen", "outcome"),
    [
        ("TLSv1.2", "TLSv1.3", "TLS 1.2", None),
        ("TLSv1", "TLSv1.3", "TLS 1.0", None),
        ("", "", "SSL 3.0", None),
        ("TLSv1.3", "TLSv1.3", "TLS 1.2", "failed"),
        ("TLSv1.2", "TLSv1.2", "TLS 1.3", "cannot_tell"),  # it may have an older one, too
        ("TLSv1.2", "tlsv1.2", "TLS 1.2", None),
    ],
)
def test_the_versions_that_the_client_allows(low: str, high: str, chosen: str, outcome: str | None) -> None:
    """A server that chose an older one has no newer one; one that chose a newer one may have an older."""
    check = tls_versions.chosen(Presented(None, version=chosen), trust(low, high))
    assert (check and check.outcome) == outcome


@pytest.mark.parametrize(
    ("low", "high", "offered", "outcome"),
    [
        ("TLSv1.2", "TLSv1.3", ("TLS 1.0",), None),  # nobody named a range, and the hello has it
        ("TLSv1.2", "TLSv1.3", ("TLS 1.3", "TLS 1.2"), "failed"),
        ("TLSv1.2", "TLSv1.3", (), "failed"),  # no hello: libpq's own range
        ("TLSv1.2", "TLSv1.2", ("TLS 1.0",), "failed"),  # one that was named is what was asked about
    ],
)
def test_what_the_hello_offers(low: str, high: str, offered: tuple[str, ...], outcome: str | None) -> None:
    """Libpq's default is no fact about a client that is seen to offer something else."""
    check = tls_versions.chosen(Presented(None, version="TLS 1.0", offered=offered), trust(low, high))
    assert (check and check.outcome) == outcome


@pytest.mark.parametrize(
    ("offered", "told", "other"),
    [
        (("TLS 1.3", "TLS 1.2"), ("TLSv1.2", "TLSv1.3"), False),
        (("TLS 1.3", "TLS 1.2", "TLS 1.1"), ("TLSv1.2", "TLSv1.3"), True),
        (("TLS 1.0",), ("TLSv1.2", "TLSv1.3"), True),
        (("TLS 1.0",), ("TLSv1", "TLSv1"), False),
        ((), ("TLSv1.2", "TLSv1.3"), False),
    ],
)
def test_whether_the_hello_shows_another_range(offered: tuple[str, ...], told: tuple[str, str], other: bool) -> None:
    """Then libpq's text, which spells the range, is not known."""
    assert tls_versions.others(Presented(None, offered=offered), trust(*told)) is other


@pytest.mark.parametrize(
    ("low", "high", "wrong"),
    [("TLSv1.3", "TLSv1.2", True), ("TLSv1.2", "TLSv1.2", False), ("TLSv1.3", "", False), ("", "tlsv1", False)],
)
def test_a_range_with_nothing_in_it(low: str, high: str, wrong: bool) -> None:
    """An empty word is no bound."""
    assert tls_versions.contradictory(trust(low, high)) is wrong


@pytest.mark.parametrize(
    ("high", "openssl", "shown", "fails"),
    [
        ("TLSv1.1", (3, 5), Presented(None), True),
        ("TLSv1.1", (3, 0), Presented(None), False),
        ("TLSv1.2", (3, 5), Presented(None), False),
        ("", (3, 5), Presented(None), False),
        ("TLSv1", (3, 5), Presented(None, version="TLS 1.0"), False),
        ("TLSv1", (3, 5), Presented(None, ended=Ended("alert", "in_handshake", 70)), False),
    ],
)
def test_a_library_without_old_versions(high: str, openssl: tuple[int, int], shown: Presented, fails: bool) -> None:
    """OpenSSL 3.5 has nothing below TLS 1.2; who was seen to speak an older one had another."""
    assert (tls_versions.none_left(shown, trust("", high), openssl) is not None) is fails
