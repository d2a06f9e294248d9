"""Timers and alarms: what was asked for, what is kept, when it rings, what is said about it."""
