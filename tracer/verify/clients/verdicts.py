"""What steps come to: the verdict on a list of checks, whoever the client is.

The decision goes by the first check that failed. One in front of it that cannot be told may leave it open.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracer.verify.model import Check, Outcome, Trust, Unknown, Verdict


@dataclass(frozen=True, slots=True)
class Step:
    """A check, and what a client whose check fails prints, leaves on the wire (`observed` has the words) and does.

    `retry`: prefer comes back in plaintext.
    """

    check: Check
    prints: str | None = None
    wire: str = "nothing"
    says: str = ""
    retry: bool = False


def certain(failed: Step) -> bool:
    """Whether a failure stands whatever the unknown steps in front of it would say.

    Where a root file is a must, each of them refuses or lets the next one decide: a wrong name refuses in any case, and
    so does a leaf out of its time. Those above it may be others in the client's root file.
    """
    return failed.check.step == "name" or (failed.check.step == "validity" and failed.check.certificate == 0)


def possible(trust: Trust, unsure: list[Step], failed: Step | None, files: str = "no_hello") -> str:
    """All that may be seen of a client of which not everything is known; `files` where a root file that is not known stops it."""
    local = [files] if isinstance(trust.roots, Unknown) and unsure else []
    last = failed.wire if failed else "session"
    return "|".join(dict.fromkeys([*local, *(step.wire for step in unsure), last]))


def knows_the_server(steps: tuple[Step, ...]) -> bool:
    """By its chain and its name, or because the password exchange was bound to its certificate."""
    passed = {step.check.step for step in steps if step.check.outcome == "passed"}
    return {"chain", "name"} <= passed or "channel_binding" in passed


def verdict(
    client: str,
    trust: Trust,
    outcome: Outcome,
    failed: Step | None,
    *,
    steps: tuple[Step, ...] = (),
    wire: str | None = "",
    says: str = "",
    prints: str | None = "",
    authenticated: bool | None = False,
    basis: str | None = None,
) -> Verdict:
    """Without words of their own, `wire`, `says` and `prints` are those of the step that failed.

    `basis` says what is known of that client, and how, where it is not libpq.
    """
    return Verdict(
        client=client,
        sslmode=trust.sslmode,
        host=trust.host if isinstance(trust.host, str) else None,
        time=trust.time,
        outcome=outcome,
        authenticated=None if outcome == "cannot_tell" else authenticated,
        prints=(failed.prints if failed else None) if prints == "" else prints,
        on_the_wire=says or (failed.says if failed else ""),
        wire=(failed.wire if failed else None) if wire == "" else wire,
        checks=tuple(step.check for step in steps) if outcome == "cannot_tell" else _with_the_rest(steps, failed),
        refused_by=failed.check if failed else None,
        basis=basis,
    )


def _with_the_rest(steps: tuple[Step, ...], failed: Step | None) -> tuple[Check, ...]:
    """The checks, and of those that every verdict has the ones that were not reached."""
    checks = tuple(step.check for step in steps)
    if failed is not None and failed.check not in checks:
        checks = (failed.check, *checks)
    why = "the client does not come this far" if failed else "without TLS there is no certificate to check"
    done = {check.step for check in checks}
    return (*checks, *(Check(step, "not_done", why) for step in ("chain", "validity", "name") if step not in done))
