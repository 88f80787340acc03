#!/usr/bin/env python3
"""Runs every expression of the dashboard and of the alerts against a Prometheus, and fails where one has no data.

The variables of the dashboard stand for everything. An alert's expression is run as it is where --holding names
the alert, and else with its threshold at 0, so that it returns what it would compare.
"""

import argparse
import json
import math
import pathlib
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import yaml

DEPLOY = pathlib.Path(__file__).resolve().parent
VARIABLES = {"$instance": ".*", "$job": ".*", "$__rate_interval": "10s"}


def dashboard_expressions():
    for panel in json.loads((DEPLOY / "grafana/normd.json").read_text())["panels"]:
        for target in panel.get("targets", []):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


def alert_expressions(holding):
    for group in yaml.safe_load((DEPLOY / "prometheus/alerts.yml").read_text())["groups"]:
        for rule in group["rules"]:
            expression = rule["expr"]
            if rule["alert"] not in holding:
                expression = re.sub(r" > [0-9.]+", " >= 0", expression)
            yield rule["alert"], expression


def has_data(prometheus, expression):
    url = f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            result = json.load(response)["data"]["result"]
    except urllib.error.HTTPError as error:
        sys.exit(f"{expression}: {error.read().decode()}")
    return any(not math.isnan(float(sample["value"][1])) for sample in result)


def main():
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("prometheus", help="http://HOST:PORT")
    flags.add_argument("--holding", nargs="*", default=[], metavar="ALERT", help="those whose condition holds now")
    flags.add_argument("--wait", type=float, default=60, metavar="SECONDS", help="for all of them together")
    flags = flags.parse_args()

    deadline = time.monotonic() + flags.wait
    expressions = [*dashboard_expressions(), *alert_expressions(flags.holding)]
    missing = expressions
    while missing and time.monotonic() < deadline:
        missing = [(title, expression) for title, expression in missing if not has_data(flags.prometheus, expression)]
        if missing:
            time.sleep(1)
    for title, expression in missing:
        print(f"no data: {title}: {expression}", file=sys.stderr)
    print(f"expressions with data: {len(expressions) - len(missing)} of {len(expressions)}")
    sys.exit(1 if missing else 0)


if __name__ == "__main__":
    main()
