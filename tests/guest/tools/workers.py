"""Three jobs on two workers of a start method; the parent made a call before or not.

workers.py fork|spawn|forkserver before|after
"""

from __future__ import annotations

import multiprocessing
import sys

import sprint


def work(number: int) -> str:
    try:
        with sprint.SecureBuffer.random(32) as secret:
            return "served" if len(secret) == 32 else f"{number}: {len(secret)} bytes"
    except sprint.ForkedError as error:
        return f"refused: {type(error).__name__}"


def main() -> None:
    if sys.argv[2] == "after":
        sprint.version()
    with multiprocessing.get_context(sys.argv[1]).Pool(2) as workers:
        answers = workers.map(work, range(3))
    print(answers.count(answers[0]), "of 3", answers[0])


if __name__ == "__main__":
    main()
