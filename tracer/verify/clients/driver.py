"""What the profiles of drivers have in common: attempts in order, steps in order, and how one leads to the next.

A profile is a file beside this one: its `Profile` at the end names the version that was run or read, what each sslmode
means, and the functions that are its steps. Here is only what every driver does the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from tracer.certificates import Presented
from tracer.outcome import Ended
from tracer.verify.clients.libpq_steps import DEFAULT_ROOT
from tracer.verify.clients.libraries import ANY
from tracer.verify.clients.spellings import PLAIN, Spelling
from tracer.verify.clients.verdicts import Step, certain, knows_the_server, possible, verdict
from tracer.verify.hostnames import Rule
from tracer.verify.model import SSLMODES, Check, Trust, Unusable, Verdict, When
from tracer.verify.words import ALERT_NAMES

Steps = Callable[[Presented, Trust], Iterable[Step]]


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A driver. `modes`: what an sslmode makes it try, in order; one that is missing is none to it.

    `before`: what stops it before any packet. `inside`: its steps once the server has said `S`, in order.
    `answer`: what it prints on any other answer. `onward`: the modes that go on in plaintext behind N, on the same
    connection. `returns`: whether, after that step, it makes its next attempt. `ended`: what it prints when the server ends.
    """

    name: str
    version: str
    source: str
    modes: Mapping[str, tuple[str, ...]]
    inside: Steps
    answer: Callable[[Presented, Trust], str | None]
    mode: Callable[[Trust], str] = lambda trust: trust.sslmode  # the one of `modes` that it goes by
    before: Steps = lambda _presented, _trust: ()
    unknown_mode: Callable[[str], str] = lambda mode: f"invalid sslmode {mode}"
    onward: tuple[str, ...] = ()
    onward_behind: tuple[str, ...] = ("N",)  # the answers behind which they do
    returns: Callable[[Step, Presented, Trust], bool] = lambda _step, _presented, _trust: False
    ended: Callable[[Ended], str | None] = lambda _ended: None
    file_wire: str = "nothing"  # where a root file stops it: before any packet, or `no_hello`, behind S
    prints_first: bool = False  # of two attempts that fail it tells of the first
    run: bool = True
    default: str = "prefer"
    ssl_true: str | None = None  # the sslmode that `ssl=true` is to it; None where that was not looked at
    default_file: bool = False  # whether it looks for ~/.postgresql/root.crt
    files: str = ""  # for people: which root file it reads
    missing: str = ""  # and what happens when that is not there
    spelling: Spelling = PLAIN  # what its users call the options that advice names

    @property
    def basis(self) -> str:
        """How this is known."""
        return f"run: {self.version}" if self.run else f"read from source, not run: {self.version}"


def replay(profile: Profile, presented: Presented, trust: Trust) -> Verdict:
    """What this driver would do with that server."""
    trust = _own_file(profile, trust)
    decide = partial(verdict, profile.name, trust, basis=profile.basis)
    attempts = profile.modes.get(profile.mode(trust))
    if attempts is None:
        text = profile.unknown_mode(trust.sslmode)
        step = Step(failed("options", "the driver does not know this sslmode", found=trust.sslmode), text, says=NOTHING)
        return decide("refuse", step, steps=(step,))
    for step in profile.before(presented, trust):
        return decide("refuse", step, steps=(step,))
    if presented.answer == "G" and not presented.answer_byte:
        why = "GSSAPI encryption was agreed on: no certificate takes part, and what this driver does then was not looked at"
        return decide(
            "cannot_tell", None, steps=(Step(Check("negotiation", "cannot_tell", why, "before_tls")),), says=why
        )
    first, *more = attempts
    if first == "tls":
        return _tls(profile, presented, trust, decide, fallback="plaintext" in more)
    return _plaintext_first(profile, presented, trust, decide) if more else _plaintext(profile, presented, decide)


def _own_file(profile: Profile, trust: Trust) -> Trust:
    """The root file in the home folder is nobody's wish: some drivers look for it, and pass on when it is not there."""
    if trust.root_path is None or not trust.root_path.endswith(DEFAULT_ROOT.removeprefix("~")):
        return trust
    if not profile.default_file:
        return replace(trust, roots=None, root_path=None)
    return replace(trust, root_path=None) if trust.roots is None else trust


# WITHOUT TLS

Decide = partial[Verdict]


def _plaintext(
    profile: Profile,
    presented: Presented,
    decide: Decide,
    *,
    wire: str = "unasked",
    says: str = "a StartupMessage in plaintext, no SSLRequest",
    steps: tuple[Step, ...] = (),
    after: Step | None = None,
) -> Verdict:
    """Into a session without TLS, unless the server is known to refuse it. `after` is what drove the client out of TLS."""
    end = refused_in_plaintext(profile, presented)
    if end is None:
        return decide("plaintext", after, steps=steps, wire=wire, says=says, prints=None)
    prints = after.prints if after is not None and profile.prints_first else end.prints
    return decide("refuse", end, steps=(*steps, end), wire=wire, says=f"{says}; the server refuses", prints=prints)


def _plaintext_first(profile: Profile, presented: Presented, trust: Trust, decide: Decide) -> Verdict:
    """Under allow, TLS is for a server that has refused plaintext."""
    end = refused_in_plaintext(profile, presented)
    if end is not None and not profile.returns(end, presented, trust):
        return _plaintext(profile, presented, decide)
    second = _tls(profile, presented, trust, decide, fallback=False)
    says = f"a StartupMessage in plaintext first; if the server refuses that, a second connection with: {second.on_the_wire}"
    if end is None:
        return _plaintext(profile, presented, decide, wire=f"unasked|{second.wire or '?'}", says=says)
    prints = end.prints if profile.prints_first and second.outcome == "refuse" else second.prints
    return replace(second, wire=f"unasked,{second.wire or '?'}", on_the_wire=says, prints=prints)


def refused_in_plaintext(profile: Profile, presented: Presented) -> Step | None:
    """The server's refusal of a session without TLS, where the capture has it."""
    ended = presented.ended
    in_clear = presented.version is None and not presented.direct and presented.answer in (None, "N")
    if ended is None or ended.how != "error" or ended.where != "before_tls" or not in_clear:
        return None
    check = failed("server", f"in plaintext, the server refused: {ended.text}", "before_tls", found=ended.text)
    return Step(check, profile.ended(ended), says="; the server refuses")


# WITH TLS


def _tls(profile: Profile, presented: Presented, trust: Trust, decide: Decide, *, fallback: bool) -> Verdict:
    if not presented.direct and presented.answer != "S":
        return _other_answer(profile, presented, trust, decide, fallback=fallback)
    steps = _with_the_server_s_end(profile, presented, profile.inside(presented, trust))
    at = next((at for at, step in enumerate(steps) if step.check.outcome == "failed"), len(steps))
    found = steps[at] if at < len(steps) else None
    unsure = [step for step in steps[:at] if step.check.outcome == "cannot_tell"]
    ways = possible(trust, unsure, found, profile.file_wire)
    if unsure and not (found and certain(found)):
        return decide("cannot_tell", None, steps=steps, wire=ways, says=unsure[0].check.because)
    if found is None:
        return decide(
            "accept", None, steps=steps, wire="session", says=WITH_STARTUP, authenticated=knows_the_server(steps)
        )
    if unsure:
        says = "the client closes, by this check or by one in front of it that cannot be told"
        return decide("refuse", found, steps=steps, wire=ways, says=says, prints=None)
    if fallback and profile.returns(found, presented, trust):
        return _back_in_plaintext(profile, presented, decide, steps, found)
    return decide("refuse", found, steps=steps)


def _back_in_plaintext(
    profile: Profile, presented: Presented, decide: Decide, steps: tuple[Step, ...], found: Step
) -> Verdict:
    says = f"{found.says}; then a second connection with a StartupMessage in plaintext"
    wire = f"{found.wire},unasked"
    return _plaintext(profile, presented, decide, wire=wire, says=says, steps=steps, after=found)


def _other_answer(profile: Profile, presented: Presented, trust: Trust, decide: Decide, *, fallback: bool) -> Verdict:
    """An answer to SSLRequest that is not S."""
    answer, ended = presented.answer, presented.ended
    closed = answer is None and ended is not None and ended.where == "before_tls" and ended.how in ("closed", "reset")
    check = failed(
        "negotiation", "the server did not agree to TLS", "before_tls", wanted="S", found=answer or "nothing"
    )
    check = replace(check, after_message=presented.seen.get("answer"))
    if answer is None and not closed:
        why = "the answer to SSLRequest is not in the capture"
        step = Step(replace(check, outcome="cannot_tell", because=why, found=None), says=why)
        return decide("cannot_tell", None, steps=(step,), says=why)
    if answer in profile.onward_behind and trust.sslmode in profile.onward:
        says = f"a StartupMessage in plaintext, behind {answer} on the same connection"
        end = refused_in_plaintext(profile, presented)
        again = fallback and end is not None and profile.returns(end, presented, trust)
        return _plaintext(
            profile,
            presented,
            decide,
            wire=("plaintext" if answer == "N" else "gave_up|plaintext") + ",unasked" * again,
            says=says,
        )
    step = Step(check, profile.answer(presented, trust), "gave_up", "the client closes behind the answer")
    if fallback and profile.returns(step, presented, trust):
        return _back_in_plaintext(profile, presented, decide, (step,), step)
    return decide("refuse", step, steps=(step,))


def _with_the_server_s_end(profile: Profile, presented: Presented, found: Iterable[Step]) -> tuple[Step, ...]:
    """The steps of the client with the server's own end among them: inside the handshake, or behind everything."""
    steps, ended = list(found), presented.ended
    if ended is None or ended.where == "before_tls":
        return tuple(steps)
    if ended.how == "sealed":
        why = "how the server ended the connection is sealed"
        return (*steps, Step(Check("server", "cannot_tell", why, ended.where), wire="session"))
    alert = "a sealed alert" if ended.alert is None else f"the fatal alert {ended.alert}"
    how = {"error": f"refused: {ended.text}", "alert": f"sent {alert}"}.get(ended.how, ended.how)
    check = failed("server", f"the server {how}", ended.where, found=how)
    check = replace(check, after_message=presented.seen.get("ended"))
    inside = ended.where == "in_handshake"
    says = "nothing more: the server ended the handshake" if inside else WITH_STARTUP
    step = Step(check, profile.ended(ended), "stopped" if inside else "session", says)
    if inside and presented.version is None and not presented.certificates:
        before = [one for one in steps if one.check.when == "before_tls"]
        why = "the server ended the handshake before it showed a certificate"
        return (*before, step, *(Step(Check(name, "not_done", why)) for name in ("chain", "validity")))
    at = next((at for at, one in enumerate(steps) if inside and one.check.when == "after_handshake"), len(steps))
    return (*steps[:at], step, *steps[at:])


# STEPS THAT PROFILES ARE MADE OF


def failed(step: str, because: str, when: When = "before_tls", **values: str | None) -> Check:
    """A check that has failed."""
    return Check(step, "failed", because, when, **values)  # type: ignore[arg-type]


def local(step: str, because: str, prints: str | None, path: str, *, hello: bool = False) -> Step:
    """A file of the client that stops it: before any packet, or, with `hello`, behind S."""
    wire, says = ("no_hello", "the client closes behind S and sends no ClientHello") if hello else ("nothing", NOTHING)
    return Step(failed(step, because, found=path), prints, wire, says)


def with_alert(check: Check, prints: str | None, number: int, *, sealed: bool = False) -> Step:
    """A refusal inside the handshake, told by an alert."""
    if number == ANY:
        return Step(check, prints, "alert", "a fatal alert, and the client closes")
    how = "in clear up to TLS 1.2, sealed in TLS 1.3" if sealed else "in clear, also in TLS 1.3"
    says = f"a fatal alert {ALERT_NAMES.get(number, number)} ({number}), {how}, and the client closes"
    return Step(check, prints, f"alert:{number}", says)


def without_a_word(check: Check, prints: str | None, _number: int) -> Step:
    """A refusal inside the handshake, told by a close alone."""
    return Step(check, prints, "left", "the client closes inside the handshake and sends no alert")


def behind(check: Check, prints: str | None, _number: int) -> Step:
    """A refusal behind the whole handshake."""
    says = "the whole handshake, then the client closes: no StartupMessage"
    return Step(replace(check, when="after_handshake"), prints, "no_startup", says)


def unchecked(mode: str, presented: Presented) -> list[Step]:
    """Nobody looks at the chain and its dates."""
    why = f"{mode} does not look at the server's certificates in this driver"
    return [
        Step(Check(step, "not_done", why, after_message=presented.seen.get("chain"))) for step in ("chain", "validity")
    ]


def wanted_host(trust: Trust) -> str | None:
    """The host that the driver was given: it has no hostaddr beside it."""
    return trust.host if isinstance(trust.host, str) else trust.hostaddr if trust.host is None else None


def name(
    presented: Presented,
    trust: Trust,
    rule: Rule,
    refuse: Callable[[Check, str | None, int], Step],
    *,
    looks: bool,
    when: When = "in_handshake",
) -> Step:
    """The host name by the rule of this driver, where the mode `looks` at it."""
    host, leaf = wanted_host(trust), presented.certificates[0] if presented.certificates else None
    why = presented.absent or "the server's certificate is sealed or was not captured"
    check = Check("name", "cannot_tell", why, when, wanted=host)
    check = replace(check, after_message=presented.seen.get("chain" if when == "in_handshake" else "name"))
    result = rule(leaf, host) if leaf and host else None
    if not looks:
        would = "" if result is None else f"; this driver's rule would {'accept' if result.matched else 'refuse'} it"
        return Step(
            replace(check, outcome="not_done", because=f"{trust.sslmode} does not look at the name{would}", when=None)
        )
    if leaf is None or result is None:
        if leaf is not None:
            check = replace(check, because="the name that the client was given is not known")
        return Step(check, wire=refuse(check, None, ANY).wire)
    found = ", ".join(one.text for one in leaf.names) or f"CN {leaf.short}"
    check = replace(check, certificate=0, outcome="failed", found=found)
    if result.matched is not None:
        because = f"the certificate names it: {result.matched.kind} {result.matched.text}"
        return Step(replace(check, outcome="passed", because=because, found=result.matched.text))
    return refuse(replace(check, because=f"the certificate is for {found}, not for {host}"), result.prints, 42)


def system_store(trust: Trust) -> Trust:
    """The same where no root file was named and there is none at its place: the system's store decides."""
    return replace(trust, roots="system") if trust.roots is None and trust.root_path is None else trust


def other_store(trust: Trust) -> Trust:
    """The same where the root file is not there or holds nothing, and other roots than the file's count as well."""
    usable = trust.roots is not None and not isinstance(trust.roots, Unusable)
    return trust if usable else replace(trust, roots="system")


def named_file(trust: Trust) -> Trust:
    """For drivers that know no sslrootcert=system: a file of that name, which nobody has."""
    return replace(trust, roots=None, root_path="system") if trust.roots == "system" else trust


def message(ended: Ended) -> str | None:
    """An ErrorResponse of one line without its severity, as most drivers print it."""
    head, _, text = (ended.text or "").partition(":  ")
    return text if head and "\n" not in text else None


# TABLES

NOTHING = "nothing: it does not connect"
WITH_STARTUP = "the whole handshake, then a StartupMessage inside TLS"
TLS, CLEAR = ("tls",), ("plaintext",)
ALL = {mode: TLS for mode in SSLMODES if mode != "disable"} | {"disable": CLEAR}
