"""Connection strings as libpq reads them: `name=value` pairs, and `postgresql://` URIs.

The rules and the words of the errors are those of fe-connect.c of PostgreSQL 18; the functions' names are named where
one of ours follows one of theirs. Nothing here reads a file or the environment: `tracer.settings` does.
"""

from __future__ import annotations

import re

from tracer.errors import TracerError
from tracer.parameters import PARAMETERS

SCHEMES = ("postgresql://", "postgres://")
SPACE = " \t\n\v\f\r"  # isspace() of the C locale
HEX = frozenset("0123456789abcdefABCDEF")
LOOKS = "write host=db.example dbname=mydb, or postgresql://db.example/mydb"

Given = dict[str, str]


def parse(text: str) -> Given:
    """The parameters that a connection string sets, in its order. Raises `TracerError` with libpq's own words."""
    text = text.partition("\0")[0]
    given: Given = {}
    if text.startswith(SCHEMES):
        _uri(text, given)
    else:
        _pairs(text, given)
    return given


def recognised(text: str) -> bool:
    """Whether libpq takes it for a connection string, and not for a name (recognized_connection_string)."""
    return text.startswith(SCHEMES) or "=" in text


def bad(words: str, *hints: str) -> TracerError:
    """An error of a connection string."""
    return TracerError(words, *(hints or (LOOKS,)))


def store(given: Given, name: str, value: str) -> None:
    """One more setting; a later one wins (conninfo_storeval)."""
    if name == "requiressl":
        name, value = "sslmode", "require" if value.startswith("1") else "prefer"
    if name not in PARAMETERS:
        raise bad(f'invalid connection option "{name}"', *_meant(name))
    given.pop(name, None)
    given[name] = value


def _meant(name: str) -> tuple[str, ...]:
    """The parameter that was probably meant."""
    import difflib

    close = difflib.get_close_matches(name.lower(), PARAMETERS, 1)
    return (f"did you mean {close[0]}?",) if close else ()


# PAIRS
# conninfo_parse reads them.


def _pairs(text: str, given: Given) -> None:
    at = _behind_space(text, 0)
    while at < len(text):
        start = at
        while at < len(text) and text[at] != "=" and text[at] not in SPACE:
            at += 1
        name = text[start:at]
        at = _behind_space(text, at)
        if text[at : at + 1] != "=":
            raise bad(f'missing "=" after "{name}" in connection info string')
        at = _behind_space(text, at + 1)
        value, at = _quoted(text, at + 1) if text[at : at + 1] == "'" else _bare(text, at)
        store(given, name, value)
        at = _behind_space(text, at)


def _behind_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACE:
        at += 1
    return at


def _bare(text: str, at: int) -> tuple[str, int]:
    """A value up to the next space; a backslash takes the next character as it is."""
    value: list[str] = []
    while at < len(text) and text[at] not in SPACE:
        at += text[at] == "\\"
        value.append(text[at : at + 1])
        at += 1
    return "".join(value), at


def _quoted(text: str, at: int) -> tuple[str, int]:
    """A value up to its closing quote."""
    value: list[str] = []
    while at < len(text):
        if text[at] == "'":
            return "".join(value), at + 1
        at += text[at] == "\\"
        value.append(text[at : at + 1])
        at += 1
    raise bad("unterminated quoted string in connection info string", "a quote inside is written \\'")


# URIS
# conninfo_uri_parse_options reads them.


def _uri(uri: str, given: Given) -> None:
    rest = uri.partition("://")[2]
    before = re.split("[@/]", rest, maxsplit=1)[0]
    if rest[len(before) : len(before) + 1] == "@":
        user, _, password = before.partition(":")
        for name, value in (("user", user), ("password", password)):
            if value:
                store(given, name, decoded(value))
        rest = rest[len(before) + 1 :]
    hosts, ports, rest = _hosts(uri, rest)
    for name, value in (("host", ",".join(hosts)), ("port", ",".join(ports))):
        if value:
            store(given, name, decoded(value))
    if rest and rest[0] != "?":
        dbname, mark, rest = rest[1:].partition("?")
        rest = mark + rest
        if dbname:
            store(given, "dbname", decoded(dbname))
    if rest:
        _query(rest[1:], given)


def _hosts(uri: str, rest: str) -> tuple[list[str], list[str], str]:
    """Hosts and ports, as many of the one as of the other, and what stands behind them."""
    hosts, ports = [], []
    while True:
        host, rest = _bracketed(uri, rest) if rest.startswith("[") else _upto(":/?,", rest)
        port, rest = _upto("/?,", rest[1:]) if rest.startswith(":") else ("", rest)
        hosts.append(host)
        ports.append(port)
        if not rest.startswith(","):
            return hosts, ports, rest
        rest = rest[1:]


def _upto(stops: str, rest: str) -> tuple[str, str]:
    stop = next((at for at, char in enumerate(rest) if char in stops), len(rest))
    return rest[:stop], rest[stop:]


def _bracketed(uri: str, rest: str) -> tuple[str, str]:
    host, bracket, behind = rest[1:].partition("]")
    if not bracket:
        raise bad(f'end of string reached when looking for matching "]" in IPv6 host address in URI: "{uri}"')
    if not host:
        raise bad(f'IPv6 host address may not be empty in URI: "{uri}"')
    if behind and behind[0] not in ":/?,":
        place = len(_raw(uri)) - len(_raw(behind)) + 1  # libpq counts bytes, and shows one
        byte = _raw(behind)[:1].decode("utf-8", "surrogateescape")
        words = f'unexpected character "{byte}" at position {place} in URI (expected ":" or "/"): "{uri}"'
        raise bad(words)
    return host, behind


def _query(query: str, given: Given) -> None:
    """`name=value&…` (conninfo_uri_parse_params); `ssl=true` is what JDBC says for require."""
    for part in query.removesuffix("&").split("&") if query else ():
        name, separator, value = part.partition("=")
        if not separator:
            raise bad(f'missing key/value separator "=" in URI query parameter: "{name}"')
        if "=" in value:
            raise bad(f'extra key/value separator "=" in URI query parameter: "{name}"', "write %3D inside a value")
        name, value = decoded(name), decoded(value)
        if (name, value) == ("ssl", "true"):
            name, value = "sslmode", "require"
        if name not in PARAMETERS and name != "requiressl":
            raise bad(f'invalid URI query parameter: "{name}"', *_meant(name))
        store(given, name, value)


def decoded(text: str) -> str:
    """Without its percent signs, and without spaces around it (conninfo_uri_decode)."""
    token, _, behind = text.lstrip(" ").partition(" ")
    first, *parts = token.split("%")
    raw = bytearray(_raw(first))
    for part in parts:
        if len(part) < 2 or not HEX.issuperset(part[:2]):
            raise bad(f'invalid percent-encoded token: "{text}"', "a percent sign itself is written %25")
        if part[:2] == "00":
            raise bad(f'forbidden value %00 in percent-encoded value: "{text}"')
        raw.append(int(part[:2], 16))
        raw += _raw(part[2:])
    if behind.strip(" "):
        raise bad(f'unexpected spaces found in "{text}", use percent-encoded spaces (%20) instead')
    return raw.decode("utf-8", "surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
