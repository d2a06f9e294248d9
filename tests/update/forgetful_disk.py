"""A `Disk` whose power can be cut between any two things that are done to it."""

from __future__ import annotations

import random
from dataclasses import dataclass, field


class PowerCut(Exception):
    """From now on nothing is done any more."""


@dataclass(eq=False)
class File:
    """A file: what it holds, and what of it is on the disk for sure."""

    data: bytes = b""
    synced: bytes | None = None


@dataclass(eq=False)
class Link:
    """A symbolic link, which is whole or absent."""

    target: str


@dataclass(eq=False)
class Folder:
    """A folder: its names, those that are on the disk for sure, and what was done since."""

    names: dict[str, Node] = field(default_factory=dict)
    synced: dict[str, Node] = field(default_factory=dict)
    since: list[tuple[str, str, Node | None]] = field(default_factory=list)

    def put(self, name: str, node: Node | None, source: str = "") -> None:
        """`node` has this name from now on (None: nobody), and no more the name `source`."""
        self.since.append((name, source, node))
        _apply(self.names, (name, source, node))


Node = File | Link | Folder


class ForgetfulDisk:
    """Obeys the rules of `Disk`: what was not synced may be gone after a cut, any part of it.

    Args:
        cut_after: so many changes are made; None: it is never cut.

    Attributes:
        changes: made so far, or synced.
    """

    def __init__(self, cut_after: int | None = None) -> None:
        self.cut_after = cut_after
        self.changes = 0
        self._root: Folder | None = None

    def after_a_cut(self, chance: random.Random) -> ForgetfulDisk:
        """What may be on it when the power is back."""
        disk = ForgetfulDisk()
        if self._root is not None:
            disk._root = _survived(self._root, chance)
        return disk

    # --- as `Disk` ----------------------------------------------------------------------------

    def read(self, path: str) -> bytes | None:
        node = self._find(path)
        return node.data if isinstance(node, File) else None

    def target(self, path: str) -> str | None:
        node = self._find(path)
        return node.target if isinstance(node, Link) else None

    def folders(self, path: str) -> list[str]:
        node = self._find(path)
        inside = node.names if isinstance(node, Folder) else {}
        return sorted(name for name, it in inside.items() if isinstance(it, Folder))

    def write(self, path: str, data: bytes) -> None:
        self._change()
        node = self._find(path)
        if isinstance(node, File):
            node.data, node.synced = data, None
        else:
            self._place(path, File(data))

    def link(self, path: str, target: str) -> None:
        self._change()
        self._new(path, Link(target))

    def make_folder(self, path: str) -> None:
        if self._find(path) is not None:
            raise FileExistsError(path)
        self._change()
        if path:
            self._new(path, Folder())
        else:
            self._root = Folder()

    def rename(self, path: str, to: str) -> None:
        self._change()
        node = self._find(path)
        assert node is not None
        if isinstance(self._find(to), Folder):
            raise OSError(39, "Directory not empty", to)
        folder, name = self._parent(to)
        source, old = self._parent(path)
        assert folder is source
        folder.put(name, node, old)

    def remove(self, path: str) -> None:
        if self._find(path) is not None:
            self._change()
            folder, name = self._parent(path)
            folder.put(name, None)

    def remove_tree(self, path: str) -> None:
        node = self._find(path)
        if isinstance(node, Folder):
            for name in list(node.names):
                self._change()
                node.put(name, None)
            self.remove(path)

    def sync(self, path: str) -> None:
        self._change()
        node = self._find(path)
        assert node is not None
        _sync(node)

    def sync_all(self) -> None:
        self._change()
        assert self._root is not None
        _sync_tree(self._root)

    # --- within -------------------------------------------------------------------------------

    def _change(self) -> None:
        if self.cut_after is not None and self.changes >= self.cut_after:
            raise PowerCut
        self.changes += 1

    def _find(self, path: str) -> Node | None:
        node: Node | None = self._root
        for part in filter(None, path.split("/")):
            node = node.names.get(part) if isinstance(node, Folder) else None
        return node

    def _parent(self, path: str) -> tuple[Folder, str]:
        above, _, name = path.rpartition("/")
        folder = self._find(above)
        assert isinstance(folder, Folder), path
        return folder, name

    def _new(self, path: str, node: Node) -> None:
        if self._find(path) is not None:
            raise FileExistsError(path)
        self._place(path, node)

    def _place(self, path: str, node: Node) -> None:
        folder, name = self._parent(path)
        folder.put(name, node)


def _apply(names: dict[str, Node], change: tuple[str, str, Node | None]) -> None:
    name, source, node = change
    if source and names.get(source) is node:
        del names[source]
    if node is None:
        names.pop(name, None)
    else:
        names[name] = node


def _sync(node: Node) -> None:
    if isinstance(node, File):
        node.synced = node.data
    elif isinstance(node, Folder):
        node.synced = dict(node.names)
        node.since.clear()


def _sync_tree(node: Node) -> None:
    _sync(node)
    if isinstance(node, Folder):
        for inner in node.names.values():
            _sync_tree(inner)


def _survived(folder: Folder, chance: random.Random) -> Folder:
    names = dict(folder.synced)
    luck = chance.choice((0.0, 0.5, 1.0))
    for change in folder.since:
        if chance.random() < luck:
            _apply(names, change)
    after = Folder()
    for name, node in names.items():
        after.names[name] = _copy(node, chance)
    after.synced = dict(after.names)
    return after


def _copy(node: Node, chance: random.Random) -> Node:
    if isinstance(node, Folder):
        return _survived(node, chance)
    if isinstance(node, Link):
        return Link(node.target)
    data = node.synced
    if data is None:
        data = node.data[: chance.randrange(len(node.data) + 1)]
    return File(data, data)
