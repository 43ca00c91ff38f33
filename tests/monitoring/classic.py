"""Prints a server's figures as `promtool check metrics` reads them: in Prometheus' older text format, in
which a counter's family has the name of its sample. Called as: classic.py SERVER"""

import re
import sys
import urllib.request

with urllib.request.urlopen(f"{sys.argv[1]}/metrics", timeout=30) as answer:
    text = answer.read().decode()
assert text.endswith("# EOF\n"), "the end is missing"
for kind, suffix in (("counter", "_total"), ("info", "_info")):
    for family in re.findall(rf"^# TYPE (\S+) {kind}$", text, re.MULTILINE):
        text = re.sub(rf"^# (TYPE|HELP) {family} ", rf"# \1 {family}{suffix} ", text, flags=re.MULTILINE)
text = re.sub(r"^(# TYPE \S+) info$", r"\1 gauge", text, flags=re.MULTILINE)
print("".join(line + "\n" for line in text.splitlines() if not line.startswith(("# UNIT", "# EOF"))), end="")
