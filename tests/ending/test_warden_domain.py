"""The members of a helper's domain, with a listing in which things happen while it is made."""

from __future__ import annotations

import os
from collections.abc import Iterator

from pydfly.ending.warden_domain import OwnChildren
from pydfly.structs import DescendantInfo


class Moving:
    """A listing in which the process 11 dies while it is walked: its child 12 becomes the helper's own."""

    descriptors = ()

    def __init__(self) -> None:
        self._children = [10]

    def renew(self) -> None:
        """Belong to the same process."""

    def pids(self) -> list[int]:
        """Return the children of the helper now."""
        return list(self._children)

    def each(self) -> Iterator[int]:
        """Yield the same."""
        yield from self._children

    def walk(self, pids: list[int], parents: set[int]) -> list[DescendantInfo]:
        """Follow the lists: that of 11 is empty when it is read, as 12 has just left it."""
        self._children = [10, 12]
        below = {10: [self.info(10), DescendantInfo(11, 10, "middle", "zombie", 1.0)], 12: [self.info(12)]}
        return [member for pid in pids for member in below[pid]]

    def info(self, pid: int) -> DescendantInfo:
        """Describe a child."""
        return DescendantInfo(pid, os.getpid(), "child", "sleeping", 1.0)

    def send(self, target: DescendantInfo, signal: int) -> None:
        """Signal nothing."""

    def kill_domain(self) -> None:
        """Kill nothing."""


def test_a_process_whose_parent_dies_while_it_is_looked_for_is_found() -> None:
    """Between two lists it moves to the helper, and is there all the time."""
    members = OwnChildren(Moving(), lambda: None).members()
    assert [member.pid for member in members] == [10, 11, 12]


def test_what_a_ward_leaves_is_spared_in_the_moment_of_its_end() -> None:
    """It has told that before, and may not have been collected yet when its child is listed as the helper's own."""
    wards = {11}
    children = OwnChildren(Moving(), lambda: None, wards, hear=lambda: wards.add(10))
    assert children.pids() == []
