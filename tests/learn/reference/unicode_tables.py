#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prints the tables of core/genome/unicode.cpp from Python's Unicode Character Database (3.11: Unicode 14)."""
import unicodedata


def ranges(category):
    found, start = [], None
    for code in range(0x110001):
        inside = code < 0x110000 and unicodedata.category(chr(code))[0] == category
        if inside and start is None:
            start = code
        if not inside and start is not None:
            found.append((start, code - 1))
            start = None
    return found


def table(name, category):
    lines, line = [], "   "
    for first, last in ranges(category):
        item = f" {{0x{first:x}, 0x{last:x}}},"
        if len(line) + len(item) > 119:
            lines.append(line)
            line = "   "
        line += item
    return "\n".join([f"constexpr Range {name}[] = {{", *lines, line, "};"])


print(f"// Unicode {unicodedata.unidata_version}")
print(table("letters", "L"), table("numbers", "N"), sep="\n\n")
