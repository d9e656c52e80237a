"""A client's settings as the connection that libpq would make of them: where to, how, and what it says first."""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tracer import conninfo, pipes
from tracer.certificates import Certificate
from tracer.errors import TracerError
from tracer.packets import probe
from tracer.packets.probe import PATIENCE, Conduct, Endpoint
from tracer.settings import FILES, TLS_VERSIONS, Setting, Settings, file, value
from tracer.verify import names
from tracer.verify.model import SSLMODES

PROTOCOL = 3 << 16  # 3.0, which every libpq asks for
SOCKET = "a Unix socket has no TLS: libpq ignores sslmode there, verify-full included"
PORT = "a port is a number from 1 to 65535, and PostgreSQL's own is 5432: libpq knows no names of services"
MUST = ("require", "verify-ca", "verify-full")
OF_SSLMODE = re.compile(r"(?:^|[?&\s])(sslmode=|ssl=true(?![^&])|requiressl=\d?)")  # the last one counts
INTEGER = re.compile(r"[ \t\n\v\f\r]*[+-]?[0-9]{1,9}[ \t\n\v\f\r]*")  # pqParseIntParam
HOST_AND_PORT = re.compile(
    r"\[(?P<bracketed>[^]]*)\](?::(?P<p>.*))?|(?P<bare>[^:]*:[^:]*:.*)|(?P<host>[^:]*)(?::(?P<port>.*))?"
)


def told(text: str) -> dict[str, Setting]:
    """What a connection string sets, or HOST, HOST:PORT, [IPV6]:PORT. Raises `TracerError` in libpq's words."""
    if conninfo.recognised(text):
        settings = {name: Setting(value, "the connection string") for name, value in conninfo.parse(text).items()}
        said = OF_SSLMODE.findall(text)
        if "sslmode" in settings and said and said[-1] != "sslmode=":
            words = f"{said[-1]} behind sslmode=" if "sslmode=" in said else said[-1]
            settings["sslmode"] = replace(settings["sslmode"], origin=f"{words} in the connection string")
        return settings
    if "@" in text.strip()[1:]:  # behind a first @ stands the name of a socket
        raise conninfo.bad("a user and a host are no connection string", "write postgresql://USER@HOST/DATABASE")
    found = HOST_AND_PORT.fullmatch(text.strip())
    if found is None:
        raise conninfo.bad(f"{text!r} is no host and no connection string")
    host = found["bracketed"] or found["bare"] or found["host"] or ""
    given = {"host": host, "port": found["p"] or found["port"] or ""}
    taken = "a host and a port" if given["port"] else "a host name"
    return {name: Setting(value, f"the argument, taken as {taken}") for name, value in given.items() if value}


def endpoints(settings: Settings) -> list[Endpoint]:
    """The hosts in the order in which libpq tries them. Raises `TracerError` in its words (pqConnectOptions2)."""
    hosts, addresses, ports = (value(settings, name).split(",") for name in ("host", "hostaddr", "port"))
    if addresses != [""] and hosts != [""] and len(hosts) != len(addresses):
        raise TracerError(f"could not match {len(hosts)} host names to {len(addresses)} hostaddr values")
    count = max(len(hosts), len(addresses))
    if len(ports) not in (1, count):
        raise TracerError(f"could not match {len(ports)} port numbers to {count} hosts")
    ports, hosts, addresses = (each * count if len(each) == 1 else each for each in (ports, hosts, addresses))
    return [_endpoint(*each) for each in zip(hosts, addresses, ports, strict=True)]


def _endpoint(host: str, address: str, port: str) -> Endpoint:
    if not address and host.startswith(("/", "@")):
        raise TracerError(SOCKET, "name the server's address: host=db.example")
    if not host and not address:
        raise TracerError(f"no host was named: {SOCKET}", conninfo.LOOKS)
    return Endpoint(host or None, address or host, port_number(port))


def port_number(port: str) -> int:
    """One of the list of ports; an empty one is 5432. Raises `TracerError` in libpq's words (pqConnectOptions2, PQconnectPoll)."""
    if port and not INTEGER.fullmatch(port):
        raise TracerError(f'invalid integer value "{port}" for connection option "port"', PORT)
    number = int(port or "5432")
    if not 0 < number < 65536:
        raise TracerError(f'invalid port number: "{port}"', PORT)
    return number


def conduct(settings: Settings, home: Path | None, *, startup: bool = False, system: bool = True) -> Conduct:
    """How a client with these settings behaves. Raises `TracerError` where libpq would refuse to connect at all.

    One thing is not as in libpq: where verify-ca or verify-full miss their root file, libpq closes behind `S`. We go on as
    far as the handshake, because the certificates that the server shows say what belongs into that file. `system` is as in
    `settings.resolve`.
    """
    _refused(settings, system=system)
    for name in FILES:
        if pipes.is_pipe(path := file(settings, name, home)):
            raise TracerError(
                f"{name}={path} is a pipe, which can be read once, and pgtls reads it more often", "name a file"
            )
    mode = settings["sslmode"].value
    roots = file(settings, "sslrootcert", home)
    if roots == "system" and not system:
        roots = "./system"
    rootless = mode.startswith("verify") and roots != "system" and not Path(roots).is_file()
    lists = "" if value(settings, "sslcrldir") and not value(settings, "sslcrl") else file(settings, "sslcrl", home)
    seconds = value(settings, "connect_timeout").strip()
    return replace(
        _own(settings, home),
        direct=value(settings, "sslnegotiation") == "direct",
        sslrootcert=roots,
        sslcrl=lists,
        sslcrldir=value(settings, "sslcrldir"),
        sni=value(settings, "sslsni") != "0",
        minimum=_version(settings, "ssl_min_protocol_version"),
        maximum=_version(settings, "ssl_max_protocol_version"),
        startup=startup_message(settings) if startup and not rootless else None,
        plaintext=mode in ("disable", "allow", "prefer"),
        accept=_named if mode == "verify-full" and not rootless else _any,
        timeout=max(2.0, float(seconds)) if seconds.isdecimal() and int(seconds) else PATIENCE,
    )


def own_certificate(settings: Settings, home: Path | None) -> str | None:
    """What libpq says where the key of the client's own certificate stops it; None where it does not. Neither file is read."""
    own = _own(settings, home)
    try:
        if not own.sslcert or ":" in own.sslkey or not Path(own.sslcert).exists():  # with a : it is an engine's
            return None
    except OSError:
        return None
    try:
        probe.private(own.sslkey)
    except OSError as error:
        return str(error)
    return None


def _own(settings: Settings, home: Path | None) -> Conduct:
    """The client's own certificate and key."""
    return Conduct(
        sslcert="" if value(settings, "sslcertmode") == "disable" else file(settings, "sslcert", home),
        sslkey=file(settings, "sslkey", home),
        sslpassword=value(settings, "sslpassword"),
    )


def _version(settings: Settings, name: str) -> str:
    """A version of TLS as it is usually written; libpq takes small letters, too."""
    return next(version for version in TLS_VERSIONS if version.lower() == value(settings, name).lower())


def _refused(settings: Settings, *, system: bool) -> None:
    """Raise for the combinations that are too weak for what else was asked (pqConnectOptions2)."""
    mode = settings["sslmode"].value
    strong = {
        ("sslrootcert", "system"): (("verify-full",) if system else SSLMODES, '(use "verify-full")'),
        ("sslnegotiation", "direct"): (MUST, '(use "require", "verify-ca", or "verify-full")'),
    }
    for (name, word), (modes, use) in strong.items():
        if value(settings, name) == word and mode not in modes:
            raise TracerError(f'weak sslmode "{mode}" may not be used with {name}={word} {use}')


def _named(der: bytes, host: str | None) -> bool:
    """Whether the certificate is the host's."""
    return host is not None and names.match(Certificate.from_der(der), host).matched is not None


def _any(_der: bytes, _host: str | None) -> bool:
    return True


def startup_message(settings: Settings) -> bytes:
    """User, database and application, as libpq sends them; never a password."""
    user = value(settings, "user") or _account()
    sent: Mapping[str, str] = {
        "user": user,
        "database": value(settings, "dbname") or user,
        "application_name": value(settings, "application_name") or "pgtls",
    }
    words = "".join(f"{name}\0{text}\0" for name, text in sent.items()).encode("utf-8", "surrogateescape")
    body = struct.pack(">I", PROTOCOL) + words + b"\0"
    return struct.pack(">I", len(body) + 4) + body


def _account() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "postgres"
