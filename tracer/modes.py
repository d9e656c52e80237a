"""What a connection string makes each client check, with no capture: its steps are asked about a server that exists nowhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest

from tracer.certificates import Presented
from tracer.settings import DEFAULT, RAISED, Settings, value
from tracer.verify import clients, example
from tracer.verify.clients.driver import Profile
from tracer.verify.hostnames import address
from tracer.verify.model import UNKNOWN, Outcome, Roots, Trust, Unusable, Verdict

WEAK = ("disable", "allow", "prefer")  # they go on in plaintext


@dataclass(frozen=True)
class Mode:
    """What one client does with one connection string.

    `file`: the root file that it would read, as far as it is named; `there`: whether that can be used, None where it was not
    looked for. The verdicts are on an example server: `good` with its root in the file, `stranger` with another root there,
    `sibling` on a server of that root that is not the one that was told, `missing` without the file, `no_tls` on a server that answers N; `unusable` with the file as
    it is, where it is there and cannot be used; `as_is` on the good server with the file as it is here. A libpq that was
    given an address alone keeps to that: it has no name to verify. `host` is what was told, a list too, or the address;
    `mend` the fewest parameters that make it safe, () where it is or where none would. `waits`: its file is a pipe into which
    nobody writes. `gssapi`: it asks for GSSAPI encryption, and not for TLS. `foreign`: a word of libpq's that decides here, and of
    which nobody has looked at what this driver makes of it. `stopped`: what libpq says where its own certificate stops it.
    `sockets`: the hosts that are Unix sockets, on which libpq has no TLS; what a driver does there was not looked at.
    `binding`: without TLS, and where the server does not know the password's verifier, libpq does not log in.
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
    as_is: Verdict
    host: str | None = None
    mend: tuple[str, ...] = ()
    unusable: Verdict | None = None
    waits: bool = False
    gssapi: bool = False
    foreign: str | None = None
    stopped: str | None = None
    binding: bool = False
    sockets: tuple[str, ...] = ()

    @property
    def socket(self) -> bool:
        """Whether there is no other host."""
        return bool(self.sockets) and self.host is not None and len(self.sockets) == self.host.count(",") + 1

    @property
    def by_address(self) -> bool:
        """Whether a driver was given an IPv6 address, of which each has its own way to write it."""
        return not self.client.startswith("libpq") and _bytes_of(self.host or "") == 16

    @property
    def refuses(self) -> bool:
        """Whether it connects to nobody, as it is."""
        return self.as_is.outcome == "refuse" and not (self.sockets or self.waits or self.gssapi or self.foreign)

    @property
    def safe(self) -> bool | None:
        """Whether only the server that was meant is connected to; None where none is, where that cannot be told, and on a socket."""
        if self.socket or self.waits or self.gssapi or self.foreign or self.refuses or self.by_address:
            return None
        if self.sockets:
            return False if self.client.startswith("libpq") else None
        safe = _safe(self.as_is, self.stranger, self.sibling, self.no_tls)
        return safe or (None if self.binding else False)

    def checked(self, step: str) -> bool:
        """Whether that is checked with the root file as it is; of a store that is not here, as with a file."""
        verdict = self.good if self.as_is.outcome == "cannot_tell" else self.as_is
        return verdict.outcome == "cannot_tell" or _passed(verdict, step)

    def looks(self, step: str) -> str | None:
        """When this client checks the chain, the dates or the name, where its root file is there; None when it does not."""
        check = self.good.check(step)
        return check.when if check is not None and check.outcome == "passed" else None


def explain_mode(client: str, trust: Trust, settings: Settings, stopped: str | None = None) -> Mode:
    """Ask a client of `clients.names()`. `trust` holds what was told, and the state of the root file. Raises `TracerError`.

    `stopped` is what libpq says of its own certificate where that stops it.
    """
    profile = clients.drivers().get(client)
    set_by = settings.get("sslmode")
    # what libpq makes of sslrootcert=system is no driver's rule
    nobody = (DEFAULT,) if profile is None else (DEFAULT, RAISED)
    told = set_by is not None and set_by.origin not in nobody
    named = bool(value(settings, "sslrootcert"))
    word = "" if set_by is None else set_by.origin.partition(" in ")[0]
    mode = trust.sslmode if told or profile is None else profile.default
    if profile is not None and word == "ssl=true":
        mode = profile.ssl_true or mode
    own, nameless = trust.roots, profile is None and trust.host is None
    meant = None if nameless else _meant(settings)
    known = None if nameless else example.ADDRESS if profile and _bytes_of(meant or "") == 4 else example.HOST
    # with these direct negotiation is refused, else it asks the server for more
    negotiation = trust.sslnegotiation if mode in WEAK else Trust().sslnegotiation
    # without a list nobody passes; those that are there are not about the example
    crls = () if trust.crls == () else None
    trust = replace(_of_checks(trust), sslmode=mode, host=known, hostaddr=None, time=example.TIME)
    if profile is not None and not named:
        trust = replace(trust, root_path=None)
    system = own == "system"
    good: Roots = "system" if system else (example.root(),)
    reads = profile is None or named or profile.default_file
    unread = own is UNKNOWN or system or not reads
    here = good if system or own is UNKNOWN else _here(own, good) if reads else None
    ask = partial(_ask, client, trust)
    found = Mode(
        client=client,
        basis=ask(good).basis,
        sslmode=mode,
        told=told,
        file=_file(trust, client),
        there=None if unread else own is not None and not isinstance(own, Unusable),
        good=ask(good),
        stranger=ask("system" if system else (example.another_root(),)),
        sibling=ask(good, example.other_server(), meant),
        missing=ask(None),
        no_tls=ask(good, example.without_tls(), meant),
        as_is=ask(here),
        host=value(settings, "host") or value(settings, "hostaddr") or None,
        unusable=ask(own) if isinstance(own, Unusable) and reads else None,
        waits=own is UNKNOWN and reads,
        gssapi=(profile is None or profile.name == "pgjdbc") and trust.gssencmode == "require",
        foreign=None if profile is None else _foreign(profile, settings, word),
        stopped=stopped if profile is None and mode != "disable" and trust.gssencmode != "require" else None,
        sockets=_sockets(settings),
        binding=profile is None and value(settings, "channel_binding") == "require",
    )
    if found.stopped:
        return _stopped(found, found.stopped)
    to_mend = found.refuses or (found.safe is False and not found.sockets)
    mend = _mend(client, trust, here) if to_mend else ()
    here_too = replace(trust, crls=crls, sslnegotiation=negotiation)
    return replace(found, mend=mend, as_is=_ask(client, here_too, here))


def _stopped(found: Mode, words: str) -> Mode:
    """The same for a libpq whose own certificate fails where TLS begins: these are its `words`."""
    outcome: Outcome = "plaintext" if found.sslmode in WEAK else "refuse"
    as_is = replace(found.as_is, outcome=outcome, authenticated=False, prints=words, refused_by=None)
    return replace(found, as_is=as_is, mend=("sslkey=FILE",) if words.startswith("certificate present") else ())


def _foreign(profile: Profile, settings: Settings, word: str) -> str | None:
    """The word of a string that libpq takes and this driver was not asked about; `word` has set the sslmode."""
    if value(settings, "hostaddr"):
        return "hostaddr"
    known = not word.lower().startswith(("requiressl", "pgrequiressl", "ssl=true"))
    return None if known or (word == "ssl=true" and profile.ssl_true) else word


def _sockets(settings: Settings) -> tuple[str, ...]:
    """Those without an address; an empty host is one, too, where there are several."""
    hosts, addresses = (value(settings, name).split(",") for name in ("host", "hostaddr"))
    pairs = zip_longest(hosts, addresses, fillvalue="")
    empty = "an empty host"
    found = (host or empty * (len(hosts) > 1) for host, address in pairs if not address)
    return tuple(host for host in found if host == empty or host.startswith(("/", "@")))


def _meant(settings: Settings) -> str:
    """The host that was told, of several the first; an example's where that is none, or happens to be the other server."""
    hosts = (value(settings, "host") or value(settings, "hostaddr")).split(",")
    host = next((host for host in hosts if host and not host.startswith(("/", "@"))), example.HOST)
    return example.HOST if host.lower().rstrip(".") == example.OTHER_HOST else host


def _bytes_of(host: str) -> int:
    """How many bytes an address has; 0 for a name."""
    return len(address(host) or b"")


def _of_checks(trust: Trust) -> Trust:
    """Without what asks the server for something that the example has not: who is checked does not depend on that."""
    plain = Trust()
    return replace(
        trust,
        crls=None,
        sslnegotiation=plain.sslnegotiation,
        channel_binding=plain.channel_binding,
        sslcertmode=plain.sslcertmode,
        require_auth=plain.require_auth,
        ssl_min_protocol_version=plain.ssl_min_protocol_version,
        ssl_max_protocol_version=plain.ssl_max_protocol_version,
    )


def _here(own: Roots, good: Roots) -> Roots:
    """The root file as it is, with the good server's root in the place of what it holds."""
    return own if own is None or isinstance(own, Unusable) else good


def _ask(client: str, trust: Trust, roots: Roots, shown: Presented | None = None, host: str | None = None) -> Verdict:
    """What the client does with these roots, on the example server or on what is `shown` to who wants `host`."""
    return clients.get(client)(shown or example.server(), replace(trust, roots=roots, host=host or trust.host))


def _mend(client: str, trust: Trust, here: Roots) -> tuple[str, ...]:
    """The fewest parameters with which the replay finds it safe: another sslmode, a root file, a name."""
    ways: tuple[tuple[str, bool], ...] = (
        (trust.sslmode, True), ("verify-full", False), ("verify-full", True), ("require", False), ("require", True)
    )  # fmt: skip
    if trust.host is None:
        ways = ((trust.sslmode, False), *ways)  # a name alone may do
    named = replace(trust, host=trust.host or example.HOST)
    for mode, file in ways:
        roots: Roots = (example.root(),) if file else here
        ask = partial(_ask, client, replace(named, sslmode=mode, root_path="FILE" if file else trust.root_path))
        stranger: Roots = roots if roots in (None, "system") else (example.another_root(),)
        if _safe(ask(roots), ask(stranger), ask(roots, example.other_server()), ask(roots, example.without_tls())):
            changed = (f"sslmode={mode}",) if mode != trust.sslmode else ()
            return (*("host=NAME",) * (trust.host is None), *changed, *("sslrootcert=FILE",) * file)
    return ()


def _safe(good: Verdict, stranger: Verdict, sibling: Verdict, no_tls: Verdict) -> bool:
    """Whether the good server is known by chain and name, and no other is connected to; a store that is not here may do that."""
    if good.outcome == "accept":
        known = _passed(good, "chain") and _passed(good, "name")
    else:
        known = good.outcome == "cannot_tell"
    kept_out = (stranger.outcome, sibling.outcome, no_tls.outcome)
    return known and no_tls.outcome == "refuse" and all(one in ("refuse", "cannot_tell") for one in kept_out)


def _passed(verdict: Verdict, step: str) -> bool:
    check = verdict.check(step)
    return check is not None and check.outcome == "passed"


def _file(trust: Trust, client: str) -> str:
    """Which root file: the one that was named, else what this client takes."""
    profile = clients.drivers().get(client)
    if profile is None:
        return trust.root_path or "~/.postgresql/root.crt"
    return trust.root_path or profile.files
