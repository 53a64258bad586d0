#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_output.py EXPECTED PROGRAM [ARGUMENT...]: runs a program, which has to end with 0 and to print what EXPECTED says.

Each line of EXPECTED stands for one line of the output, in any order, since processes write side by side. Behind a line
"stderr:" come those of standard error. White space around a line does not count. In a line

    <worker>    is a whole number: the same wherever this word stands, and another one than those of other words
    <#>         is any number
    <*>         is any text
    ...         alone on a line: any other lines may come, too
"""

import re
import subprocess
import sys

PLACEHOLDER = re.compile(r"<([a-z_]+|#|\*)>")


def pattern_of(line, known):
    """The regular expression of a line, and the words it learns.

    >>> pattern_of("pid <a> of <b>", {"a": "7"})
    ('pid 7 of (?P<b>\\\\d+)', ['b'])
    """
    pattern, at, learns = "", 0, []
    for placeholder in PLACEHOLDER.finditer(line):
        pattern += re.escape(line[at:placeholder.start()]).replace("\\ ", " ")
        at, word = placeholder.end(), placeholder[1]
        if word == "*":
            pattern += r".*"
        elif word == "#":
            pattern += r"-?\d+(?:\.\d+)?"
        elif word in known:
            pattern += known[word]
        elif word in learns:
            pattern += f"(?P={word})"
        else:
            pattern += rf"(?P<{word}>\d+)"
            learns.append(word)
    return pattern + re.escape(line[at:]).replace("\\ ", " "), learns


def differences(expected, output, known):
    """What is wrong with the output, line by line.

    >>> differences(["b <x>", "a <x>"], ["a 5", "b 5"], {})
    []
    >>> differences(["b <x>", "a <x>"], ["a 6", "b 5"], {})
    ['missing: a <x> (<x> is 5)', 'not expected: a 6']
    >>> differences(["<x> <y>"], ["5 5"], {})
    ['missing: <x> <y>', 'not expected: 5 5']
    >>> differences(["took <#> s", "..."], ["took 0.25 s", "by the way"], {})
    []
    >>> differences(["(a|b)"], ["a"], {})
    ['missing: (a|b)', 'not expected: a']
    """
    left, wrong = list(output), []
    for line in expected:
        if line == "...":
            continue
        pattern, learns = pattern_of(line, known)
        for candidate in left:
            match = re.fullmatch(pattern, candidate)
            values = [match[word] for word in learns] if match else []
            if match and len({*values, *known.values()}) == len(values) + len(known):
                known.update(zip(learns, values))
                left.remove(candidate)
                break
        else:
            words = [word for word in PLACEHOLDER.findall(line) if word in known]
            meant = ", ".join(f"<{word}> is {known[word]}" for word in words)
            wrong.append(f"missing: {line}" + (f" ({meant})" if meant else ""))
    return wrong if "..." in expected else wrong + [f"not expected: {line}" for line in left]


def lines_of(text):
    return [line.strip() for line in text.splitlines()]


def main(arguments):
    if len(arguments) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    with open(arguments[1], encoding="utf-8") as file:
        expected = lines_of(file.read())
    border = expected.index("stderr:") if "stderr:" in expected else len(expected)
    # Ends with the program and all that have its standard output: a process that was left behind is a time-out.
    run = subprocess.run(arguments[2:], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    known = {}
    wrong = differences(expected[:border], lines_of(run.stdout), known)
    wrong += differences(expected[border + 1:], lines_of(run.stderr), known)
    if run.returncode != 0:
        wrong.append(f"it ended with {run.returncode}")
    sys.stdout.write(run.stdout)
    sys.stderr.write(run.stderr)
    for what in wrong:
        print("WRONG " + what)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
