"""Has a server do real tasks while a Prometheus reads it, and asks that Prometheus every question of the
dashboard and of the alerts. Called as: questions.py SERVER PROMETHEUS PICTURE DOCS"""

import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

SERVER, PROMETHEUS, PICTURE, DOCS = sys.argv[1:]

# Seconds until every question must have an answer: a rate needs some readings, one a second.
PATIENCE = 60
# What Grafana puts in for its variables.
VARIABLES = {"$__rate_interval": "20s", "$job": ".*", "$instance": ".*"}


def get(base, path, **query):
    url = f"{base}{path}?{urllib.parse.urlencode(query)}" if query else f"{base}{path}"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return json.load(answer)


def submit(operation, media_type, body):
    """Submits a picture and waits for the end of its task, whatever it is."""
    request = urllib.request.Request(
        f"{SERVER}/images/tasks?operation={operation}",
        data=body,
        headers={"Content-Type": media_type, "Prefer": "wait=30", "Accept": "application/json"},
    )
    try:
        urllib.request.urlopen(request, timeout=60).read()
    except urllib.error.HTTPError as refused:
        refused.read()


def work():
    with open(PICTURE, "rb") as file:
        picture = file.read()
    submit("resize&width=16", "image/png", picture)
    submit("grayscale", "image/png", b"no picture")
    submit("trap", "application/octet-stream", b"bytes")
    submit("no-such-operation", "image/png", picture)


def instant(question):
    answer = get(PROMETHEUS, "/api/v1/query", query=question)
    assert answer["status"] == "success", answer
    return answer["data"]["result"]


def of_dashboard():
    """The expressions of all panels and of the annotations."""
    with open(f"{DOCS}/monitoring/grafana.json") as file:
        dashboard = json.load(file)
    expressions = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    for expression in expressions:
        for variable, value in VARIABLES.items():
            expression = expression.replace(variable, value)
        assert "$" not in expression, expression
        yield expression
    for annotation in dashboard["annotations"]["list"]:
        # Nothing is to be seen while nothing restarts: what it looks at must be there.
        yield from selectors(annotation["expr"].replace("$job", ".*").replace("$instance", ".*"))


def selectors(expression):
    """The series that an expression looks at. An alert itself has no answer while all is well."""
    found = re.findall(r"\b(?:tintype|process|up)\w*\{[^}]*\}", expression)
    assert found, expression
    return found


def of_alerts():
    groups = get(PROMETHEUS, "/api/v1/rules")["data"]["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) >= 10, rules
    with open(f"{DOCS}/operating.md") as file:
        headings = re.findall(r"^### (\w+)$", file.read(), re.MULTILINE)
    for rule in rules:
        name, health = rule["name"], rule["health"]
        assert health in ("ok", "unknown"), f"{name}: {rule.get('lastError')}"
        assert name in headings, f"docs/operating.md has no heading {name}"
        assert rule["annotations"]["runbook"] == f"docs/operating.md#{name.lower()}", rule
        assert rule["labels"]["severity"] in ("warning", "critical"), rule
        yield from selectors(rule["query"])


def until_ready():
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            if instant('up{job="tintype"} == 1') and get(PROMETHEUS, "/api/v1/rules")["data"]["groups"]:
                return
        except OSError:
            pass
        assert time.monotonic() < deadline, "Prometheus does not read the server"
        time.sleep(0.2)


def main():
    until_ready()
    open_questions = set(of_dashboard()) | set(of_alerts())
    total, deadline = len(open_questions), time.monotonic() + PATIENCE
    while open_questions:
        # Again and again, so that rates have something to show.
        work()
        time.sleep(1)
        # A quantile of nothing is no number, and no answer.
        numbers = {q for q in open_questions if any(row["value"][1] != "NaN" for row in instant(q))}
        open_questions -= numbers
        if time.monotonic() > deadline:
            sys.exit("no answer to:\n" + "\n".join(sorted(open_questions)))
    firing = {row["metric"]["alertname"] for row in instant('ALERTS{alertstate="firing"}')}
    # The hostile plugin traps on purpose, and the disk is the machine's own.
    unexpected = firing - {"TintypeTraps", "TintypeTasksFail", "TintypeDiskNearlyFull", "TintypeDiskFull"}
    assert not unexpected, unexpected
    print(f"{total} questions were answered")


main()
