"""Chain and dates as checks: what is certain without the client's root file, and what is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests import authority
from tests.verify import pki
from tests.verify.pki import seq
from tracer.certificates import Certificate, Presented
from tracer.verify import UNKNOWN, Trust, replay
from tracer.verify.checks import NOT_REPLAYED, chain_and_validity
from tracer.verify.clients.libpq_texts import weak_for_system

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
NOW = datetime(2026, 11, 24, tzinfo=UTC)
LATER = datetime(2040, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def presented() -> Presented:
    """The chain of a story, root included, as its capture shows it."""
    import tracer

    source = tracer.read(CAPTURES / "verify-full" / "capture.pcapng")
    return next(tracer.follow(c, source.keys) for c in tracer.reassemble(source)).presented


def trust(mode: str, **changes: object) -> Trust:
    return replace(Trust(host="my-rds.example.test", sslmode=mode, time=NOW), **changes)  # type: ignore[arg-type]


def test_without_a_root_file_nobody_looks(presented: Presented) -> None:
    """Both checks are not done, and have no place."""
    chain, dates, _ = chain_and_validity(presented, trust("require", roots=None))
    assert [(c.outcome, c.when) for c in (chain, dates)] == [("not_done", None), ("not_done", None)]


def test_an_unknown_root_file_leaves_the_chain_open(presented: Presented) -> None:
    """The chain may be good against its own root; that the client trusts it is not ours to say."""
    chain, dates, _ = chain_and_validity(presented, trust("verify-ca", roots=UNKNOWN))
    assert (chain.outcome, dates.outcome) == ("cannot_tell", "cannot_tell")
    assert "good against the root that the server itself sent" in chain.because
    assert dates.because.startswith("the server's own certificate is in its time")
    assert "--sslrootcert" in dates.because


def test_a_late_leaf_refuses_whatever_the_root_file(presented: Presented) -> None:
    """verify-ca and verify-full need a root file, and each root file finds the leaf out of its time."""
    for mode in ("verify-ca", "verify-full"):
        verdict = replay(presented, trust(mode, roots=UNKNOWN, time=LATER))
        assert verdict.outcome == "refuse"
        assert verdict.refused_by is not None
        assert verdict.refused_by.code == 10


@pytest.mark.parametrize("mode", ["prefer", "require"])
def test_a_late_leaf_is_nothing_to_a_client_without_a_root_file(presented: Presented, mode: str) -> None:
    """With the root file unknown there may be none, and then nobody looks at the dates either."""
    assert replay(presented, trust(mode, roots=UNKNOWN, time=LATER)).outcome == "cannot_tell"
    assert replay(presented, trust(mode, roots=None, time=LATER)).outcome == "accept"


def test_a_late_leaf_without_its_root(presented: Presented) -> None:
    """The same holds when the server does not send its root."""
    assert presented.certificates is not None
    alone = replace(presented, certificates=presented.certificates[:2])
    assert replay(alone, trust("require", roots=UNKNOWN, time=LATER)).outcome == "cannot_tell"
    assert replay(alone, trust("verify-ca", roots=UNKNOWN, time=LATER)).outcome == "refuse"


def test_a_late_root_may_be_another_one_in_the_file() -> None:
    """Of what stands above the leaf the client's file decides: it may hold a renewed one, or a late one of the same key."""
    late = authority.issue("Late Root", ca=True, days=10)
    leaf = authority.issue("db.example", late, days=300)
    presented = Presented.from_der([leaf.der, late.der])
    told = Trust(host="db.example", sslmode="verify-ca", time=authority.BEGIN + timedelta(days=100))
    _, dates, _ = chain_and_validity(presented, told)
    assert (dates.outcome, dates.certificate) == ("cannot_tell", None)
    assert "Late Root ended on" in dates.because
    assert replay(presented, replace(told, roots=[Certificate.from_der(late.der)])).outcome == "refuse"


def test_a_wrong_name_refuses_whatever_the_root_file(presented: Presented) -> None:
    """Either the chain fails first, or the name does."""
    verdict = replay(presented, trust("verify-full", roots=UNKNOWN, host="other.example.test"))
    assert verdict.outcome == "refuse"
    assert verdict.wire == "no_hello|alert|no_startup"


def test_the_system_s_store() -> None:
    """Known, it is judged like a root file, without revocation lists; unknown, it is said where it could come from."""
    root = authority.issue("Root", ca=True)
    presented = Presented.from_der([authority.issue("db.example", root).der])
    told = Trust(
        host="db.example", sslmode="verify-full", roots="system", time=authority.BEGIN + timedelta(days=1), crls=[]
    )
    assert replay(presented, told).outcome == "cannot_tell"
    assert "--env" in replay(presented, told).checks[0].because
    known = replace(told, store=[root.certificate])
    assert (replay(presented, known).outcome, replay(presented, known).authenticated) == ("accept", True)
    refused = replay(presented, replace(told, store=[])).refused_by
    assert (refused and refused.code) == 20
    assert replay(presented, replace(known, sslmode="require")).prints == weak_for_system("require")
    old = replay(presented, known, "libpq-15")  # a file of that name
    assert (old.outcome, (old.prints or "").split("\n")[0]) == (
        "refuse",
        'root certificate file "system" does not exist',
    )


@pytest.mark.parametrize("extension", NOT_REPLAYED)
def test_what_is_not_replayed_cannot_be_told(extension: str) -> None:
    """A leaf with resources of RFC 3779 may fail for them alone; another fault stands in front of that."""
    key, name = pki.keys()[0], pki.cn("Root")
    root = pki.certificate(pki.Plan(name, name, key, key, extensions=(pki.basic(True),)))
    leaf = pki.certificate(
        pki.Plan(pki.cn("db"), name, pki.keys()[1], key, extensions=(pki.extension(extension, seq()),))
    )
    told = Trust(host="db", sslmode="verify-ca", roots=[Certificate.from_der(root)], time=pki.NOW)
    verdict = replay(Presented.from_der([leaf]), told)
    assert verdict.outcome == "cannot_tell"
    assert "RFC 3779" in verdict.checks[0].because
    assert replay(Presented.from_der([leaf]), replace(told, roots=[])).outcome == "refuse"
