"""The cache benchmark: designs side by side on one trace, one machine, one run.

Read `design` (the seam a cache plugs into), `registry` (who is measured) and `options` first. The
traces are in `traces` (turns of a household) and `requests` (for eviction); the rivals in `rivals`.
Measured are `wear` (bytes a day, on a `device`, by a child that runs `drive`), `lookups`, `hits`
(against an exact LRU) and `opening`. Results go into a `book` and from there into a `report`.
"""
