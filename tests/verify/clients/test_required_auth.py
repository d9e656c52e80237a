"""require_auth: which lists libpq takes, and what it says of the server's request. tests/differential asks the libraries."""

from __future__ import annotations

import pytest

from tracer.verify.clients.required_auth import parse, refusal


@pytest.mark.parametrize(
    ("text", "version", "error"),
    [
        ("scram-sha-256,none", 16, None),
        ("!password,!md5", 16, None),
        ("oauth", 18, None),
        ("oauth", 17, 'invalid require_auth value: "oauth"'),
        ("!", 18, 'invalid require_auth value: ""'),
        (" password", 18, 'invalid require_auth value: " password"'),
        ("md5,md5", 16, 'require_auth method "md5" is specified more than once'),
        ("!none,!none", 16, 'require_auth method "!none" is specified more than once'),
        ("password,!md5", 16, 'negative require_auth method "!md5" cannot be mixed with non-negative methods'),
        ("!password,md5", 16, 'require_auth method "md5" cannot be mixed with negative methods'),
    ],
)
def test_which_lists_are_taken(text: str, version: int, error: str | None) -> None:
    """One that is mixed, doubled or unknown ends it before any packet."""
    required = parse(text, version)
    assert required is not None
    assert required.error == error


def test_nothing_asked_for() -> None:
    """Not set is no wish; set and empty is the wish for no method at all."""
    assert parse(None, 18) is None
    empty = parse("", 18)
    assert empty is not None
    assert [method for method in ("none", "password", "scram-sha-256") if empty.allows(method)] == ["none"]


@pytest.mark.parametrize(
    ("text", "version", "asked", "reason"),
    [
        ("none", 16, "AuthenticationOk", None),
        ("!none", 16, "AuthenticationOk", "server did not complete authentication"),
        ("scram-sha-256", 16, "AuthenticationCleartextPassword", "server requested a cleartext password"),
        ("!md5", 16, "AuthenticationMD5Password", "server requested a hashed password"),
        ("none", 18, "AuthenticationGSS", "server requested GSSAPI authentication"),
        ("none", 18, "AuthenticationSSPI", "server requested SSPI authentication"),
        ("!password", 18, "AuthenticationKerberosV5", "server requested an unknown authentication type"),
        ("password", 18, "SCRAM-SHA-256", "server requested SASL authentication"),
        ("!scram-sha-256", 17, "SCRAM-SHA-256", "server requested SASL authentication"),
        ("!scram-sha-256", 18, "SCRAM-SHA-256", "server requested SCRAM-SHA-256 authentication"),
        ("scram-sha-256", 18, "SCRAM-SHA-256", None),
    ],
)
def test_the_server_s_request(text: str, version: int, asked: str, reason: str | None) -> None:
    """From 18 on a mechanism is refused by its name, where another one is allowed."""
    required = parse(text, version)
    assert required is not None
    said = f'authentication method requirement "{text}" failed: {reason}' if reason else None
    assert refusal(required, (asked,), version, binds=False) == said


def test_the_mechanism_that_binds() -> None:
    """Over TLS the one that binds is taken, and named."""
    required = parse("!scram-sha-256", 18)
    assert required is not None
    said = refusal(required, ("SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"), 18, binds=True)
    assert said is not None
    assert said.endswith("server requested SCRAM-SHA-256-PLUS authentication")
