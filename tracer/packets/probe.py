"""Our own connection: as libpq would make it, every byte recorded as packets.

The steps are those of PQconnectPoll and open_client_SSL (libpq 18), with OpenSSL itself between two `ssl.MemoryBIO`s.
It sends no password: it stops behind the handshake, or with a StartupMessage at the server's authentication request.
The packets are made of what went through the socket: their bytes, order and times are real, their sequence numbers count
from 0.
"""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
import stat
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from tracer import rootfile
from tracer.errors import TracerError
from tracer.packets.source import ACK, FIN, RST, SYN, Packet, Source, Tick, reverse
from tracer.verify.model import Unusable

SSL_REQUEST = bytes.fromhex("0000000804d2162f")
CHUNK = 1 << 14  # bytes read at once
MOST = 1 << 20  # bytes that a server may say before we hang up
PATIENCE = 10.0  # seconds for each address, where connect_timeout says nothing
OPENSSL = re.compile(r"^\[[^]]*\] | \(_ssl\.c:\d+\)$")  # what Python puts around a reason
AFTERWARDS = 0.25  # seconds, or three round trips, for an alert behind a handshake of TLS 1.3
ALPN = "postgresql"


@dataclass(frozen=True)
class Endpoint:
    """Where to connect: `address` is a name or an IP address; `host` is what the client calls it, for SNI."""

    host: str | None
    address: str
    port: int


@dataclass(frozen=True, kw_only=True)
class Conduct:
    """How to behave. Files are paths as libpq would open them; "" is none. `sslrootcert` may be `system`.

    `ask` is whether to ask for TLS at all. `startup` is a whole StartupMessage to send, `plaintext` whether to send it
    also behind `N`. `accept` looks at the server's certificate (DER) and the host behind the handshake, as libpq does; where
    it says no, we close.
    """

    ask: bool = True
    direct: bool = False
    sslrootcert: str = ""
    sslcrl: str = ""
    sslcrldir: str = ""
    sslcert: str = ""
    sslkey: str = ""
    sslpassword: str = ""
    sni: bool = True
    minimum: str = "TLSv1.2"
    maximum: str = ""
    startup: bytes | None = None
    plaintext: bool = False
    accept: Callable[[bytes, str | None], bool] = lambda _der, _host: True
    timeout: float = PATIENCE


def probe(endpoints: Sequence[Endpoint], conduct: Conduct) -> Source:
    """Connect to the first address that answers, and talk. Raises `TracerError` where none does."""
    if any("@" in endpoint.address for endpoint in endpoints):
        # libpq ends user and password at the first @ of a URI; what follows it is the host
        raise TracerError(
            "a host has an @ in it (not repeated, since it may hold a password)",
            "in a URI an @ inside a user name or a password is written %40",
        )
    failures: list[str] = []
    for endpoint in endpoints:
        for address in _addresses(endpoint, failures):
            start = time.time()
            try:
                connected = _connect(address, conduct.timeout)
            except OSError as error:
                failures.append(f"{address[0]}, port {address[1]}: {_why(error)}")
                continue
            with connected:
                return _record(endpoint, connected, conduct, start, failures)
    raise TracerError(
        f"cannot connect to {', '.join(dict.fromkeys(e.address for e in endpoints))}",
        *failures,
        "is that the server, and does nothing on the way stop the connection?",
    )


Sockaddr = tuple[str, int]


def _addresses(endpoint: Endpoint, failures: list[str]) -> list[Sockaddr]:
    """All addresses of a name, in the resolver's order, as libpq tries them."""
    try:
        found = socket.getaddrinfo(endpoint.address, endpoint.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        failures.append(f'could not translate host name "{endpoint.address}" to address: {_why(error)}')
        return []
    return list(dict.fromkeys((str(address[0]), int(address[1])) for *_, address in found))


def _connect(address: Sockaddr, timeout: float) -> socket.socket:
    connected = socket.create_connection(address, timeout)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connected


def _why(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(getattr(error, "strerror", None) or error)


def _record(
    endpoint: Endpoint, connected: socket.socket, conduct: Conduct, start: float, failures: list[str]
) -> Source:
    line = Line(connected, conduct.timeout)
    line.opened(start)
    source = Source(f"{endpoint.host or endpoint.address}:{endpoint.port}", _walk(line.packets), "probe")
    with suppress(Ended):
        _talk(line, endpoint, conduct, source)
    if line.silent:
        failures = [*failures, f"the server said nothing more for {conduct.timeout:g} seconds"]
    source.problems.extend(failures)
    return source


def _walk(packets: list[Packet]) -> Callable[[Source], Iterator[Packet | Tick]]:
    """The recorded packets, as often as they are asked for."""

    def walk(source: Source) -> Iterator[Packet | Tick]:
        counts = source.counts
        counts.packets, counts.bytes = len(packets), sum(len(p.payload) for p in packets)
        counts.first, counts.last = packets[0].time, packets[-1].time
        yield from packets

    return walk


# THE LINE


class Ended(Exception):
    """Nothing more will be said."""


Speaker = Literal["client", "server"]


@dataclass
class Line:
    """A socket that remembers what went over it, as packets."""

    socket: socket.socket
    patience: float
    packets: list[Packet] = field(default_factory=list)
    next: dict[Speaker, int] = field(default_factory=lambda: {"client": 0, "server": 0})
    flow: bytes = b""  # from the client
    round_trip: float = 0.0
    silent: bool = False

    def opened(self, start: float) -> None:
        """The three packets that opened it; who connects sees the first and the last."""
        self.round_trip = time.time() - start
        near, far = self.socket.getsockname(), self.socket.getpeername()
        addresses = b"".join(ipaddress.ip_address(str(end[0]).partition("%")[0]).packed for end in (near, far))
        self.flow = addresses + b"".join(int(end[1]).to_bytes(2, "big") for end in (near, far))
        self._packet("client", SYN, b"", start)
        self._packet("server", SYN | ACK, b"")
        self._packet("client", ACK, b"")

    def say(self, data: bytes) -> None:
        """Send, where there is something. A server that has hung up may have said why: that is still to be heard."""
        if not data:
            return
        when = time.time()
        try:
            self.socket.sendall(data)
        except TimeoutError:
            self.silent = True
            raise Ended from None
        except OSError:
            return
        self._packet("client", ACK, data, when)

    def hear(self, patience: float | None = None) -> bytes:
        """What comes next; b"" where the server has closed. Raises `Ended` on a reset and on silence."""
        if self.next["server"] > MOST:
            raise Ended
        self.socket.settimeout(self.patience if patience is None else patience)
        try:
            data = self.socket.recv(CHUNK)
        except TimeoutError:
            self.silent = patience is None
            raise Ended from None
        except OSError:
            self._packet("server", RST | ACK, b"")
            raise Ended from None
        self._packet("server", ACK if data else FIN | ACK, data)
        return data

    def close(self) -> None:
        """We hang up, and that is part of the record."""
        self._packet("client", FIN | ACK, b"")

    def _packet(self, sender: Speaker, flags: int, data: bytes, when: float | None = None) -> None:
        flow, other = (self.flow, "server") if sender == "client" else (reverse(self.flow), "client")
        heard = self.next[other] if flags & ACK else 0  # type: ignore[index]
        when = time.time() if when is None else when
        self.packets.append(Packet(len(self.packets) + 1, when, flow, self.next[sender], heard, flags, data))
        self.next[sender] += len(data) + bool(flags & (SYN | FIN))


# THE CONVERSATION


def _talk(line: Line, endpoint: Endpoint, conduct: Conduct, source: Source) -> None:
    if not conduct.ask:
        _without_tls(line, b"N", conduct)
        return
    if not conduct.direct:
        line.say(SSL_REQUEST)
        answer = line.hear()
        if answer[:1] != b"S":
            _without_tls(line, answer, conduct)
            return
    try:
        context = _context(conduct)
    except (OSError, ssl.SSLError, ValueError) as error:
        source.problems.append(_why(error))
        line.close()
        return
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "keys"
        context.keylog_filename = str(log)
        try:
            _tls(line, endpoint, conduct, context)
        finally:
            if log.exists():
                source.keys.add(log.read_bytes())


def _without_tls(line: Line, answer: bytes, conduct: Conduct) -> None:
    """`N`: libpq goes on or hangs up. `E` and anything else: it hangs up, and the rest of an error is on its way."""
    if answer[:1] == b"N" and conduct.plaintext:
        if conduct.startup is not None:
            line.say(conduct.startup)
            line.hear()
        return
    if answer[:1] == b"E":
        with suppress(Ended):
            while line.hear(max(AFTERWARDS, 3 * line.round_trip)):
                pass
    if answer:
        line.close()


def _context(conduct: Conduct) -> ssl.SSLContext:
    """OpenSSL as initialize_SSL sets it up: it verifies if, and only if, there are roots. Raises where libpq gives up."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.verify_flags = ssl.VERIFY_X509_TRUSTED_FIRST  # Python may add more, libpq does not
    context.minimum_version = VERSIONS[conduct.minimum] if conduct.minimum else ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = VERSIONS[conduct.maximum] if conduct.maximum else ssl.TLSVersion.MAXIMUM_SUPPORTED
    context.set_alpn_protocols([ALPN])
    if conduct.sslrootcert == "system":
        context.set_default_verify_paths()
        context.verify_mode = ssl.CERT_REQUIRED
    elif conduct.sslrootcert and Path(conduct.sslrootcert).exists():
        _roots(context, conduct.sslrootcert)
        context.verify_mode = ssl.CERT_REQUIRED
        _lists(context, conduct)
    if conduct.sslcert and Path(conduct.sslcert).exists():
        private(conduct.sslkey)
        pair = conduct.sslcert, conduct.sslkey, lambda: conduct.sslpassword
        _load(
            f'could not load certificate "{conduct.sslcert}" and key "{conduct.sslkey}"',
            lambda: context.load_cert_chain(*pair),
        )
    return context


def _roots(context: ssl.SSLContext, path: str) -> None:
    """The root file, with OpenSSL's own reason where it is damaged: Python tells no more than the part that gave up."""
    words, found = f'could not read root certificate file "{path}"', rootfile.load(path)
    if isinstance(found, Unusable):
        raise OSError(f"{words}: {found.reason}")
    _load(words, lambda: context.load_verify_locations(path))


def _load(words: str, step: Callable[[], None]) -> None:
    """A step that may fail on a file, with libpq's beginning of the sentence."""
    try:
        step()
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        reason = OPENSSL.sub("", reason).lower().replace("_", " ")
        raise OSError(f"{words}: {reason}") from None


def private(key: str) -> None:
    """A key must be there, be a file, and be nobody else's to read (initialize_SSL). Raises OSError in libpq's words."""
    try:
        found = Path(key).stat()
    except OSError:
        raise OSError(f'certificate present, but not private key file "{key}"') from None
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f'private key file "{key}" is not a regular file')
    if found.st_mode & (0o037 if found.st_uid == 0 else 0o077):
        words = "must have permissions u=rw (0600) or less if owned by the current user, or permissions u=rw,g=r (0640) or less if owned by root"
        raise OSError(f'private key file "{key}" has group or world access; file {words}')


def _lists(context: ssl.SSLContext, conduct: Conduct) -> None:
    """Revocation is checked where a list was loaded, or a folder named: a file that is missing says nothing."""
    with suppress(OSError, ssl.SSLError):
        if conduct.sslcrl:
            context.load_verify_locations(conduct.sslcrl)
        if conduct.sslcrldir:
            context.load_verify_locations(capath=conduct.sslcrldir)
        if conduct.sslcrl or conduct.sslcrldir:
            context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN


def _tls(line: Line, endpoint: Endpoint, conduct: Conduct, context: ssl.SSLContext) -> None:
    heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = _object(context, heard, said, _server_name(endpoint) if conduct.sni else None)

    def until(step: Callable[[], object], patience: float | None = None) -> object:
        """Do a step of TLS, as many bytes as it takes. What OpenSSL has to say is said also where it fails."""
        while True:
            try:
                return step()
            except ssl.SSLWantReadError:
                line.say(said.read())
                data = line.hear(patience)
                heard.write(data) if data else heard.write_eof()
            finally:
                line.say(said.read())

    try:
        until(tls.do_handshake)
        if conduct.accept(tls.getpeercert(binary_form=True) or b"", endpoint.host):
            _inside(line, conduct, tls, until)
            return
    except ssl.SSLError:
        pass  # an alert, or an end: it is in the record
    if not line.packets[-1].flags & FIN:
        with suppress(ssl.SSLError):
            tls.unwrap()  # close_notify, where the handshake was done
        line.say(said.read())
        line.close()


def _inside(line: Line, conduct: Conduct, tls: ssl.SSLObject, until: Callable[..., object]) -> None:
    """Behind the handshake: the StartupMessage and what it is answered, or a moment for an alert."""
    if conduct.startup is not None:
        until(lambda: tls.write(conduct.startup or b""))
        until(lambda: tls.read(CHUNK))
    elif tls.version() == "TLSv1.3":
        until(lambda: tls.read(CHUNK), max(AFTERWARDS, 3 * line.round_trip))


def _object(
    context: ssl.SSLContext, heard: ssl.MemoryBIO, said: ssl.MemoryBIO, server_name: str | None
) -> ssl.SSLObject:
    """A name that Python would not send as it is is not sent at all."""
    try:
        return context.wrap_bio(heard, said, server_hostname=server_name)
    except (ValueError, UnicodeError):
        return context.wrap_bio(heard, said)


def _server_name(endpoint: Endpoint) -> str | None:
    """What libpq puts into SNI: a host that is no address, by its own rule (initialize_SSL)."""
    host = endpoint.host or ""
    return host if host and host.strip("0123456789.") and ":" not in host else None


VERSIONS = {
    "TLSv1": ssl.TLSVersion.TLSv1,
    "TLSv1.1": ssl.TLSVersion.TLSv1_1,
    "TLSv1.2": ssl.TLSVersion.TLSv1_2,
    "TLSv1.3": ssl.TLSVersion.TLSv1_3,
}
