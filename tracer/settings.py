"""What a client was told, and by whom: its connection string, `PG*` variables, a service file, or libpq's defaults.

`resolve` follows conninfo_add_defaults and parseServiceInfo of fe-connect.c (PostgreSQL 18), `trust` what
fe-secure-openssl.c looks for in the home folder. The environment and the home folder are arguments.
"""

from __future__ import annotations

import os
from collections.abc import Container, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tracer import pipes, rootfile
from tracer.certificates import Certificate
from tracer.conninfo import bad
from tracer.errors import TracerError
from tracer.parameters import PARAMETERS, SECRET
from tracer.verify.model import SSLMODES, UNKNOWN, Trust, Unknown
from tracer.verify.revocation import RevocationList

DEFAULT = "default"
RAISED = "sslrootcert=system"  # the origin of the sslmode that comes of it
SYSTEM_FOLDERS = ("/etc/postgresql-common", "/usr/local/pgsql/etc")  # Debian's, and that of a build without a prefix
LONGEST_LINE = 1023  # bytes of a line in a service file
LARGEST = 16 << 20  # bytes of a revocation list


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and where it came from: `conninfo`, a variable's name, `service NAME in FILE`, an option, or `default`."""

    value: str
    origin: str


Settings = Mapping[str, Setting]


def resolve(
    given: Settings,
    environment: Mapping[str, str],
    home: Path | None,
    *,
    system: bool = True,
    modes: Container[str] = (),
) -> dict[str, Setting]:
    """Every parameter that has a value, `given` ones first. Raises `TracerError` where libpq would not connect.

    `system` is whether sslrootcert=system without an sslmode makes it verify-full, as in libpq from 16 on;
    `modes` are the sslmodes that the client knows beside libpq's.
    """
    found = dict(given)
    _service(found, environment, home)
    for name, parameter in PARAMETERS.items():
        if name in found:
            continue
        if parameter.variable is not None and parameter.variable in environment:
            found[name] = Setting(environment[parameter.variable], parameter.variable)
        elif name == "sslmode" and environment.get("PGREQUIRESSL", "").startswith("1"):
            found[name] = Setting("require", "PGREQUIRESSL")
        elif parameter.default is not None:
            found[name] = Setting(parameter.default, DEFAULT)
    if system and value(found, "sslrootcert") == "system" and found["sslmode"].origin == DEFAULT:
        found["sslmode"] = Setting("verify-full", RAISED)
    possible(found, modes)
    return {name: found[name] for name in PARAMETERS if name in found}


def value(settings: Settings, name: str) -> str:
    """The value of a parameter, "" where it has none: libpq takes an empty one for none, too."""
    setting = settings.get(name)
    return setting.value if setting is not None else ""


def told(settings: Settings) -> dict[str, Setting]:
    """Those that somebody set and that bear on TLS, without secrets: what a report shows.

    An empty value is as none (`value`), but of `require_auth`; so is a list of ports that are all empty. One of several is 5432.
    """
    return {
        n: s if n != "port" else replace(s, value=",".join(port or "5432" for port in s.value.split(",")))
        for n, s in settings.items()
        if n in SHOWN and n not in SECRET and s.origin != DEFAULT and (s.value.strip(",") or n == "require_auth")
    }


def sentence(settings: Settings) -> str:
    """`sslmode=require host=db from the connection string; sslrootcert=/a/root.crt from PGSSLROOTCERT`; "" for nothing."""
    by: dict[str, list[str]] = {}
    found = told(settings)
    for name in SHOWN:
        if name in found:
            by.setdefault(found[name].origin, []).append(f"{name}={found[name].value}")
    return "; ".join(f"{' '.join(each)} from {origin}" for origin, each in by.items())


def home_folder(environment: Mapping[str, str]) -> Path | None:
    """$HOME, else the one of the account (pqGetHomeDirectory since 15; before, only the account's)."""
    if environment.get("HOME"):
        return Path(environment["HOME"])
    try:
        import pwd

        return Path(pwd.getpwuid(os.geteuid()).pw_dir)
    except (ImportError, KeyError):
        return None


# WHAT A CLIENT TRUSTS (initialize_SSL)


def trust(
    settings: Settings,
    home: Path | None,
    environment: Mapping[str, str] | None = None,
    *,
    system: bool = True,
    before_3: bool = False,
) -> Trust:
    """What a client with these settings trusts; its files are read now. A host that is not one name is UNKNOWN.

    With `environment` it is a client of this machine, whose system store is at hand. `system` is as in `resolve`: without
    it sslrootcert=system is a file of that name. `before_3`: OpenSSL 1.1.1 reads the files.
    """
    path = file(settings, "sslrootcert", home)
    stored = system and path == "system"
    lists, beside = _lists(settings, home, before_3=before_3)
    ports = value(settings, "port").split(",")
    return Trust(
        host=_host(settings),
        hostaddr=value(settings, "hostaddr") or None,
        port=int(ports[0]) if ports[0].isdecimal() else 5432,
        sslmode=settings["sslmode"].value,
        roots=(rootfile.load(path if stored else Path.cwd() / path, before_3=before_3) if path else None),
        root_path=path or None,
        store=rootfile.system(environment) if stored and environment is not None else None,
        crls=lists,
        beside_crls=beside,
        sslnegotiation=value(settings, "sslnegotiation") or "postgres",
        channel_binding=value(settings, "channel_binding") or "prefer",
        sslcertmode=value(settings, "sslcertmode") or "allow",
        require_auth=value(settings, "require_auth") if "require_auth" in settings else None,
        # not the default of PARAMETERS: the client may have been built with GSSAPI
        gssencmode=told(settings)["gssencmode"].value if "gssencmode" in told(settings) else "prefer",
        ssl_min_protocol_version=value(settings, "ssl_min_protocol_version"),
        ssl_max_protocol_version=settings.get("ssl_max_protocol_version", NEWEST_TLS).value,
    )


def file(settings: Settings, name: str, home: Path | None) -> str:
    """The file that a parameter names, else the one in the home folder; "" without either. No ~ is expanded, as in libpq."""
    if value(settings, name):
        return value(settings, name)
    default = FILES.get(name)
    return str(home / ".postgresql" / default) if home is not None and default else ""


def _host(settings: Settings) -> Unknown | str | None:
    host = value(settings, "host")
    if not host:
        return None if value(settings, "hostaddr") else UNKNOWN
    return UNKNOWN if "," in host or host.startswith(("/", "@")) else host


def _lists(
    settings: Settings, home: Path | None, *, before_3: bool
) -> tuple[tuple[RevocationList, ...] | None, tuple[Certificate, ...]]:
    """The revocation lists, and certificates beside them; root.crl only where neither sslcrl nor sslcrldir is set.

    A missing file says nothing.
    """
    folder = value(settings, "sslcrldir")
    path = "" if folder and not value(settings, "sslcrl") else file(settings, "sslcrl", home)
    return revocation_lists(path, folder, before_3=before_3)


def revocation_lists(
    path: str, folder: str, *, before_3: bool
) -> tuple[tuple[RevocationList, ...] | None, tuple[Certificate, ...]]:
    """What a file and a folder hold together. Without a list in the file OpenSSL does not come to the folder (X509_STORE_load_locations)."""
    found, beside = rootfile.load_beside(path, before_3=before_3) if path else ((), ())
    if not folder or found is None:
        return found if path else None, beside
    return (*found, *rootfile.load_folder(folder)), beside


# SERVICE FILES (parseServiceInfo, parseServiceFile)


def _service(found: dict[str, Setting], environment: Mapping[str, str], home: Path | None) -> None:
    """Add what the service says, where nothing was said before."""
    name = found["service"].value if "service" in found else environment.get("PGSERVICE")
    if name is None:
        return
    own = environment.get("PGSERVICEFILE") or (str(home / ".pg_service.conf") if home else "")
    if own and ("PGSERVICEFILE" in environment or Path(own).exists()) and _section(Path(own), name, found):
        return
    folders = (environment["PGSYSCONFDIR"],) if "PGSYSCONFDIR" in environment else SYSTEM_FOLDERS
    shared = [Path(folder) / "pg_service.conf" for folder in folders]
    # a libpq knows one folder, and which one nobody tells
    there = next((path for path in shared if path.exists()), None)
    if there and _section(there, name, found):
        return
    looked = " and ".join([own or "no home folder", *map(str, shared)])
    raise bad(f'definition of service "{name}" not found', f"looked in {looked}; PGSYSCONFDIR names another folder")


def _section(path: Path, service: str, found: dict[str, Setting]) -> bool:
    """Read the section of a service; whether there is one."""
    try:
        lines = pipes.content(path, LARGEST).decode("utf-8", "surrogateescape").split("\n")
    except OSError:
        raise bad(f'service file "{path}" not found', "PGSERVICEFILE names it") from None
    within = False
    for number, line in enumerate(lines, 1):
        if len(line.encode("utf-8", "surrogateescape")) >= LONGEST_LINE:
            raise bad(f'line {number} too long in service file "{path}"')
        text = line.strip(" \t\n\v\f\r")
        if text.startswith("["):
            if within:
                return True
            within = text[1:].startswith(f"{service}]")
        elif within and text and not text.startswith("#"):
            _line(path, number, text, service, found)
    return within


def _line(path: Path, number: int, text: str, service: str, found: dict[str, Setting]) -> None:
    name, separator, value = text.partition("=")
    if separator and name == "service":
        raise bad(f'nested service specifications not supported in service file "{path}", line {number}')
    if not separator or name not in PARAMETERS:
        raise bad(f'syntax error in service file "{path}", line {number}', "each line is a parameter: name=value")
    found.setdefault(name, Setting(value, f"service {service} in {path}"))


# WHAT LIBPQ REFUSES BEFORE IT CONNECTS (pqConnectOptions2)


def possible(settings: Settings, modes: Container[str] = ()) -> None:
    """Raise for values that no libpq takes, and of sslmode no client with these `modes`. A weak sslmode is a verdict of the replay, not an error here."""
    for name, known in VALUES.items():
        setting = settings.get(name)
        if name == "sslmode" and setting is not None and setting.value in modes:
            continue
        if setting is not None and setting.value not in known and not _version(name, setting.value):
            quoted = f'"{name}"' if name in VERSIONS_QUOTED else name
            words = f'invalid {quoted} value: "{setting.value}"'
            meant = OF_OTHERS.get(setting.value) or f"there are: {', '.join(k for k in known if k)}"
            raise TracerError(words, f"it came from {setting.origin}; {meant}")
    low, high = (value(settings, f"ssl_{end}_protocol_version") for end in ("min", "max"))
    if low and high and VERSIONS.index(low.lower()) > VERSIONS.index(high.lower()):
        raise TracerError("invalid SSL protocol version range", f"from {low} to {high} there is none")


def _version(name: str, text: str) -> bool:
    """Whether it is a version of TLS for one of these parameters; in small letters, too."""
    return name in VERSIONS_QUOTED and text.lower() in VERSIONS


TLS_VERSIONS = ("", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")
VERSIONS = tuple(map(str.lower, TLS_VERSIONS))
VERSIONS_QUOTED = ("ssl_min_protocol_version", "ssl_max_protocol_version")
VALUES: dict[str, tuple[str, ...]] = {
    "channel_binding": ("disable", "prefer", "require"),
    "sslmode": SSLMODES,
    "sslnegotiation": ("postgres", "direct"),
    "gssencmode": ("disable", "prefer", "require"),
    "sslcertmode": ("disable", "allow", "require"),
    "ssl_min_protocol_version": TLS_VERSIONS,
    "ssl_max_protocol_version": TLS_VERSIONS,
}
OF_OTHERS = {
    "no-verify": "only node-postgres knows it: encrypted, and nothing checked, so that any server passes; pgtls explain-mode --client node-postgres-8 shows it; write verify-full"
}
NEWEST_TLS = Setting("TLSv1.3", DEFAULT)
FILES = {
    "sslrootcert": "root.crt",
    "sslcrl": "root.crl",
    "sslcert": "postgresql.crt",
    "sslkey": "postgresql.key",
}
SHOWN = (
    *("sslmode", "sslrootcert", "host", "hostaddr", "port", "sslnegotiation", "sslcrl", "sslcrldir", "sslcert", "sslkey"),
    *("sslcertmode", "sslsni", "channel_binding", "require_auth", "gssencmode", *VERSIONS_QUOTED, "service"),
)  # fmt: skip
