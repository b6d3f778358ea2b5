"""`make mutants`: small faults planted one by one into the decisions of enrolment; how many do the fast tests notice?

Settings: [tool.mutmut] in pyproject.toml. Lists who lives, then a count per module; exit code 1 where fewer than 90 %
die. `mutmut show NAME` shows one, `mutmut browse` all.
"""

import json
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

AIM = 0.9
"""At least this share of the mutants dies."""
HERE = Path("mutants")
DEAD = {1, 3, 36, 24, -24, 152, 255}
"""Exit codes as mutmut keeps them: 1 and 3 say that a test failed, the others that it did not end."""
Codes = Mapping[str, int | None]
"""Name of a mutant, such as `services.enrolment.seats.x_admits__mutmut_7` -> exit code of its tests; None: not run."""


def main(children: str = "1") -> int:
    """Mutate, run, count. `children`: how many mutants are tested side by side."""
    shutil.rmtree(HERE, ignore_errors=True)  # mutmut does not notice everything that has changed
    mutmut = [str(Path(sys.executable).parent / "mutmut"), "run", "--max-children", children]
    subprocess.run(mutmut, check=True)
    files = [json.loads(file.read_text()) for file in sorted(HERE.rglob("*.meta"))]
    codes: Codes = {name: code for file in files for name, code in file["exit_code_by_key"].items()}
    lines, enough = report(codes)
    print(*lines, sep="\n")  # noqa: T201 (the answer itself)
    return 0 if enough else 1


def report(codes: Codes) -> tuple[list[str], bool]:
    """What is said, and whether enough of them die."""
    dead = {name for name, code in codes.items() if code in DEAD}
    every, of = (Counter(name.rpartition(".")[0] for name in names) for names in (codes, dead))
    lives = [f"lives: {name}" for name in sorted(codes.keys() - dead)]
    modules = [f"{module}: {of[module]} of {count}" for module, count in sorted(every.items())]
    share = len(dead) / len(codes) if codes else 0.0
    return [*lives, *modules, f"{len(dead)} of {len(codes)} mutants die: {share:.1%}, aim {AIM:.0%}"], share >= AIM


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
