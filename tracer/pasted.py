"""Strings as people paste them: in quotes, with a `;`, out of an environment file, of JDBC or of SQLAlchemy.

What libpq takes means what libpq makes of it, and stays as it is. What it refuses, and can only mean one thing, is read as
that, and how it was read is said. Nothing here repeats a value: it may hold a password.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from tracer import conninfo
from tracer.conninfo import SCHEMES, bad
from tracer.errors import TracerError
from tracer.parameters import PARAMETERS
from tracer.settings import Setting, possible
from tracer.verify.model import SSLMODES


@dataclass(frozen=True, slots=True)
class Pasted:
    """The string for libpq, the client that it was written for, where that is said in it, and how it was read."""

    text: str
    client: str | None = None
    how: tuple[str, ...] = ()


def read(text: str) -> Pasted:
    """What a pasted string means. Raises `TracerError` where it is of a client, or of a database, that cannot be asked."""
    found = Pasted(text)
    if AT_IN_PASSWORD.match(text):
        raise bad("an @ inside the password: libpq takes what stands behind it for the host", "write its @ as %40")
    if PGPASS.fullmatch(text):
        raise bad(
            "four : and no address: is it a line of a password file?",
            "name the host: pgtls explain-mode host=db.example",
        )
    if CUT_PASSWORD.match(text):  # libpq takes what stands in front of the / for a port, and says it aloud
        raise bad("a port that is no number, and an @ behind it: is it the end of a password?", "write its / as %2F")
    if BEHIND.search(text):  # libpq takes all of it for the host, and would show the password
        found = _npgsql(text) or found
    for step in STEPS:
        if accepted(found.text):
            return found
        after = step(found.text.strip())
        if after is not None:
            found = Pasted(after.text, found.client or after.client, found.how + after.how)
    if UNFILLED.fullmatch(found.text):
        words = f"{found.text.strip()} is a variable that no shell has filled in"
        raise bad(words, 'in double quotes a shell does, "$DATABASE_URL", and in single quotes it does not')
    scheme = re.match(r"([A-Za-z][\w+.-]*)://", found.text)
    if scheme and not found.text.startswith(SCHEMES):
        raise bad(
            f"{scheme[1]}:// is no scheme that libpq takes",
            "pgtls is for PostgreSQL, whose URLs begin with postgresql:// or postgres://",
        )
    return found


def accepted(text: str) -> bool:
    """Whether libpq takes it, or it is a host, with or without a port."""
    if not conninfo.recognised(text):
        return re.fullmatch(r"\s*([/@].*|(?!jdbc:|\$|%\w+%)[^\s/\"';]+)\s*", text) is not None
    try:
        possible({name: Setting(value, "") for name, value in conninfo.parse(text).items()})
    except TracerError:
        return False
    return True


# STEPS


def _ended(text: str) -> Pasted | None:
    """The end of a statement, or of a line of JSON."""
    return (
        Pasted(text.rstrip(";, "), how=(f"without the {text[-1]} at its end",)) if text.endswith((";", ",")) else None
    )


def _assigned(text: str) -> Pasted | None:
    """`export DATABASE_URL=…`, `url: …`, `"Default": …`, `psql …`: the URI, or what stands in quotes."""
    found = re.match(rf"""(?:(?:export|set|SET)\s+)?["']?([A-Za-z_][\w.-]*)["']?\s*(?:=|:\s)\s*(?={VALUE})""", text)
    if found and found[1].lower() not in PARAMETERS and found[1] not in VARIABLES:
        return Pasted(text[found.end() :], how=(f"as the value of {found[1]}",))
    command = re.match(rf"psql\s+(?={VALUE})", text)
    return Pasted(text[command.end() :], how=("as what psql was given",)) if command else None


def _quotes(text: str) -> Pasted | None:
    whole = len(text) > 1 and text[0] in "\"'`" and text[-1] == text[0]
    return Pasted(text[1:-1], how=("without the quotes around it",)) if whole else None


def _jdbc(text: str) -> Pasted | None:
    """A URL of pgjdbc: of its properties only those that libpq has, too (Driver.parseURL, SslMode.of)."""
    if not text.startswith("jdbc:"):
        return None
    if not text.startswith("jdbc:postgresql://"):
        raise bad("a JDBC URL of another kind", "write jdbc:postgresql://HOST/DATABASE?sslmode=verify-full")
    url, _, query = text.removeprefix("jdbc:").partition("?")
    if "@" in url:
        raise bad("a JDBC URL has no user in front of its host", "write jdbc:postgresql://HOST/DATABASE?user=NAME")
    if re.fullmatch("postgresql://[^/]+", url):
        raise bad("pgjdbc wants a / behind its host", "write jdbc:postgresql://HOST/DATABASE?…")
    given = [part.partition("=")[::2] for part in query.split("&") if part]
    for name, _value in given:
        if name in FACTORIES:
            raise TracerError(
                f"{name}: what that class checks, the string does not say",
                f"leave {name} out to see what pgjdbc's own checks would be",
            )
    names = dict(given)
    kept = {JDBC.get(name, name): value for name, value in given if name in JDBC or name in OF_TLS}
    how: tuple[str, ...] = ("as a JDBC URL, so the client is pgjdbc",)
    if names.get("ssl", "false").lower() in ("", "true") and "sslmode" not in kept:
        kept["sslmode"] = "verify-full"  # SslMode.of: ssl alone is the strongest
        how = (*how, "ssl=true as sslmode=verify-full")
    if "sslmode" in kept:
        kept["sslmode"] = kept["sslmode"].lower()  # SslMode.of looks at no capitals
    if "service" in kept and re.search(r"//[^/:]+/", url):
        kept.setdefault("port", "5432")  # of a host that is named without one, whatever the service says
    return Pasted(_uri(url, kept), "pgjdbc", how)


def _sqlalchemy(text: str) -> Pasted | None:
    """`postgresql+DRIVER://…`: psycopg hands its query on to libpq, asyncpg has `ssl` for what libpq calls sslmode."""
    found = re.match(r"postgres(?:ql)?\+([a-z0-9_]+)://", text)
    if found is None:
        return None
    if found[1] not in DIALECTS:
        raise bad("a URL of SQLAlchemy with a driver that is not known here", f"there are: {', '.join(DIALECTS)}")
    client = DIALECTS[found[1]]
    url, _, query = f"postgresql://{text[found.end() :]}".partition("?")
    pairs = [part.partition("=")[::2] for part in query.split("&") if part]
    given = dict(pairs)
    if len(given) < len(pairs) or ":" in given.get("host", ""):
        raise bad("a URL with several hosts", "write postgresql://HOST:PORT,HOST:PORT/DATABASE?…")
    strange = [name for name in given if (name in OF_TLS if client else name == "ssl")]
    if strange:
        how = "ssl=verify-full" if client == "asyncpg" else "connect_args" if client else "sslmode=verify-full"
        raise TracerError(
            f"{strange[0]} of that URL is handed on to {found[1]}, which does not know it", f"its word for TLS is {how}"
        )
    also: tuple[str, ...] = ()
    if client == "asyncpg" and "ssl" in given:
        if given["ssl"] not in SSLMODES:
            raise TracerError(
                "asyncpg takes a context of the program's or an sslmode as its ssl, and of a context nothing is known",
                f"write one of ssl={', ssl='.join(SSLMODES)}",
            )
        given["sslmode"] = given.pop("ssl")
        also = (f"its ssl as sslmode={given['sslmode']}",)
    driver = f"{found[1]}, which connects with libpq" if client is None else client
    return Pasted(_uri(url, given), client, (f"as a URL of SQLAlchemy, whose driver is {driver}", *also))


def _npgsql(text: str) -> Pasted | None:
    """`Host=db;SSL Mode=VerifyFull;…` of .NET: names in any case, with spaces or without; what is not about TLS is passed over."""
    given = [(name.lower().replace(" ", ""), _unquoted(value)) for name, value in PAIR.findall(text)]
    kept = {NPGSQL[name]: value for name, value in given if name in NPGSQL}  # of two words for one the later counts
    kept = {name: value for name, value in kept.items() if value}  # nothing is as if it were not there
    host = kept.get("host")
    if ";" not in text or host is None or re.search(r"[\s=]", host) or not PAIR.match(text):
        return None
    places = [one.split(":") if one.count(":") == 1 else [one, ""] for one in host.split(",")]
    kept["host"] = ",".join(name for name, _ in places)
    if any(port for _, port in places):
        kept["port"] = ",".join(port or kept.get("port", "") for _, port in places)
    if "sslmode" in kept:
        mode = kept["sslmode"].lower().replace("verify", "verify-")
        if mode not in SSLMODES:
            raise TracerError("its SSL Mode is none that Npgsql knows", f"there are: {', '.join(SSL_MODE)}")
        kept["sslmode"] = mode
    trusting = "Trust Server Certificate does nothing since Npgsql 8"
    how = ("as a string of Npgsql, so the client is npgsql", *[trusting] * ("trustservercertificate" in dict(given)))
    return Pasted(" ".join(f"{name}='{_escaped(value)}'" for name, value in kept.items()), "npgsql", how)


def _unquoted(value: str) -> str:
    """A quote inside is doubled (DbConnectionStringBuilder)."""
    quoted = len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]
    return value[1:-1].replace(value[0] * 2, value[0]) if quoted else value.strip()


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "\\'")


def _host_and_database(text: str) -> Pasted | None:
    """`db.example/app`, `db.example:5432/app?sslmode=require`: a URI without its beginning."""
    if re.fullmatch(r"[\w.-]+(:\d+)?/(?!/)[^\s;\"']*", text) is None:
        return None
    return Pasted(f"postgresql://{text}", how=("as postgresql://HOST/DATABASE",))


def _uri(url: str, parameters: dict[str, str]) -> str:
    """With what libpq refuses inside a value escaped."""
    pairs = (f"{name}={value.replace('=', '%3D').replace(' ', '%20')}" for name, value in parameters.items())
    return url + ("?" if parameters else "") + "&".join(pairs)


STEPS: tuple[Callable[[str], Pasted | None], ...] = (
    _ended,
    _assigned,
    _quotes,
    _jdbc,
    _sqlalchemy,
    _npgsql,
    _host_and_database,
)
# of pgjdbc's properties (PGProperty) those that bear on the connection; the rest libpq does not know
JDBC = {
    **dict.fromkeys(("host", "PGHOST"), "host"),  # these win over what stands in front of the ? (Driver.parseURL)
    **dict.fromkeys(("port", "PGPORT"), "port"),
    **dict.fromkeys(("dbname", "PGDBNAME"), "dbname"),
    "service": "service",
    "user": "user",
    "password": "password",
    "sslNegotiation": "sslnegotiation",
    "gssEncMode": "gssencmode",
    "channelBinding": "channel_binding",
}
# of NpgsqlConnectionStringBuilder's keywords, without case and spaces, those that bear on the connection; never the password
NPGSQL = {
    **dict.fromkeys(("host", "server"), "host"),
    "port": "port",
    **dict.fromkeys(("username", "userid", "uid"), "user"),
    **dict.fromkeys(("database", "db"), "dbname"),
    "sslmode": "sslmode",
    "rootcertificate": "sslrootcert",
    "sslcertificate": "sslcert",
    "sslkey": "sslkey",
}
VALUE = r"""["']|[a-z][a-z0-9+:]*://|(?i:host|server)\s*=[^;]*;"""
BEHIND = re.compile(r";\s*(?:user ?name|user ?id|uid|password|pwd|psw|database)\s*=", re.IGNORECASE)
SSL_MODE = ("Disable", "Allow", "Prefer", "Require", "VerifyCA", "VerifyFull")
PAIR = re.compile(r"""\s*([A-Za-z][\w ]*?)\s*=\s*("(?:[^"]|"")*"|'(?:[^']|'')*'|[^;]*)\s*(?:;|$)""")
CUT_PASSWORD = re.compile(r"\s*postgres(ql)?://[^/?@:\[]*:(?![0-9]*/)[^/?@]*/[^?]*@")
AT_IN_PASSWORD = re.compile(r"\s*[a-z][a-z0-9+]*://[^/?@:]*:[^/?@]*@[^/?]*@")
PGPASS = re.compile(r"(?!.*://)\s*[^\s:\[\]/]+:[^\s:]*:[^\s:]*:[^\s:]*:.+", re.DOTALL)
UNFILLED = re.compile(r"\s*(\$(env:)?\w+|\$\{\w+\}|%\w+%)\s*")
VARIABLES = frozenset(parameter.variable for parameter in PARAMETERS.values())
OF_TLS = frozenset(name for name in PARAMETERS if name.startswith("ssl"))
FACTORIES = ("sslfactory", "sslfactoryarg", "sslhostnameverifier", "sslpasswordcallback", "socketFactory")
DIALECTS = {
    **dict.fromkeys(("psycopg", "psycopg2", "psycopg_async", "psycopg2cffi")),
    "asyncpg": "asyncpg",
    "pg8000": "pg8000",
}
