"""Bytes to messages: no I/O, no clock, no globals."""
