"""The time of a capture: it goes on, and never back.

Packets carry the clock of the machine that captured them, and that clock is set now and then, by hand or by NTP. What
waits for time to pass needs one that only passes. Times are seconds.
"""

from __future__ import annotations

BACK = 2.0  # packets may be this much older than the one before: several queues, or several interfaces
LEAP = 86400.0  # between two packets, more than this makes the clock doubtful


class Clock:
    """`now` goes on with the packets' times. A leap or a step back is believed when two packets in a row agree on it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.shift = 0.0  # what the capture's clock was set back by so far
        self.former = 0.0  # the shift before that: a clock that was wrong for a while comes back to it
        self.doubt = 0  # the direction in which the last packet's time was too far away

    def advance(self, time: float) -> None:
        """A packet has this time, or nothing came until then."""
        if not self.now:
            self.now = time
        ahead = time + self.shift - self.now
        if 0.0 <= ahead <= BACK:  # nearly always
            self.now, self.doubt = time + self.shift, 0
            return
        if abs(time + self.former - self.now) <= BACK < abs(ahead):
            self.shift, self.former, ahead = self.former, self.shift, 0.0
        direction = -1 if ahead < -BACK else 1 if ahead >= LEAP else 0
        if direction and self.doubt != direction:
            self.doubt = direction
            return
        if direction < 0:
            self.former, self.shift = self.shift, self.now - time
        self.doubt = 0
        self.now = max(self.now, time + self.shift)
