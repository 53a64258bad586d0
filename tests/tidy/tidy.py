#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The house rules that a program can hold. tidy.py TREE prints `path:line: [rule] what` for each violation.

Looks at files only, so it works on an exported tree; stdlib only. Each rule is a function below that yields
violations of one file, or of the whole tree; tidy_test.py plants one violation of each.
"""

import os
import re
import sys
from dataclasses import dataclass
from pathlib import PurePosixPath

# ---------------------------------------------------------------------------------------------------------
# What the rules know of this tree

# A layer may include those of a lower rank and itself; two of one rank do not know each other.
LAYERS = {"os": 0, "shm": 1, "wire": 2, "process": 3, "sync": 4, "channel": 4, "pool": 5, "manager": 6}

# Headers through which system calls are made. Only src/os may include them ...
OS_HEADER = re.compile(
    r"^(sys/.*|linux/.*|asm/.*|net/.*|netinet/.*|arpa/.*|unistd\.h|fcntl\.h|poll\.h|sched\.h|signal\.h|pthread\.h|"
    r"dlfcn\.h|link\.h|elf\.h|dirent\.h|spawn\.h|grp\.h|pwd\.h|termios\.h|ucontext\.h|execinfo\.h|syscall\.h|netdb\.h)$")
# ... but for these, each with its reason.
OS_HEADER_ANYWHERE = {
    "sys/types.h": "names pid_t and the like, calls nothing",
}
OS_HEADER_EXCEPTIONS = {
    ("src/wire/image.cpp", "dlfcn.h"): "opens the plugin a function lives in",
    ("src/wire/symbols.cpp", "dlfcn.h"): "opens libdw when somebody asks for a name",
    ("src/wire/image.cpp", "link.h"): "walks the loaded images",
    ("src/wire/image.cpp", "elf.h"): "reads the build-id notes of the loaded images",
}

# What only the tree's own users see: they include <brigade/x.hpp> and their own files.
PUBLIC_FACE_ONLY = ("apps", "examples", "tests/install")

MAX_LINES = 1000
LONGER_FILES = {
    "include/brigade/internal/field_bindings.hpp": "one case for each number of fields, all alike",
}
SPDX = "SPDX-License-Identifier: MIT"
TODO_KINDS = ("perf", "kernel")
# Written so that this file does not hold what it looks for.
FORBIDDEN_WORDS = re.compile(r"\b(FIX" r"ME|XX" r"X|HA" r"CK|W" r"IP)\b")
MACHINE_PATH = re.compile(r"""(?:^|[\s"'`(=:])/(?:home|root|Users|work|mnt|tmp/brief)/""")
DRAWER_NAMES = {"util", "utils", "utility", "utilities", "misc", "helper", "helpers", "common", "stuff"}

CODE = {".cpp", ".hpp", ".h", ".c", ".cc"}
SCRIPTS = {".py", ".sh", ".cmake"}
# Not ours to judge: generated, or not text.
SKIPPED_DIRECTORIES = {".git", "__pycache__"}
BINARY = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".pdf", ".bin"}


@dataclass(frozen=True)
class Violation:
    path: str
    line: int
    rule: str
    what: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.what}"


class File:
    """One text file: its path from the root with slashes, its text and its lines."""

    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        if self.lines and self.lines[-1] == "":
            self.lines.pop()
        name = PurePosixPath(path)
        self.name = name.name
        self.suffix = name.suffix
        self.parts = name.parts
        self.is_header = self.suffix in (".hpp", ".h")
        self.is_code = self.suffix in CODE

    def includes(self):
        """(line, name, quoted) of each include."""
        for number, line in enumerate(self.lines, 1):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield number, match[2], match[1] == '"'

    def is_below(self, *folders):
        return any(self.path.startswith(folder + "/") for folder in folders)


# ---------------------------------------------------------------------------------------------------------
# Rules for one file: each yields (line, what)

def rule_spdx(file):
    wants = file.is_code or file.suffix in SCRIPTS or file.name == "CMakeLists.txt"
    wants = wants or (file.lines and file.lines[0].startswith("#!"))
    if not wants:
        return
    first = 1 if file.lines and file.lines[0].startswith("#!") else 0
    if len(file.lines) <= first or SPDX not in file.lines[first]:
        yield first + 1, f"begins with a line that says {SPDX}"


def rule_pragma_once(file):
    if file.is_header and (len(file.lines) < 2 or file.lines[1] != "#pragma once"):
        yield 2, "the second line of a header is #pragma once"


def rule_header_says_what_it_is(file):
    if not file.is_header:
        return
    once = file.lines.index("#pragma once") + 1 if "#pragma once" in file.lines else 0
    after = [line for line in file.lines[once:] if line.strip()]
    if not after or not after[0].startswith("//"):
        yield once + 1, "after #pragma once a header says in a sentence what it is"


def rule_contract(file):
    """A class of the public face says what threads and processes may do with it."""
    if not file.is_below("include/brigade") or file.is_below("include/brigade/internal"):
        return
    # Exceptions are values that follow their base; a class that is only named here has its contract elsewhere.
    declares = re.compile(r"^(?:template\s*<.*>\s*)?class\s+(?:\[\[\w+\]\]\s*)?(\w+)(?:\s+final)?\s*(:[^;]*)?\{?$")
    internal = False
    for number, line in enumerate(file.lines, 1):
        if re.match(r"namespace .*internal\b.*\{$", line):
            internal = True
        if re.match(r"\}\s*// namespace .*internal\b", line):
            internal = False
        match = None if internal else declares.match(line.rstrip())
        if not match or re.search(r"(?i)error|exception", match[2] or ""):
            continue
        block = []
        above = number - 2
        while above >= 0 and (file.lines[above].startswith(("//", "template", "requires", "  requires"))):
            block.append(file.lines[above])
            above -= 1
        for label in ("Threads", "Processes"):
            if not any(re.match(rf"//\s+{label}\s", line) for line in block):
                yield number, f"the contract block of {match[1]} has no line '{label}'"


def rule_layers(file):
    """Includes point down only."""
    in_source = file.is_below("src") and len(file.parts) > 2
    mine = file.parts[1] if in_source else None
    if in_source and mine not in LAYERS:
        yield 1, f"src/{mine} is no layer; the layers are {', '.join(LAYERS)}"
        return
    for number, name, quoted in file.includes():
        layer = name.split("/")[0] if "/" in name else None
        points_into_source = quoted and layer in LAYERS
        if file.is_below("include"):
            if quoted:
                yield number, f'a public header includes <brigade/...>, never "{name}"'
        elif in_source:
            if quoted and not points_into_source:
                yield number, f'name the layer: "{mine}/{name}"'
            elif points_into_source and layer != mine and LAYERS[layer] >= LAYERS[mine]:
                yield number, f"{mine} may not include {layer}: includes point down only"
        elif file.is_below(*PUBLIC_FACE_ONLY):
            if points_into_source or name.startswith("brigade/internal/"):
                yield number, f"a user's program sees the public headers only, not {name}"


def rule_os_headers(file):
    """Only src/os makes system calls. Tests may: they play the kernel's part."""
    if not file.is_below("src", "include") or file.is_below("src/os") or file.name.endswith("_test.cpp"):
        return
    for number, name, _ in file.includes():
        if OS_HEADER.match(name) and name not in OS_HEADER_ANYWHERE \
                and (file.path, name) not in OS_HEADER_EXCEPTIONS:
            yield number, f"<{name}> belongs to src/os"


def rule_cheap_headers(file):
    if not file.is_below("include"):
        return
    for number, name, _ in file.includes():
        if name in ("iostream", "regex"):
            yield number, f"<{name}> is too dear for a public header"
    for number, line in enumerate(file.lines, 1):
        if re.match(r"\s*using\s+namespace\b", line) and not re.search(r"literals", line):
            yield number, "no using namespace in a public header"


def rule_length(file):
    if file.is_code and len(file.lines) > MAX_LINES and file.path not in LONGER_FILES:
        yield MAX_LINES, f"{len(file.lines)} lines: which second idea moved in?"


def rule_whitespace(file):
    for number, line in enumerate(file.lines, 1):
        if "\t" in line:
            yield number, "a tab"
        if "\r" in line:
            yield number, "a carriage return"
        elif line != line.rstrip():
            yield number, "white space at the end"
    if file.text and not file.text.endswith("\n"):
        yield len(file.lines), "no newline at the end"


def rule_todo(file):
    for number, line in enumerate(file.lines, 1):
        match = re.search(r"\bTO" r"DO\b(?:\((\w*)\))?", line)
        if match and (match[1] or "") not in TODO_KINDS:
            yield number, f"what is to be done carries a kind: {', '.join(TODO_KINDS)}"


def rule_words(file):
    for number, line in enumerate(file.lines, 1):
        match = FORBIDDEN_WORDS.search(line)
        if match:
            yield number, f"'{match[0]}' is no comment; finish it or say what is so"
        match = MACHINE_PATH.search(line)
        if match:
            yield number, f"a path of one machine: {match[0].strip()}"


def rule_drawers(file):
    for part in file.parts[:-1] + (PurePosixPath(file.name).stem,):
        if part.lower() in DRAWER_NAMES:
            yield 1, f"'{part}' is a drawer: name the thing or find its layer"


FILE_RULES = [rule_spdx, rule_pragma_once, rule_header_says_what_it_is, rule_contract, rule_layers, rule_os_headers,
              rule_cheap_headers, rule_length, rule_whitespace, rule_todo, rule_words, rule_drawers]


# ---------------------------------------------------------------------------------------------------------
# Rules for the tree: each yields (path, line, what)

def rule_cycles(files):
    """No file includes itself, over however many others; #pragma once would hide it."""
    resolved = {}
    for path, file in files.items():
        if file.is_code:
            targets = []
            for number, name, _ in file.includes():
                for candidate in (f"include/{name}", f"src/{name}", str(PurePosixPath(path).parent / name)):
                    if candidate in files:
                        targets.append((number, candidate))
                        break
            resolved[path] = targets
    done = set()

    def walk(path, trail):
        for number, target in resolved.get(path, ()):
            if target in trail:
                circle = trail[trail.index(target):] + [target]
                yield path, number, "a circle of includes: " + " -> ".join(circle)
            elif target not in done:
                yield from walk(target, trail + [target])
        done.add(path)

    for path in sorted(resolved):
        if path not in done:
            yield from walk(path, [path])


def rule_listed(files):
    """A source that no CMakeLists.txt names is never compiled, and a test in it never runs."""
    for path, file in files.items():
        if file.suffix != ".cpp" or not file.is_below("src", "apps", "examples", "bench", "tests", "fuzz"):
            continue
        folder = PurePosixPath(path).parent
        named = False
        for above in [folder, *folder.parents]:
            listing = files.get(str(above / "CMakeLists.txt"))
            if listing and (file.name in listing.text or re.search(r"file\(GLOB", listing.text)):
                named = True
        if file.is_below("tests/support"):
            named = named or any(file.name in f.text for p, f in files.items() if p.endswith(".cmake"))
        if not named:
            yield path, 1, "no CMakeLists.txt above it names this source"


TREE_RULES = [rule_cycles, rule_listed]


# ---------------------------------------------------------------------------------------------------------

def read_tree(root):
    files = {}
    for folder, folders, names in os.walk(root):
        inside = os.path.relpath(folder, root).replace(os.sep, "/")
        at_root = inside == "."
        folders[:] = [f for f in sorted(folders)
                      if f not in SKIPPED_DIRECTORIES and not (at_root and f.startswith("build"))
                      and not os.path.exists(os.path.join(folder, f, "CMakeCache.txt"))]
        for name in sorted(names):
            path = name if at_root else f"{inside}/{name}"
            full = os.path.join(folder, name)
            if PurePosixPath(name).suffix.lower() in BINARY or not os.path.isfile(full):
                continue
            with open(full, "rb") as stream:
                data = stream.read()
            if b"\0" in data:
                continue
            files[path] = File(path, data.decode("utf-8", errors="replace"))
    return files


def rule_name(rule):
    return rule.__name__.removeprefix("rule_")


def violations(files):
    found = []
    for path, file in files.items():
        for rule in FILE_RULES:
            found += [Violation(path, line, rule_name(rule), what) for line, what in rule(file)]
    for rule in TREE_RULES:
        found += [Violation(path, line, rule_name(rule), what) for path, line, what in rule(files)]
    return sorted(found, key=lambda v: (v.path, v.line, v.rule))


def main(arguments):
    if len(arguments) != 2:
        print("usage: tidy.py TREE", file=sys.stderr)
        return 2
    files = read_tree(arguments[1])
    if not any(file.is_code for file in files.values()):
        print(f"tidy: no code below {arguments[1]}", file=sys.stderr)
        return 2
    found = violations(files)
    for violation in found:
        print(violation)
    print(f"tidy: {len(files)} files, {len(found)} violations")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
