"""Run test cases of CPython's test_subprocess with ``supervise()`` in the place of ``subprocess.Popen``.

    python -m tests.supervisor.judge CLASS [PART/PARTS]

The cases may be dealt out to several runs: 0/2 is every second one, and 1/2 the others.  Prints a line for each test
that failed, and at the end a JSON object with the numbers.  The tests are found in the standard library of the running
interpreter, and are not copied.
"""

from __future__ import annotations

import json
import subprocess
import sys
import unittest
from collections.abc import Iterator

from tests.supervisor import popen
from tests.supervisor.not_applicable import NOT_APPLICABLE


def cases(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    """Yield every test case."""
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from cases(test)
        elif isinstance(test, unittest.TestCase):
            yield test


def reason_against(case: unittest.TestCase) -> str | None:
    """Say why a test case cannot apply; None if it can."""
    _, kind, method = case.id().rsplit(".", 2)
    return NOT_APPLICABLE.get(f"{kind}.{method}") or NOT_APPLICABLE.get(method)


class Result(unittest.TextTestResult):
    """Ends what a test has left before the next begins."""

    def stopTest(self, test: unittest.TestCase) -> None:
        super().stopTest(test)
        popen.stop_all()


def main(kind: str, share: str = "0/1") -> int:
    """Run one class, or a part of it, and return the exit status."""
    from test import test_subprocess

    subprocess.Popen = popen.SupervisedPopen  # type: ignore[misc]
    part, parts = map(int, share.split("/"))
    everything = list(cases(unittest.defaultTestLoader.loadTestsFromName(kind, test_subprocess)))[part::parts]
    against = {case.id(): reason for case in everything if (reason := reason_against(case))}
    applicable = unittest.TestSuite(case for case in everything if case.id() not in against)
    result = unittest.TextTestRunner(sys.stdout, verbosity=1, resultclass=Result).run(applicable)
    skipped = {case.id(): reason for case, reason in result.skipped}
    names = sorted({name.rpartition(".")[2] for name in against})
    print(
        json.dumps(
            {
                "run": result.testsRun - len(skipped),
                "failed": len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses),
                "skipped": skipped,
                "not applicable": len(against),
                "names": names,
            }
        )
    )
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
