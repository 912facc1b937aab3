"""Does every panel of a dashboard show something, and is every rule reckoned? A real Prometheus is asked.

Ground rules: the standard library only; variables are replaced as Grafana would with everything chosen; a query that
fails, or answers nothing, is a failure, except those that say below why they cannot answer within a minute. One of those
that does answer is a failure too, so that the list does not outlive its reasons.

    panels.py DASHBOARD.json http://HOST:PORT
"""

import json
import math
import sys
import urllib.error
import urllib.parse
import urllib.request

VARIABLES = {
    "$__rate_interval": "15s",
    "$instance": ".*",
    "$commitment": ".*",
}

# Panels, with the queries by reference, that are empty in a demonstration, and why.
EMPTY = {
    ("Checkpoint age", "A"): "the first checkpoint is written after a minute",
}


def panels(found):
    for panel in found:
        yield from panels(panel.get("panels", []))
        if panel["type"] != "row":
            yield panel


def ask(base, path, **parameters):
    url = f"{base}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return json.load(response)
    except urllib.error.HTTPError as error:
        return json.load(error)


def value(series):
    shown = float(series["value"][1])
    return "NaN" if math.isnan(shown) else f"{shown:g}"


def judge(base, title, reference, query):
    """The line for a query, and whether it is as it should be."""
    for variable, text in VARIABLES.items():
        query = query.replace(variable, text)
    if "$" in query:
        return f"variable left: {query}", False
    answer = ask(base, "query", query=query)
    if answer["status"] != "success":
        return f"{answer['errorType']}: {answer['error']}", False
    result = answer["data"]["result"]
    why = next((why for (begin, of), why in EMPTY.items() if title.startswith(begin) and of == reference), None)
    if not result:
        return (f"empty: {why}", True) if why else (f"EMPTY: {query}", False)
    if why:
        return f"not empty any more, take it out of EMPTY ({why})", False
    shown = ", ".join(sorted({value(series) for series in result})[:4])
    return f"{len(result)} series: {shown}", True


def rules(base):
    """A line for each rule that Prometheus could not reckon, and how many there are."""
    found = [rule for group in ask(base, "rules")["data"]["groups"] for rule in group["rules"]]
    broken = [f"NOT rule {rule['name']}: {rule.get('lastError')}" for rule in found if rule["health"] != "ok"]
    firing = sorted(rule["name"] for rule in found if rule.get("state") == "firing")
    print(*broken, f"{len(found)} rules, {len(broken)} broken; firing: {', '.join(firing) or 'none'}", sep="\n")
    return len(broken) + (not found)


def main():
    path, base = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        dashboard = json.load(file)
    asked = wrong = 0
    for panel in panels(dashboard["panels"]):
        for target in panel["targets"]:
            line, right = judge(base, panel["title"], target["refId"], target["expr"])
            asked += 1
            wrong += not right
            print(f"{'ok ' if right else 'NOT'} {panel['title']} {target['refId']}: {line}")
    print(f"{asked} queries, {wrong} not as they should be")
    wrong += rules(base)
    return 1 if wrong or not asked else 0


if __name__ == "__main__":
    sys.exit(main())
