#!/usr/bin/env python3
"""Writes the numbered schema files as C string literals, one a statement: embed.py OUT 001.sql 002.sql ..."""
import sys

out, files = sys.argv[1], sys.argv[2:]
with open(out, "w", encoding="utf-8") as c:
    c.write('#include "store/store_int.h"\n\nconst struct store_migration store_migrations[] = {\n')
    for name in files:
        number = int(name.rsplit("/", 1)[-1].split(".")[0])
        lines = [l.rstrip("\n") for l in open(name, encoding="utf-8")]
        lines = [l for l in lines if l.strip() and not l.lstrip().startswith("--")]
        for statement in "\n".join(lines).split(";\n"):
            text = statement.rstrip(";").replace("\\", "\\\\").replace('"', '\\"')
            c.write("    {%d, %s},\n" % (number, "\n        ".join('"%s\\n"' % l for l in text.split("\n"))))
    c.write("    {0, 0},\n};\nconst int store_schema_newest = %d;\n" % len(files))
