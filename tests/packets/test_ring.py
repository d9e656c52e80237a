"""A packet ring: real packets of a kernel, on interfaces of a network namespace of its own."""

from __future__ import annotations

import json

import pytest

from tests.packets.listening import in_namespace
from tracer.errors import TracerError
from tracer.packets.ring import capture

pytestmark = pytest.mark.needs("unshare", "ip", "setpriv")

# Frames of an Ethernet cable go in at one end; what the ring hands on of them at the other end is printed
SEE = """
import socket, struct
from tracer.packets.link import ETHERNET
from tracer.packets.ring import capture
from tracer.packets.source import Packet, address, reverse
from tests.packets.test_filters import *

def ip(*words):
    subprocess.run(["ip", *words], check=True)

ip("link", "add", "left", "type", "veth", "peer", "name", "right")
for end in ("left", "right"):
    ip("link", "set", end, "addrgenmode", "none")
    ip("link", "set", end, "up")

def seen(source, frames, end=2.0):
    written = []
    source.record = lambda *frame: written.append(frame)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
        cable.bind(("left", 0))
        for frame in frames:
            cable.send(frame)
    end += time.monotonic()
    found = []
    for item in source:
        if isinstance(item, Packet):
            found.append(f"{address(item.flow).port}-{address(reverse(item.flow)).port}")
        source.stopped |= time.monotonic() > end or len(written) >= len(frames)
    return found, written, source

def ethernet(kind, packet):
    return bytes(12) + struct.pack(">H", kind) + packet
"""
KINDS = """
frames = [ethernet(kind, packet) for _, kind, packet, *_ in TABLE if kind < 0x8100 or kind == 0x86DD]
frames += [ethernet(0x8100, INNER_4 + TCP_4), ethernet(0x88A8, b"\\0\\7\\x81\\0" + INNER_4 + TCP_4), ethernet(0x8100, INNER_4 + UDP_4)]
for ports in ((), (5432,), (80,)):
    for name in ("right", None):
        found, written, source = seen(capture(name, ports), frames, 1.0)
        of_right = [frame for frame in written if frame[0] == "right"]
        print(json.dumps({"ports": ports, "name": name, "found": found, "written": [f[3].hex() for f in of_right]}))
"""


def test_the_kernel_keeps_what_the_filter_says() -> None:
    """TCP with and without VLAN tags and fragments, of some ports or all; a tag that the kernel took off is written again."""
    one, all_, *rest = [json.loads(line) for line in in_namespace(SEE + KINDS).splitlines()]
    from tests.packets.test_filters import INNER_4, LATER, TCP_4

    assert one["found"] == ["40000-5432", "40000-5432", "5432-40000", "40000-5432", "40000-5432"]
    assert len(one["written"]) == 7  # with the fragment and the IPv6 headers, which are no segments by themselves
    assert (bytes(12) + b"\x81\0" + INNER_4 + TCP_4).hex() in one["written"]
    assert (bytes(12) + b"\x88\xa8\0\7\x81\0" + INNER_4 + TCP_4).hex() in one["written"]
    assert set(one["written"]) <= set(all_["written"])
    port, _, none, _ = rest
    assert port["found"] == one["found"]
    assert none["found"] == []
    assert next(bytes.fromhex(frame)[14:] for frame in none["written"]) == LATER


DROPS = """
from tracer.packets import ring
ring.BLOCK, ring.BLOCKS = 1 << 16, 1
ring.FEWEST = 1
source = capture("right")
found, written, source = seen(source, [ethernet(0x0800, TCP_4)] * 5000, 1.0)
print(json.dumps({"packets": source.counts.packets, "dropped": source.counts.dropped, "written": len(written)}))
"""


def test_what_found_no_room_is_counted() -> None:
    """Every packet was either read or dropped."""
    counts = json.loads(in_namespace(SEE + DROPS))
    assert counts["dropped"] > 0
    assert counts["packets"] == counts["written"]
    assert counts["packets"] + counts["dropped"] == 5000


END = """
source = capture("right")
with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as cable:
    cable.bind(("left", 0))
    for _ in range(20000):
        cable.send(ethernet(0x0800, TCP_4 + bytes(200)))
source.stopped = True
print(sum(isinstance(item, Packet) for item in source))
"""


def test_what_has_come_before_the_end_is_read() -> None:
    """The last packet lies in a block that is not full yet, behind several that are."""
    assert int(in_namespace(SEE + END)) == 20000


GONE = """
source = capture("right")
began = time.monotonic()
steps = [("set", "right", "down"), ("del", "right")]
for item in source:
    if len(source.problems) == 2 - len(steps):
        ip("link", *steps.pop(0))
    assert time.monotonic() - began < 30
print(json.dumps(source.problems))
"""


def test_an_interface_that_goes_away() -> None:
    """One that is down may come up again; when it is gone, so is the capture."""
    assert json.loads(in_namespace(SEE + GONE)) == ["right: network is down", "right is gone"]


TUNNEL = """
ip("tuntap", "add", "tun9", "mode", "tun")
ip("link", "set", "tun9", "up")
import fcntl
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, 0x400454CA, struct.pack("16sH22x", b"tun9", 0x1001))
source = capture("tun9")
written = []
source.record = lambda *frame: written.append(frame)
os.write(tun, TCP_4)
found = []
end = time.monotonic() + 2
for item in source:
    found += [item] if isinstance(item, Packet) else []
    source.stopped |= bool(found) or time.monotonic() > end
assert [address(p.flow).port for p in found] == [40000]
assert [(w[0], w[1], w[3]) for w in written] == [("tun9", 101, TCP_4)]
"""


def test_an_interface_without_ethernet() -> None:
    """A tunnel's packets are bare IP, and are written as such."""
    import os

    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        pytest.skip("no /dev/net/tun for us here")
    in_namespace(SEE + TUNNEL)


RIGHTS = """
rights = sys.argv[1]
sets = [f"--{kind}={rights}" for kind in ("bounding-set", "inh-caps", "ambient-caps")]
command = ["setpriv", *sets, sys.executable, "-m", "tracer", "live", "--via", "ring", "-i", "lo", "--duration", "1"]
done = subprocess.run(command, capture_output=True, text=True)
print(json.dumps([done.returncode, done.stderr]))
"""


def test_one_right_is_enough() -> None:
    """CAP_NET_RAW alone."""
    status, said = json.loads(in_namespace(RIGHTS, "-all,+net_raw"))
    assert status == 0
    assert said.startswith("pgtls: listening on lo through a packet ring")


def test_no_right_to_capture() -> None:
    """The error names the two ways to get it."""
    status, said = json.loads(in_namespace(RIGHTS, "-all"))
    assert status == 2
    assert said.startswith("pgtls: error: no right to capture\n")
    assert "setcap cap_net_raw+ep" in said
    assert "usermod -aG wireshark" in said


def test_no_such_interface() -> None:
    """The error names those that there are."""
    with pytest.raises(TracerError) as caught:
        capture("no-such-interface")
    assert "lo" in caught.value.hints[0]
