#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plants one violation of each house rule into a tree that has none, and expects tidy.py to find just that."""

import contextlib
import io
import os
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
import tidy  # noqa: E402

HEADER = "// SPDX-License-Identifier: MIT\n#pragma once\n// A thing.\n"
SOURCE = "// SPDX-License-Identifier: MIT\n"
CLASS = ("// A thing people use.\n//   Threads         one at a time\n//   Processes       stays where it was made\n"
         "class Thing {\n};\n")

CLEAN = {
    "include/brigade/thing.hpp": HEADER + "#include <string>\n\n" + CLASS,
    "include/brigade/error.hpp": HEADER + "class Error : public std::runtime_error {\n};\nclass Late : public Error {\n};\n",
    "include/brigade/late.hpp": HEADER + "namespace brigade::internal {\nclass Inside {\n};\n"
                                         "}  // namespace brigade::internal\n" + CLASS,
    "src/os/fd.hpp": HEADER + "#include <sys/types.h>\n",
    "src/os/fd.cpp": SOURCE + '#include "os/fd.hpp"\n\n#include <unistd.h>\n',
    "src/wire/image.cpp": SOURCE + '#include <link.h>\n\n#include <brigade/thing.hpp>\n\n#include "os/fd.hpp"\n',
    "src/wire/image_test.cpp": SOURCE + '#include <sys/wait.h>\n\n#include "os/fd.hpp"\n// TO' 'DO(perf): measure\n',
    "src/os/CMakeLists.txt": "# SPDX-License-Identifier: MIT\nbrigade_layer(os SOURCES fd.cpp)\n",
    "src/wire/CMakeLists.txt": "# SPDX-License-Identifier: MIT\nlist(image.cpp image_test.cpp)\n",
    "apps/one/main.cpp": SOURCE + '#include <brigade/thing.hpp>\n#include <unistd.h>\n#include "options.hpp"\n',
    "apps/one/options.hpp": HEADER,
    "apps/CMakeLists.txt": "# SPDX-License-Identifier: MIT\nadd(one/main.cpp)\n",
    "README.md": "# A house\n",
}

# rule -> (path, text) to plant; several where a rule has several sides.
PLANTED = [
    ("spdx", "src/os/fd.hpp", "// Some licence\n#pragma once\n// A thing.\n"),
    ("spdx", "scripts/run", "#!/bin/sh\necho\n"),
    ("pragma_once", "src/os/fd.hpp", "// SPDX-License-Identifier: MIT\n\n#pragma once\n// A thing.\n"),
    ("header_says_what_it_is", "src/os/fd.hpp", HEADER.replace("// A thing.\n", "\n#include <string>\n")),
    ("contract", "include/brigade/thing.hpp", HEADER + CLASS.replace("Threads", "Thread")),
    ("contract", "include/brigade/thing.hpp", HEADER + CLASS.replace("Processes", "")),
    ("contract", "include/brigade/thing.hpp", HEADER + "template <class T>\nclass Thing final : private Base<T> {\n};\n"),
    ("contract", "include/brigade/late.hpp", HEADER + "namespace brigade::internal {\n"
                                             "}  // namespace brigade::internal\nclass Late {\n};\n"),
    ("layers", "src/os/fd.cpp", SOURCE + '#include "wire/image.hpp"\n'),
    ("layers", "src/os/fd.cpp", SOURCE + '#include "fd.hpp"\n'),
    ("layers", "src/odds/fd.hpp", HEADER),
    ("layers", "include/brigade/thing.hpp", HEADER + '#include "os/fd.hpp"\n'),
    ("layers", "apps/one/main.cpp", SOURCE + "#include <brigade/internal/thing.hpp>\n"),
    ("layers", "apps/one/main.cpp", SOURCE + '#include "os/fd.hpp"\n'),
    ("os_headers", "src/wire/image.cpp", SOURCE + "#include <sys/mman.h>\n"),
    ("os_headers", "include/brigade/thing.hpp", HEADER + "#include <unistd.h>\n" + CLASS),
    ("cheap_headers", "include/brigade/thing.hpp", HEADER + "#include <iostream>\n" + CLASS),
    ("cheap_headers", "include/brigade/thing.hpp", HEADER + "using namespace std;\n" + CLASS),
    ("length", "src/os/fd.cpp", SOURCE + "//\n" * tidy.MAX_LINES),
    ("whitespace", "README.md", "one\ttwo\n"),
    ("whitespace", "README.md", "one \n"),
    ("whitespace", "README.md", "one\r\n"),
    ("whitespace", "README.md", "one"),
    ("todo", "README.md", "TO" "DO: all\n"),
    ("todo", "README.md", "TO" "DO(later): all\n"),
    ("words", "README.md", "FIX" "ME\n"),
    ("words", "README.md", "see `/ho" "me/me/notes`\n"),
    ("drawers", "src/os/ut" "ils.hpp", HEADER),
    ("cycles", "src/os/fd.hpp", HEADER + '#include "os/fd.hpp"\n'),
    ("listed", "src/os/pidfd.cpp", SOURCE),
]


def check(tree):
    """The rules tidy.py finds broken in a tree of files on disk, and its exit code."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in tree.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", newline="", encoding="utf-8") as stream:
                stream.write(text)
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            status = tidy.main(["tidy.py", root])
        return [violation.rule for violation in tidy.violations(tidy.read_tree(root))], status


class Tidy(unittest.TestCase):
    def test_a_clean_tree_has_no_violation(self):
        self.assertEqual(check(CLEAN), ([], 0))

    def test_each_planted_violation_is_found_and_nothing_else(self):
        for rule, path, text in PLANTED:
            with self.subTest(rule=rule, path=path, text=text[:200]):
                found, status = check(CLEAN | {path: text})
                self.assertEqual(set(found), {rule})
                self.assertEqual(status, 1)

    def test_each_rule_has_a_planted_violation(self):
        rules = {tidy.rule_name(rule) for rule in tidy.FILE_RULES + tidy.TREE_RULES}
        self.assertEqual(rules, {rule for rule, _, _ in PLANTED})

    def test_a_longer_circle_is_found(self):
        found, _ = check(CLEAN | {
            "src/os/one.hpp": HEADER + '#include "os/two.hpp"\n',
            "src/os/two.hpp": HEADER + '#include "os/one.hpp"\n',
        })
        self.assertEqual(found, ["cycles"])

    def test_builds_are_not_looked_at(self):
        found, _ = check(CLEAN | {"build/dev/x.cpp": "\t", "elsewhere/CMakeCache.txt": "", "elsewhere/y.cpp": "\t"})
        self.assertEqual(found, [])

    def test_an_empty_tree_is_an_error_and_not_a_success(self):
        self.assertEqual(check({"notes/README.md": "# Nothing\n"})[1], 2)


if __name__ == "__main__":
    unittest.main()
