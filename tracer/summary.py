"""What an audit's rows say together: one question, one query. The tables are those of `tracer.tables`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from tracer.audit import written

if TYPE_CHECKING:
    from tracer.tables import Tables

SOON = 30  # days


@dataclass(frozen=True, slots=True)
class Answer:
    """A question with its rows. `name` is the question's in JSON; `says` explains the columns to a reader."""

    name: str
    title: str
    says: str
    columns: tuple[str, ...]
    rows: Sequence[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Summary:
    """What a whole audit says. `problems` are captures of which something could not be read, and what.

    `made` are the options that it was made with. `sessions` are the connections that came to be one, and `untold` those of
    which nobody can tell whether the client verified; `encrypted` are those with TLS, and of `unseen` ones no certificate was seen.
    """

    captures: int
    connections: int
    sessions: int
    untold: int
    encrypted: int
    unseen: int
    made: str
    at: datetime
    days: int
    answers: tuple[Answer, ...]
    problems: Sequence[tuple[str, str]]


def summary(tables: Tables, at: datetime, days: int = SOON) -> Summary:
    """Ask every question; `at` is what "within `days`" counts from."""
    captures, connections, _ = tables.counts()
    made = tables.asked()
    answers = []
    for name, (title, says, query) in QUESTIONS.items():
        values = {"at": written(at), "days": days, "judged": "--sslrootcert" in made or "--env" in made}
        columns, rows = tables.rows(query, {key: value for key, value in values.items() if f"${key}" in query})
        answers.append(Answer(name, title.format(days=days), says, tuple(columns), rows))
    sessions, untold, encrypted, unseen = (int(str(number)) for number in tables.rows(COUNTS, {})[1][0])
    told = sessions, untold, encrypted, unseen
    return Summary(captures, connections, *told, made, at, days, tuple(answers), tables.problems())


# TABLES

SESSION = "outcome IN ('established', 'plaintext') AND transport IN ('tls', 'plaintext')"
WRONG_NAME = "list_contains(consistent_with, 'verify-ca') AND NOT list_contains(consistent_with, 'verify-full')"
UNTOLD = f"verifies IS NULL AND NOT coalesce({WRONG_NAME}, false)"
COUNTS = f"""
SELECT count(*) FILTER ({SESSION}), count(*) FILTER ({SESSION} AND {UNTOLD}),
    count(*) FILTER (transport = 'tls'), count(*) FILTER (transport = 'tls' AND fingerprint IS NULL)
FROM connections
"""
# name: a title, what the rows mean, and the query; `$at` is a moment, `$days` a number of days, `$judged` whether there was a root file
QUESTIONS = {
    "unverified": (
        "Clients that do not authenticate the database",
        (
            "Of all `sessions` of a client: in `unchecked` neither the CA nor the name can have been checked, so that "
            "anybody could have answered; in `wrong name` the name was not that of the certificate, and the client went "
            "on; `cannot tell` counts those that look the same whether the client checks or not: all was in order, or sealed."
        ),
        f"""
        SELECT client, string_agg(DISTINCT "user", ', ' ORDER BY "user") AS "user",
            count(*) FILTER (verifies = false) AS unchecked,
            count(*) FILTER ({WRONG_NAME}) AS "wrong name", count(*) AS sessions,
            count(*) FILTER ({UNTOLD}) AS "cannot tell"
        FROM connections WHERE {SESSION} GROUP BY client HAVING unchecked + "wrong name" > 0
        ORDER BY unchecked DESC, "wrong name" DESC, client
        """,
    ),
    "plaintext": (
        "In plaintext",
        "`downgraded`: TLS had failed just before, and the client came back without it, as sslmode=prefer does.",
        f"""
        SELECT client, "user", server || ':' || server_port AS server, count(*) AS sessions,
            count(*) FILTER (downgraded) AS downgraded
        FROM connections WHERE {SESSION} AND transport = 'plaintext' GROUP BY ALL
        ORDER BY downgraded DESC, sessions DESC, client, "user", server
        """,
    ),
    "expiring": (
        "Certificates that end within {days} days, or have ended",
        "`clients`: how many different addresses connect there.",
        """
        SELECT server || ':' || server_port AS server, certificate, expires,
            date_diff('day', $at::TIMESTAMP, expires) AS days, count(DISTINCT client) AS clients
        FROM connections WHERE expires < $at::TIMESTAMP + to_days($days::INTEGER)
        GROUP BY server, server_port, certificate, expires, fingerprint ORDER BY expires, server, certificate
        """,
    ),
    "authorities": (
        "Who breaks when a CA changes",
        (
            "Clients, by their addresses and the CA of the servers they connect to. `verify`: somewhere the client has refused a server for its "
            "certificate, so it needs the new root first. `may`: nothing shows whether it verifies. `never`: each of its "
            "sessions shows that it does not. `refused`: of those in `verify` and `may`, whose server verify-ca refuses, with the root "
            "file and at the time that the audit was made with; - where it was made without one."
        ),
        f"""
        WITH clients AS (
            SELECT client, coalesce(bool_or(verifies), false) AS checks,
                coalesce(bool_and(coalesce(NOT verifies, false)) FILTER ({SESSION}), false) AS careless
            FROM connections GROUP BY client
        )
        SELECT authority, count(DISTINCT fingerprint) AS certificates,
            count(DISTINCT client) FILTER (checks) AS verify,
            count(DISTINCT client) FILTER (NOT checks AND NOT careless) AS may,
            count(DISTINCT client) FILTER (NOT checks AND careless) AS never,
            CASE WHEN $judged THEN count(DISTINCT client) FILTER (verify_ca = 'refuse' AND (checks OR NOT careless)) END AS refused
        FROM connections JOIN clients USING (client)
        WHERE authority IS NOT NULL GROUP BY authority ORDER BY verify DESC, may DESC, authority
        """,
    ),
    "versions": (
        "TLS versions",
        "",
        """
        SELECT coalesce(version, CASE transport WHEN 'tls' THEN 'TLS, its version not seen' ELSE transport END, 'ended before') AS version, count(*) AS connections,
            count(DISTINCT client) AS clients, min(started) AS first, max(started) AS last
        FROM connections GROUP BY ALL ORDER BY version
        """,
    ),
}
