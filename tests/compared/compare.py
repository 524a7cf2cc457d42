"""Configurations through a real Collector and through kpulse: the same exit code, the same offending paths, the same values
of `print-config`. What deviates on purpose stands in deviations.yaml with its reason; nothing else may, and nothing there
may be unused.

    compare.py COLLECTOR KPULSE FOLDER
"""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import yaml

COLLECTOR, KPULSE, FOLDER = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]).resolve()
ENVIRONMENT = {**os.environ, "KPULSE_TEST_MAP": "{timeout: 9s}", "KPULSE_TEST_NUMBER": "4321"}
FILES = ["language", "pipelines", "service", "receivers", "processors", "exporters", "beside"]
# What a value is that neither program was told.
ZEROS = (None, "", 0, 0.0, False, "0s", [], {})


def cases():
    for name in FILES:
        parts = re.split(r"^--- # (.*)\n", (FOLDER / f"{name}.yaml").read_text(), flags=re.M)
        yield from zip(parts[1::2], parts[2::2])


def run(program, command, files):
    arguments = [program, *command] + [word for file in files for word in ("--config", str(file))]
    return subprocess.run(arguments, capture_output=True, text=True, env=ENVIRONMENT, timeout=60, cwd=FOLDER)


SECTIONS = ("receivers", "processors", "exporters", "connectors", "extensions", "service")


def collector_faults(text):
    """What the Collector complains about: for each fault the places that it may mean."""
    text = text.removeprefix("Error: ").strip()
    if "cannot unmarshal the configuration" in text:
        return [[path] for path in decoder_paths(text)]
    faults = []
    for line in text.splitlines():
        if line.startswith("failed to get config"):
            faults.append([()])
        elif found := re.match(r"failed to build pipelines: failed to create \"([^\"]+)\" (\w+)", line):
            faults.append([(found[2] + "s", found[1]), ("service", "pipelines")])
        elif found := re.match(r"failed to build pipelines: connector \"([^\"]+)\"", line):
            faults.append([("connectors", found[1]), ("service", "pipelines")])
        elif line.startswith("failed to build pipelines: cycle"):
            faults.append([("service", "pipelines")])
        elif found := re.match(r"no (\w+) configuration specified", line):
            faults.append([(found[1] + "s",)])
        elif found := re.match(r"(\w+(?:::[^:\s]+)+)(?:: |$)", line):
            # Names of Go's embedded structs say nothing to a user.
            faults.append([tuple(word for word in found[1].split("::") if not re.fullmatch(r"[a-z]*config", word))])
        elif line and not line[:1].isspace() and not faults:
            faults.append([()])
    return faults


def words_of(quoted):
    """`a.b[c]` as words; Go's names of types (`otlpreceiver.Config`) are none."""
    if re.fullmatch(r"[a-z0-9]+\.[A-Za-z]*[A-Z]\w*|struct {}|config", quoted):
        return ()
    return tuple(word for word in re.split(r"[.\[\]]", quoted) if word)


def decoder_paths(text):
    """The decoder nests: 'section' ... for "id", then keys, each on a line of its own."""
    paths, section, inside = set(), (), ()
    for line in text.splitlines()[1:]:
        found = re.match(r"\s*'([^']*)' (.*)", line)
        if not found:
            continue
        words, rest = words_of(found[1]), found[2]
        if words[:1] and words[0] in SECTIONS:
            section, inside, words = words, (), ()
        if named := re.match(r"error reading configuration for \"([^\"]+)\"", rest):
            section, inside = section[:1] + (named[1],), ()
        elif keys := re.match(r"has invalid keys: (.*)", rest):
            paths |= {section + inside + words + (key.strip(),) for key in keys[1].split(",")}
        elif named := re.search(r"(?:in \"([^\"]*)\" (?:id|name)|for id: \"([^\"]*)\")", rest):
            paths.add(section + words + tuple(word for word in named.groups() if word))
        elif rest.startswith("decoding failed"):
            # Deeper, or beside what was before.
            inside = words if words[:1] == inside[:1] else inside + words
        else:
            paths.add(section + inside + words)
    return paths or {()}


def kpulse_paths(text):
    paths = set()
    for line in text.removeprefix("Error: ").strip().splitlines():
        path = re.match(r"(?:(\w+(?:::[^:\n]+)*): )?(.*)", line)
        words = tuple(path[1].split("::")) if path[1] else ()
        key = re.match(r"unknown key \"([^\"]+)\"", path[2])
        paths.add(words + ((key[1],) if key else ()))
    return paths


def meet(one, other):
    """Whether one is the other, or says it less exactly."""
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def flat(value, path=()):
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from flat(inner, path + (str(key),))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from flat(inner, path + (str(index),))
    else:
        yield "::".join(path), value


def is_zero(value):
    return any(type(value) is type(zero) and value == zero for zero in ZEROS)


def same(one, other):
    if isinstance(one, str) and isinstance(other, str):
        return one.lower() == other.lower()
    return one == other or (is_zero(one) and is_zero(other))


def printed(files):
    """The values that both print, by path; for those that only one prints, the other's is None."""
    texts = [run(program, ["print-config", "--mode", "unredacted"], files).stdout for program in (COLLECTOR, KPULSE)]
    theirs, ours = (dict(flat(yaml.safe_load(text))) for text in texts)
    for path in sorted(theirs.keys() | ours.keys()):
        if not same(theirs.get(path), ours.get(path)):
            yield path, f"{theirs.get(path)!r} there, {ours.get(path)!r} here"


def deviations(files):
    """Triples of what deviates, where, and how."""
    there, here = (run(program, ["validate"], files) for program in (COLLECTOR, KPULSE))
    if there.returncode != here.returncode:
        text = (there.stderr + here.stderr).strip().replace("\n", " | ")
        yield "exit", "", f"{there.returncode} there, {here.returncode} here: {text[:300]}"
        return
    if there.returncode == 0:
        yield from (("print", path, how) for path, how in printed(files))
        return
    theirs, ours = collector_faults(there.stderr), kpulse_paths(here.stderr)
    for places in theirs:
        if not any(meet(place, other) for place in places for other in ours):
            where = "::".join(places[0])
            yield "paths", where, f"only there; here {sorted(ours)}: {there.stderr.strip()[:300]}"
    for path in sorted(ours):
        if not any(meet(path, place) for places in theirs for place in places):
            yield "paths", "::".join(path), f"only here; there {theirs}: {here.stderr.strip()[:300]}"


def main():
    rows = yaml.safe_load((FOLDER / "deviations.yaml").read_text()) or []
    for program in (COLLECTOR, KPULSE):
        assert run(program, ["validate"], [FOLDER / "base.yaml"]).returncode == 0, f"{program} refuses base.yaml"
    used, unexpected, count = set(), [], 0
    with tempfile.TemporaryDirectory() as folder:
        for name, text in cases():
            count += 1
            case = pathlib.Path(folder) / "case.yaml"
            case.write_text(text)
            for what, path, how in deviations([FOLDER / "base.yaml", case]):
                fits = [
                    number
                    for number, row in enumerate(rows)
                    if row["what"] == what
                    and fnmatch.fnmatchcase(name, str(row.get("case", "*")))
                    and fnmatch.fnmatchcase(path, str(row.get("path", "*")))
                ]
                used.update(fits)
                if not fits:
                    unexpected.append(f"{name}\n  {what} {path}: {how}")
    print("\n".join(unexpected))
    idle = [row for number, row in enumerate(rows) if number not in used]
    for row in idle:
        print(f"deviations.yaml has what does not deviate: {row}")
    print(f"{count} configurations, {len(used)} deviations on purpose, {len(unexpected)} others")
    sys.exit(bool(unexpected or idle or count < 150))


main()
