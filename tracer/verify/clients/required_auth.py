"""require_auth: the ways to prove oneself that a client allows (libpq 16 and newer).

pqConnectOptions2 in fe-connect.c reads the list, check_expected_areq and auth_method_description in fe-auth.c hold the server's
requests against it, and from 18 on pg_SASL_init the mechanism. Measured with 16, 17 and 18.
"""

from __future__ import annotations

from dataclasses import dataclass

SASL = "scram-sha-256"
NONE = "none"


@dataclass(frozen=True, slots=True)
class Required:
    """What a list allows: with `negative` all but `methods`, else these alone. `error` says that libpq does not take the list."""

    text: str
    methods: frozenset[str] = frozenset()
    negative: bool = False
    error: str | None = None

    def allows(self, method: str) -> bool:
        return (method in self.methods) is not self.negative


def parse(text: str | None, version: int) -> Required | None:
    """Read a list, as in `scram-sha-256,none` or `!password`. One that is set and empty allows `none` alone, as in libpq."""
    if not text:
        return None if text is None else Required("", frozenset({NONE}))
    found: set[str] = set()
    negative = text.startswith("!")
    for word in text.split(","):
        method = word.removeprefix("!")
        error = None
        if word.startswith("!") is not negative:
            error = (POSITIVE if negative else NEGATIVE).format(word)
        elif method not in METHODS or version < METHODS[method]:
            error = f'invalid require_auth value: "{method}"'
        elif method in found:
            error = f'require_auth method "{word}" is specified more than once'
        if error:
            return Required(text, error=error)
        found.add(method)
    return Required(text, frozenset(found), negative)


def refusal(required: Required, asked: tuple[str, ...], version: int, *, binds: bool) -> str | None:
    """What is printed for the server's first request, which is a list of SASL mechanisms or one kind; None where it is allowed.

    `binds` is whether the client would bind the exchange: it takes SCRAM-SHA-256-PLUS then, where that is on offer.
    """
    kind = asked[0] if asked and asked[0].startswith("Authentication") else "AuthenticationSASL"
    method, reason = REQUESTS.get(kind, ("", "server requested an unknown authentication type"))
    if kind == "AuthenticationSASL" and version >= BY_MECHANISM:
        if any(required.allows(method) for method in MECHANISMS.values()):
            mechanism = chosen(asked, version, binds=binds)
            if mechanism is None or required.allows(MECHANISMS[mechanism]):
                return None
            reason = f"server requested {mechanism} authentication"
    elif method and required.allows(method):
        return None
    return f'authentication method requirement "{required.text}" failed: {reason}'


def is_sasl(asked: tuple[str, ...]) -> bool:
    """Whether a request is a list of mechanisms, and be it an empty one."""
    return not asked[0].startswith("Authentication") or asked == ("AuthenticationSASL",)


def chosen(offered: tuple[str, ...], version: int, *, binds: bool) -> str | None:
    """The mechanism that libpq takes: the first that it knows, and SCRAM-SHA-256-PLUS before all (pg_SASL_init)."""
    if binds and "SCRAM-SHA-256-PLUS" in offered:
        return "SCRAM-SHA-256-PLUS"
    known = (one for one in offered if one in MECHANISMS and version >= METHODS[MECHANISMS[one]])
    return next((one for one in known if not one.endswith("-PLUS")), None)


# TABLES

BY_MECHANISM = 18
POSITIVE = 'require_auth method "{}" cannot be mixed with negative methods'
NEGATIVE = 'negative require_auth method "{}" cannot be mixed with non-negative methods'
METHODS = {**dict.fromkeys(("password", "md5", "gss", "sspi", SASL, NONE), 0), "oauth": 18}  # and since which version
MECHANISMS = {"SCRAM-SHA-256-PLUS": SASL, "SCRAM-SHA-256": SASL, "OAUTHBEARER": "oauth"}
# by the name of the message: the method, and what is printed when it is not allowed
REQUESTS = {
    "AuthenticationOk": (NONE, "server did not complete authentication"),
    "AuthenticationCleartextPassword": ("password", "server requested a cleartext password"),
    "AuthenticationMD5Password": ("md5", "server requested a hashed password"),
    "AuthenticationGSS": ("gss", "server requested GSSAPI authentication"),
    "AuthenticationSSPI": ("sspi", "server requested SSPI authentication"),
    "AuthenticationSASL": (SASL, "server requested SASL authentication"),
}
