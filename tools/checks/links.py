#!/usr/bin/env python3
"""Checks that what the documentation and code comments refer to exists.

    python3 tools/checks/links.py [ROOT]

Looks at all files that git tracks below ROOT (the repository, if not given) and fails, with a line for each, if

* a relative Markdown link names a file that does not exist, or a heading (`#...`) that the file does not have;
* text in backticks in a Markdown file, or a `docs/...` or `*.md` path elsewhere, is a repository path that does not exist.
"""

import re
import subprocess
import sys
from pathlib import Path

# A path in backticks is checked if it begins with one of these folders.
FOLDERS = ("docs/", "src/", "formats/", "tools/", "tests/", "fixtures/", "fuzz/", ".ci/")
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
IN_COMMENT = re.compile(r"(?<![\w/.-])((?:docs|formats|tools|fuzz|fixtures)/[\w./-]*\.(?:md|py|sh)|[A-Z]+\.md)\b")
# Made by a command, so not tracked.
MADE = re.compile(r"^(fuzz/corpus|fuzz/target)")
# Names paths of the past as well.
HISTORY = "CHANGELOG.md"


def without_code_blocks(text):
    """The lines of a Markdown file outside code blocks, each with its number."""
    inside = False
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside and not line.startswith("    "):
            yield number, line


def anchors(path):
    """The anchors that GitHub gives a file's headings."""
    found = set()
    for _, line in without_code_blocks(path.read_text(encoding="utf-8")):
        if match := re.match(r"#+\s+(.*)", line):
            words = re.sub(r"[^\w\- ]", "", match[1].strip().lower()).replace(" ", "-")
            found.add(words)
    return found


def expand(path):
    """`a/{b,c}` as `a/b` and `a/c`."""
    if match := re.match(r"(.*)\{([^}]*)\}(.*)", path):
        return [match[1] + middle + match[3] for middle in match[2].split(",")]
    return [path]


def exists(file, path, root):
    """Whether a path exists below the root, or below a folder that the file is in: its crate, for example."""
    return any((folder / path).exists() for folder in file.parents if root in (folder, *folder.parents))


def check_links(file, line, root):
    for target in LINK.findall(line):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        place = (file.parent / path).resolve() if path else file
        if not place.exists():
            yield f"no file {target}"
        elif root not in (place, *place.parents):
            yield f"{target} is outside the repository"
        elif anchor and anchor not in anchors(place):
            yield f"no heading {target}"


def check_paths(file, line, root):
    if file.name == HISTORY:
        return
    for text in CODE.findall(line):
        # A command's arguments are looked at one by one; a line number or an item behind `:` is no part of a path, and
        # `NAME` stands for any name.
        for word in text.split():
            if not word.startswith(FOLDERS) or MADE.match(word) or "NAME" in word or "-vN." in word:
                continue
            for path in expand(word.partition(":")[0]):
                if not any(mark in path for mark in "*<…$") and not exists(file, path.rstrip("/.,"), root):
                    yield f"no path {path}"


def check_comments(file, line, root):
    for path in IN_COMMENT.findall(line):
        if not exists(file, path, root):
            yield f"no file {path}"


def main():
    root = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parents[2]).resolve()
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    files = [root / name for name in tracked.split("\0") if name]
    wrong, looked_at = [], 0
    for file in files:
        if not file.is_file() or "proptest-regressions" in file.parts or file == Path(__file__).resolve():
            continue
        if file.suffix == ".md":
            lines = without_code_blocks(file.read_text(encoding="utf-8"))
            found = [(n, w) for n, line in lines for w in (*check_links(file, line, root), *check_paths(file, line, root))]
        elif file.suffix in (".rs", ".py", ".sh", ".yaml", ".toml") or file.name == "run":
            lines = enumerate(file.read_text(encoding="utf-8").splitlines(), 1)
            comments = ((n, line) for n, line in lines if re.search(r"//|#|\"\"\"|^\s*\w", line))
            found = [(n, w) for n, line in comments for w in check_comments(file, line, root)]
        else:
            continue
        looked_at += 1
        wrong += [f"{file.relative_to(root)}:{number}: {what}" for number, what in found]
    print("\n".join(wrong) if wrong else f"{looked_at} files, every link and path exists")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
