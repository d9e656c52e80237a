"""What an audit's rows say together: of the stories, as of a few servers and clients."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest

from tests.test_audit import CAPTURES
from tests.test_tables import NAMES, capture, place
from tracer import read
from tracer.audit import audit
from tracer.places import Place
from tracer.report import report
from tracer.summary import QUESTIONS, Summary, summary
from tracer.tables import Tables
from tracer.verify import Trust

AT = datetime(2026, 11, 25, tzinfo=UTC)


def asked(*stories: tuple[str, str], at: datetime = AT, days: int = 30) -> Summary:
    """The summary of stories, each with the address that its client has."""
    tables = Tables(None)
    client = NAMES.index("client")
    for number, (name, address) in enumerate(stories):
        found = capture(name)
        rows = [[*row[:client], address, *row[client + 1 :]] for row in found.rows]
        tables.add([(Place(f"{number} {name}", 1, "1"), found._replace(rows=rows))])
    return summary(tables, at, days)


def answer(found: Summary, name: str) -> list[dict[str, object]]:
    (one,) = [each for each in found.answers if each.name == name]
    return [dict(zip(one.columns, row, strict=True)) for row in one.rows]


def test_clients_that_authenticate_nobody() -> None:
    """Those whose sessions show it; one that verifies, and one of which nothing is known, are not accused."""
    found = asked(
        ("no-tls-prefer", "10.0.0.1"),
        ("verify-full", "10.0.0.1"),
        ("sibling-verify-ca", "10.0.0.2"),
        ("wrong-root", "10.0.0.3"),
        ("no-root-file", "10.0.0.4"),
    )
    counts = ("unchecked", "wrong name", "sessions", "cannot tell")
    rows = {row["client"]: tuple(row[name] for name in counts) for row in answer(found, "unverified")}
    assert rows == {"10.0.0.1": (1, 0, 2, 1), "10.0.0.2": (0, 1, 1, 0)}


def test_what_is_not_known_is_counted() -> None:
    """Also beside others who are known: sealed sessions of the same client, and of anybody else."""
    found = asked(("no-tls-prefer", "10.0.0.1"), ("no-root-file-sealed", "10.0.0.1"), ("verify-full", "10.0.0.2"))
    (row,) = answer(found, "unverified")
    assert (row["client"], row["user"], row["sessions"], row["unchecked"], row["cannot tell"]) == (
        "10.0.0.1",
        "app",
        2,
        1,
        1,
    )
    assert (found.sessions, found.untold) == (3, 2)
    assert (found.encrypted, found.unseen) == (2, 1)


def test_plaintext_and_downgraded() -> None:
    """The one that came back without TLS stands first."""
    found = asked(("no-tls-prefer", "10.0.0.1"), ("prefer-wrong-root", "10.0.0.2"), ("verify-full", "10.0.0.3"))
    rows = [(row["client"], row["sessions"], row["downgraded"]) for row in answer(found, "plaintext")]
    assert rows == [("10.0.0.2", 1, 1), ("10.0.0.1", 1, 0)]


def test_certificates_that_end_soon() -> None:
    """Within so many days of a moment that is named; the certificate once, whoever connects."""
    stories = (("verify-full", "10.0.0.1"), ("verify-full", "10.0.0.2"))
    ends = datetime(2027, 10, 25, tzinfo=UTC)
    assert answer(asked(*stories), "expiring") == []
    assert answer(asked(*stories, at=ends - timedelta(days=31)), "expiring") == []
    (row,) = answer(asked(*stories, at=ends - timedelta(days=29)), "expiring")
    assert (row["certificate"], row["days"], row["clients"]) == ("my-rds.example.test", 29, 2)
    (row,) = answer(asked(*stories, at=ends + timedelta(days=2)), "expiring")
    assert row["days"] == -2


def test_who_depends_on_which_authority() -> None:
    """Who verifies needs the new root first; who never does will notice nothing; of most nobody knows."""
    found = asked(
        ("sibling-verify-full", "10.0.0.1"),  # it leaves because of the name
        ("verify-full", "10.0.0.1"),
        ("verify-full", "10.0.0.2"),
        ("pooler-own-root", "10.0.0.3"),
    )
    rows = {row["authority"]: (row["verify"], row["may"], row["never"]) for row in answer(found, "authorities")}
    assert rows == {"Example RDS eu-test-1 Root CA RSA2048 G1": (1, 1, 0), "Example Trust Root CA 1": (0, 1, 0)}


def test_who_is_refused() -> None:
    """With a root file that the audit was made with; without one nothing was judged, and that is not 0."""
    assert [row["refused"] for row in answer(asked(("verify-full", "10.0.0.1")), "authorities")] == [None]
    tables = Tables(None, "--sslrootcert other.pem")
    about = partial(report, trust=Trust(roots=(), time=AT), asked=True)
    tables.add([(place("verify-full"), audit(read(CAPTURES / "verify-full" / "capture.pcapng"), about))])
    made = summary(tables, AT)
    assert (made.made, [row["refused"] for row in answer(made, "authorities")]) == ("--sslrootcert other.pem", [1])


def test_versions() -> None:
    """Each with its connections; what is no TLS is called what it is."""
    found = asked(("verify-full", "a"), ("verify-full", "b"), ("verify-full-tls12", "a"), ("no-tls-prefer", "a"))
    rows = {row["version"]: (row["connections"], row["clients"]) for row in answer(found, "versions")}
    assert rows == {"TLS 1.3": (2, 2), "TLS 1.2": (1, 1), "plaintext": (1, 1)}


def test_an_empty_audit() -> None:
    """Every question has an answer, and it is empty."""
    found = asked()
    assert [each.name for each in found.answers] == list(QUESTIONS)
    assert not any(each.rows for each in found.answers)
    assert (found.captures, found.connections) == (0, 0)


@pytest.mark.parametrize("folder", sorted(CAPTURES.glob("*/case.toml")), ids=lambda path: path.parent.name)
def test_no_client_is_accused_that_verifies(folder) -> None:
    """Of no story with verify-full does the summary say that anybody could have answered."""
    if 'sslmode = "verify-full"' in folder.read_text():
        assert answer(asked((folder.parent.name, "10.0.0.1")), "unverified") == []


def test_problems_are_told() -> None:
    """With the capture that they are of."""
    tables = Tables(None)
    tables.add([(place("verify-full"), capture("verify-full")._replace(problems=["cut short"]))])
    assert list(summary(tables, AT).problems) == [(place("verify-full").name, "cut short")]
