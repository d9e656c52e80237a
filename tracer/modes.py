"""What a connection string makes each client check, with no capture: its steps are asked about a server that exists nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tracer.certificates import Presented
from tracer.settings import DEFAULT, RAISED, Settings, value
from tracer.verify import clients, example
from tracer.verify.model import UNKNOWN, Roots, Trust, Unusable, Verdict


@dataclass(frozen=True)
class Mode:
    """What one client does with one connection string.

    `file`: the root file that it would read, as far as it is named; `there`: whether that can be used, None where it was not
    looked for. The verdicts are on an example server: `good` with its root in the file, `stranger` with another root there,
    `sibling` with another name, `missing` without the file, `no_tls` on a server that answers N; `unusable` with the file as
    it is, where it is there and cannot be used. A libpq that was given an address alone keeps to that: it has no name to verify.
    """

    client: str
    basis: str | None
    sslmode: str
    told: bool  # whether the connection string has an sslmode
    file: str
    there: bool | None
    good: Verdict
    stranger: Verdict
    sibling: Verdict
    missing: Verdict
    no_tls: Verdict
    unusable: Verdict | None = None

    def looks(self, step: str) -> str | None:
        """When this client checks the chain, the dates or the name, where its root file is there; None when it does not."""
        check = self.good.check(step)
        return check.when if check is not None and check.outcome == "passed" else None


def explain_mode(client: str, trust: Trust, settings: Settings) -> Mode:
    """Ask a client of `clients.names()`. `trust` holds what was told, and the state of the root file. Raises `TracerError`."""
    profile = clients.drivers().get(client)
    set_by = settings.get("sslmode")
    nobody = (
        (DEFAULT,) if profile is None else (DEFAULT, RAISED)
    )  # what libpq makes of sslrootcert=system is no driver's rule
    told = set_by is not None and set_by.origin not in nobody
    named = bool(value(settings, "sslrootcert"))
    mode = trust.sslmode if told or profile is None else profile.default
    own, nameless = trust.roots, profile is None and trust.host is None
    trust = replace(trust, sslmode=mode, host=example.HOST, hostaddr=None, time=example.TIME, crls=None)
    if profile is not None and not named:
        trust = replace(trust, root_path=None)

    def ask(shown: Presented, roots: Roots, host: str = example.HOST) -> Verdict:
        return clients.get(client)(shown, replace(trust, roots=roots, host=None if nameless else host))

    root, system = (example.root(),), trust.roots == "system"
    good = ask(example.server(), "system" if system else root)
    reads = profile is None or named or profile.default_file
    unread = trust.roots is UNKNOWN or system or not reads
    return Mode(
        client=client,
        basis=good.basis,
        sslmode=mode,
        told=told,
        file=_file(trust, client),
        there=None if unread else trust.roots is not None and not isinstance(trust.roots, Unusable),
        good=good,
        stranger=ask(example.server(), "system" if system else (example.another_root(),)),
        sibling=ask(example.server(), "system" if system else root, example.OTHER_HOST),
        missing=ask(example.server(), None),
        no_tls=ask(example.without_tls(), "system" if system else root),
        unusable=ask(example.server(), own) if isinstance(own, Unusable) and reads else None,
    )


def _file(trust: Trust, client: str) -> str:
    """Which root file: the one that was named, else what this client takes."""
    profile = clients.drivers().get(client)
    if profile is None:
        return trust.root_path or "~/.postgresql/root.crt"
    return trust.root_path or profile.files
