"""The same data on the pages of a real Collector and of kpulse: the same lines, for all settings and formats. Numbers are
compared by value, and labels without a value are none.

    pages.py COLLECTOR KPULSE
"""
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

import yaml

HERE = pathlib.Path(__file__).resolve().parent
SETTINGS = yaml.safe_load((HERE / "settings.yaml").read_text())
PATIENCE = 20
FORMATS = [
    "",
    "application/openmetrics-text;version=1.0.0,text/plain;q=0.5",
    "application/openmetrics-text;version=0.0.1;charset=utf-8",
    "text/plain;version=1.0.0;escaping=allow-utf-8",
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
]


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def configuration(receive, ports):
    exporters = {f"prometheus/{name}": {"endpoint": f"127.0.0.1:{ports[name]}", **SETTINGS[name]} for name in SETTINGS}
    return {
        "receivers": {"otlp": {"protocols": {"http": {"endpoint": f"127.0.0.1:{receive}"}}}},
        "exporters": exporters,
        "service": {
            "telemetry": {"metrics": {"level": "none"}},
            "pipelines": {"metrics": {"receivers": ["otlp"], "exporters": list(exporters)}},
        },
    }


def fetch(url, body=None, **headers):
    request = urllib.request.Request(url, data=body, headers=headers)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return answer.headers["Content-Type"], answer.read().decode()


def pages(program, folder):
    receive, *rest = free_ports(1 + len(SETTINGS))
    ports = dict(zip(SETTINGS, rest))
    file = folder / "config.yaml"
    file.write_text(yaml.safe_dump(configuration(receive, ports)))
    with open(folder / "log", "w") as log, subprocess.Popen([program, "--config", file], stdout=log, stderr=log) as running:
        try:
            end = time.monotonic() + PATIENCE
            while "Everything is ready" not in (folder / "log").read_text():
                assert running.poll() is None and time.monotonic() < end, (folder / "log").read_text()
                time.sleep(0.02)
            body = (HERE / "metrics.json").read_bytes()
            # The answer comes when every page has the data.
            fetch(f"http://127.0.0.1:{receive}/v1/metrics", body, **{"Content-Type": "application/json"})
            return {
                (name, accept): fetch(f"http://127.0.0.1:{port}/metrics", **({"Accept": accept} if accept else {}))
                for name, port in ports.items()
                for accept in FORMATS
            }
        finally:
            running.terminate()


def number(match):
    return repr(float(match[0]))


def in_order(match):
    return "{" + ",".join(sorted(re.findall(r'(?:[^,"]+|"[^"]+")?=?"(?:[^"\\]|\\.)*"', match[1]))) + "}"


def lines(page):
    page = re.sub(r'otel_scope_\w+="",?', "", page).replace("{}", "").replace(",}", "}")
    page = re.sub(r"\{([^{}]*)\}", in_order, page)
    numbers = re.compile(r'(?<=[ ])[-+]?[0-9][0-9.e+-]*(?= |$)')
    return {line if line.startswith("#") else numbers.sub(number, line) for line in page.splitlines()}


def main():
    collector, kpulse = sys.argv[1:3]
    found = []
    for program in (collector, kpulse):
        with tempfile.TemporaryDirectory() as folder:
            found.append(pages(program, pathlib.Path(folder)))
    wrong = 0
    for key, (kind, page) in found[0].items():
        own_kind, own = found[1][key]
        missing, extra = lines(page) - lines(own), lines(own) - lines(page)
        if kind != own_kind or missing or extra:
            wrong += 1
            print(key, kind, own_kind, *(f"\n  - {line}" for line in sorted(missing)), *(f"\n  + {line}" for line in sorted(extra)))
    print(f"prometheus: {len(found[0])} pages, {wrong} are not as the real Collector's")
    sys.exit(wrong > 0)


main()
