"""One line per check, and an exit status that a Makefile understands."""

import sys


class Tap:
    """Counts what passed and failed; running nothing is a failure too."""

    def __init__(self):
        self.passed = 0
        self.failed = 0

    def ok(self, good, name, detail=""):
        """Print one check's line; detail follows a failure as a comment."""
        self.passed += bool(good)
        self.failed += not good
        number = self.passed + self.failed
        print("%s %d - %s" % ("ok" if good else "not ok", number, name),
              flush=True)
        if detail and not good:
            print("# " + str(detail).replace("\n", "\n# "), flush=True)
        return bool(good)

    def finish(self):
        """Print the sum and exit."""
        print("%d passed, %d failed" % (self.passed, self.failed), flush=True)
        sys.exit(0 if self.passed and not self.failed else 1)
