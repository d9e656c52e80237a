"""What other libraries make of OpenSSL's faults; tests/differential asks the libraries themselves, on every chain of its tables."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from tests.differential.certificates import Issued, ca, servers
from tracer.certificates import Presented
from tracer.verify.clients.driver import with_alert
from tracer.verify.clients.libraries import GO, JAVA, NODE, PYTHON, Library, chain, reaches
from tracer.verify.model import Trust

LEAVES = {server.name: server for family in ("chains", "leaves", "names") for server in servers(family)}


def first(library: Library, name: str, *roots: Issued) -> tuple[str, str | None]:
    """What becomes of the first of chain and dates, and the alert or the text."""
    presented = Presented.from_der([issued.der for issued in LEAVES[name].sends])
    trust = Trust(sslmode="verify-ca", roots=certificates(roots or (ca()["own"],)))
    step = chain(library, presented, trust, partial(with_alert, sealed=True))[0]
    return step.check.outcome, step.wire if step.check.outcome == "failed" else None


def certificates(roots: tuple[Issued, ...]) -> list:
    from tracer.certificates import Certificate

    return [Certificate.from_der(one.der) for one in roots]


@pytest.mark.parametrize(
    ("name", "openssl", "node", "go", "java"),
    [
        ("dns", "", "", "", ""),
        ("ended", "45", "45", "42", "45"),
        ("for clients", "43", "43", "42", "46"),
        ("for any purpose", "43", "43", "", ""),
        ("key for certificates", "43", "43", "", "46"),
        ("rsa1024 key", "42", "?", "", ""),
        ("forged", "51", "51", "42", "42"),
        ("forged and ended", "51", "45", "42", "45"),
        ("path too long", "48", "48", "42", "46"),
    ],
)
def test_the_same_chain(name: str, openssl: str, node: str, go: str, java: str) -> None:
    """The alert of each, as the drivers were seen to send it, or would where they send none; nothing where it passes, and ? where that depends."""
    for library, number in ((PYTHON, openssl), (NODE, node), (GO, go), (JAVA, java)):
        wanted = (
            ("cannot_tell", None) if number == "?" else ("failed", f"alert:{number}") if number else ("passed", None)
        )
        assert first(library, name) == wanted, library.name


def test_the_level_of_node_s_openssl() -> None:
    """Its own takes a key of RSA 1024, that of a distribution does not: which one it is no capture shows."""
    presented = Presented.from_der([issued.der for issued in LEAVES["rsa1024 key"].sends])
    trust = Trust(sslmode="verify-ca", roots=certificates((ca()["own"],)))
    step = chain(NODE, presented, trust, with_alert)[0]
    assert step.check.because == (
        "Node's OpenSSL of security level 1 does not mind, that of level 2 refuses: EE certificate key too weak"
    )
    assert chain(NODE, presented, replace(trust, security_level=1), with_alert)[0].check.outcome == "passed"


@pytest.mark.parametrize(("library", "enough"), [(PYTHON, False), (NODE, False), (GO, True), (JAVA, True)])
def test_an_intermediate_in_the_root_file(library: Library, enough: bool) -> None:
    """To Go and Java it is an anchor, to OpenSSL only a root is."""
    assert first(library, "intermediate sent", ca()["inter"])[0] == ("passed" if enough else "failed")


def test_a_way_to_an_anchor() -> None:
    presented = Presented.from_der([issued.der for issued in LEAVES["both crosses"].sends])
    assert reaches(presented, Trust(roots=certificates((ca()["own"],))))
    assert reaches(presented, Trust(roots=certificates((ca()["other"],))))
    assert not reaches(presented, Trust(roots=()))
