"""What is remembered is what would be said anew, at every moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import pytest

import tracer
from tracer.certificates import Certificate, from_pem
from tracer.verify import SSLMODES, clients, remembered
from tracer.verify.model import Roots

CAPTURES = Path(__file__).resolve().parents[2] / "captures"
ROOTS = {name: from_pem((CAPTURES / name / "roots.pem").read_bytes()) for name in ("verify-full", "wrong-root")}
CLIENTS = [clients.get("libpq"), clients.get("libpq-12")]


def shown(story: str) -> tracer.Presented:
    source = tracer.read(CAPTURES / story / "capture.pcapng")
    return next(tracer.follow(connection, source.keys) for connection in tracer.reassemble(source)).presented


PRESENTED = [
    shown("verify-full"),
    shown("expired-server"),
    shown("no-tls-require"),
    tracer.Presented(None),
    tracer.Presented(()),
]


def edges() -> list[datetime]:
    """Moments around every date of a certificate, to the microsecond."""
    everything: list[Certificate] = [*ROOTS["verify-full"], *(PRESENTED[1].certificates or ())]
    dates = {date for one in everything for date in (one.not_before, one.not_after) if date}
    near = (timedelta(seconds=s, microseconds=m) for s in (-1, 0, 1) for m in (-1, 0, 1))
    return sorted({date + step for step in near for date in dates})


@hypothesis.given(
    presented=st.sampled_from(PRESENTED),
    roots=st.sampled_from(
        [tracer.UNKNOWN, None, [], ROOTS["verify-full"], tuple(ROOTS["wrong-root"]), "system", tracer.Unusable("x")]
    ),
    host=st.sampled_from([tracer.UNKNOWN, None, "my-rds.example.test", "other.test"]),
    time=st.sampled_from(edges()) | st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    client=st.sampled_from(CLIENTS),
    level=st.sampled_from([0, 2]),
)
@hypothesis.settings(max_examples=400)
def test_the_table_is_the_replays(presented, roots: Roots, host, time: datetime, client, level: int) -> None:
    """Mode by mode the remembered verdict is the one that the client says anew."""
    trust = tracer.Trust(host=host, roots=roots, time=time, security_level=level)
    anew = {mode: client(presented, replace(trust, sslmode=mode)) for mode in SSLMODES}
    assert remembered.table(presented, trust, client) == anew


def test_two_moments_between_the_same_dates() -> None:
    """What is said of the first is true of the second, word for word."""
    trust = tracer.Trust(host="db", roots=ROOTS["verify-full"], time=datetime(2026, 11, 24, tzinfo=UTC))
    later = replace(trust, time=trust.time + timedelta(days=1))
    remembered.table(PRESENTED[0], trust, CLIENTS[0])
    anew = {mode: CLIENTS[0](PRESENTED[0], replace(later, sslmode=mode)) for mode in SSLMODES}
    assert remembered.table(PRESENTED[0], later, CLIENTS[0]) == anew


def test_it_is_remembered() -> None:
    """The same question, asked at another time between the same dates, judges no chain again."""
    asked = []

    def counting(presented: tracer.Presented, trust: tracer.Trust) -> tracer.Verdict:
        asked.append(trust.sslmode)
        return CLIENTS[0](presented, trust)

    trust = tracer.Trust(host="db", roots=ROOTS["verify-full"], time=datetime(2026, 11, 24, tzinfo=UTC))
    first = remembered.table(PRESENTED[0], trust, counting)
    later = remembered.table(PRESENTED[0], replace(trust, time=trust.time + timedelta(hours=1)), counting)
    assert len(asked) == len(SSLMODES)
    assert {verdict.time for verdict in later.values()} == {trust.time + timedelta(hours=1)}
    assert [verdict.checks for verdict in first.values()] == [verdict.checks for verdict in later.values()]


@pytest.mark.parametrize("name", clients.names())
def test_a_name_is_one_client(name: str) -> None:
    """Asked for twice it is the same, or nothing would be remembered."""
    assert clients.get(name) is clients.get(name)
