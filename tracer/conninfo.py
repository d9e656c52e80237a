"""Connection strings as libpq reads them: `name=value` pairs, and `postgresql://` URIs.

The rules and the words of the errors are those of fe-connect.c of PostgreSQL 18; the functions' names are named where
one of ours follows one of theirs. Where libpq repeats what may hold a password, its place stands instead. Nothing here reads a file or the environment: `tracer.settings` does.
"""

from __future__ import annotations

import re

from tracer.errors import TracerError
from tracer.parameters import PARAMETERS, SECRET

SCHEMES = ("postgresql://", "postgres://")
SPACE = " \t\n\v\f\r"  # isspace() of the C locale
HEX = frozenset("0123456789abcdefABCDEF")
FOREIGN = "a parameter of another program's, which libpq refuses: leave it out"
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


def quoted(text: str, at: int, *, secret: bool) -> str:
    """It in quotes, or only where it stands (`at`, from 0) when it may hold a password."""
    return f"… (at character {at + 1}; not repeated, since it may hold a password)" if secret else f'"{text}"'


def store(given: Given, name: str, value: str, at: int = 0) -> None:
    """One more setting, whose name stands at `at`; a later one wins (conninfo_storeval)."""
    if name == "requiressl":
        name, value = "sslmode", "require" if value.startswith("1") else "prefer"
    if name not in PARAMETERS:
        raise bad(f"invalid connection option {quoted(name, at, secret=_doubtful(name, given))}", *_meant(name))
    given.pop(name, None)
    given[name] = value


def _doubtful(text: str, given: Given) -> bool:
    """Whether it may be the rest of a password: behind one that was not quoted, or of a URI."""
    return "@" in text or not SECRET.isdisjoint(given)


def _meant(name: str) -> tuple[str, ...]:
    """The parameter that was probably meant."""
    import difflib

    for parameter, (variable, *_) in PARAMETERS.items():
        if variable == name:
            what = "is a variable of the environment"
            return (f"{name} {what}: set it in front of the command, or write {parameter}= for it",)
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
            shown = quoted(name, start, secret=_doubtful(name, given))
            raise bad(f'missing "=" after {shown} in connection info string')
        at = _behind_space(text, at + 1)
        value, at = _within_quotes(text, at + 1) if text[at : at + 1] == "'" else _bare(text, at)
        store(given, name, value, start)
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


def _within_quotes(text: str, at: int) -> tuple[str, int]:
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
        at = len(uri) - len(rest)
        if user:
            store(given, "user", decoded(user, at))
        if password:
            store(given, "password", decoded(password, at + len(user) + 1, secret=True))
        rest = rest[len(before) + 1 :]
    at, secret = len(uri) - len(rest), "@" in rest  # an @ that is left may end a password that was not encoded
    hosts, ports, rest = _hosts(uri, rest)
    for name, value in (("host", ",".join(hosts)), ("port", ",".join(ports))):
        if value:
            store(given, name, decoded(value, at, secret=secret))
    if rest and rest[0] != "?":
        dbname, mark, query = rest[1:].partition("?")
        if dbname:
            store(given, "dbname", decoded(dbname, len(uri) - len(rest) + 1, secret=secret))
        rest = mark + query
    if rest:
        _query(rest[1:], given, len(uri) - len(rest) + 1, secret=secret)


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
    whole = quoted(uri, 0, secret="@" in uri or "password" in uri)
    if not bracket:
        raise bad(f'end of string reached when looking for matching "]" in IPv6 host address in URI: {whole}')
    if not host:
        raise bad(f"IPv6 host address may not be empty in URI: {whole}")
    if behind and behind[0] not in ":/?,":
        place = len(_raw(uri)) - len(_raw(behind)) + 1  # libpq counts bytes, and shows one
        byte = _raw(behind)[:1].decode("utf-8", "surrogateescape")
        words = f'unexpected character "{byte}" at position {place} in URI (expected ":" or "/"): {whole}'
        raise bad(words)
    return host, behind


def _query(query: str, given: Given, at: int, *, secret: bool) -> None:
    """`name=value&…` (conninfo_uri_parse_params); `ssl=true` is what JDBC says for require."""
    asked: Given = {}
    for part in query.removesuffix("&").split("&") if query else ():
        name, separator, value = part.partition("=")
        hidden = secret or not SECRET.isdisjoint({name, *asked})
        shown = quoted(name, at, secret=hidden)
        if not separator:
            raise bad(f'missing key/value separator "=" in URI query parameter: {shown}')
        if "=" in value:
            raise bad(f'extra key/value separator "=" in URI query parameter: {shown}', "write %3D inside a value")
        name, value = decoded(name, at, secret=hidden), decoded(value, at + len(name) + 1, secret=hidden)
        if (name, value) == ("ssl", "true"):
            name, value = "sslmode", "require"
        if name not in PARAMETERS and name != "requiressl":
            raise bad(f"invalid URI query parameter: {quoted(name, at, secret=hidden)}", *(_meant(name) or (FOREIGN,)))
        store(given, name, value)
        asked[name] = value
        at += len(part) + 1


def decoded(text: str, at: int = 0, *, secret: bool = False) -> str:
    """Without its percent signs, and without spaces around it (conninfo_uri_decode). It stands at `at`."""
    token, _, behind = text.lstrip(" ").partition(" ")
    shown = quoted(text, at, secret=secret)
    first, *parts = token.split("%")
    raw = bytearray(_raw(first))
    for part in parts:
        if len(part) < 2 or not HEX.issuperset(part[:2]):
            raise bad(f"invalid percent-encoded token: {shown}", "a percent sign itself is written %25")
        if part[:2] == "00":
            raise bad(f"forbidden value %00 in percent-encoded value: {shown}")
        raw.append(int(part[:2], 16))
        raw += _raw(part[2:])
    if behind.strip(" "):
        raise bad(f"unexpected spaces found in {shown}, use percent-encoded spaces (%20) instead")
    return raw.decode("utf-8", "surrogateescape")


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
