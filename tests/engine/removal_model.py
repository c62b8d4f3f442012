"""What the files of one agent say, and which of its apps may go: design law 6 once more, in other words than the planner's.

Files are read here by their first line alone ("# mix: p0=3 p1=1", an app and its value each, or "# mix: broken"), so that an error in how specs are read
cannot hide itself. Standard library only.
"""
import os
import stat

NOBODY = "nobody"  # a file that cannot be read holds nobody knows what


def listable(path):
    mode = os.stat(path).st_mode
    return stat.S_ISDIR(mode) and mode & 0o500 == 0o500


def words_of(path):
    """{app: value} of one file; NOBODY if it cannot be read."""
    try:
        if not os.stat(path).st_mode & 0o400:
            return NOBODY
        with open(path, encoding="utf-8", errors="replace") as file:
            first = file.readline().split()
    except OSError:
        return NOBODY
    if first[:2] != ["#", "mix:"]:
        return NOBODY
    return NOBODY if first[2:] == ["broken"] else dict(word.split("=") for word in first[2:])


class Root:
    """readable; files: {path below it: words_of()}; a folder in it that cannot be listed is a file that cannot be read."""

    def __init__(self, path):
        self.path, self.files = path, {}
        try:
            self.readable = listable(path)
        except OSError:
            self.readable = False
        if self.readable:
            self.walk("")

    def walk(self, below):
        for name in sorted(os.listdir(os.path.join(self.path, below))):
            path, inside = os.path.join(self.path, below, name), os.path.join(below, name)
            if name.startswith("."):
                continue
            if os.path.isdir(path) and listable(path):
                self.walk(inside)
            elif os.path.isdir(path):
                self.files[inside] = NOBODY
            else:
                self.files[inside] = words_of(path)

    def broken(self):
        return [name for name, words in self.files.items() if words is NOBODY]


def asked_words(state):
    """{app: the words of its override}"""
    folder = os.path.join(state, "overrides")
    found = {}
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        if name.endswith(".yaml") and not name.startswith("."):
            with open(os.path.join(folder, name), encoding="utf-8") as file:
                found[name[:-5]] = file.read()
    return found


class Verdicts:
    """of[app]: wanted, frozen, held, asked (removed in so many words) or goes; values[app]: those that files give it; together: the held ones, by root."""

    def __init__(self, roots, state, origins):
        """origins: {app: {origin labels of its containers and networks}} as the engine has them"""
        self.of, self.values, self.home, self.together = {}, {}, {}, {}
        self.roots = {path: Root(path) for path in roots}
        self.words = asked_words(state)
        for root in self.roots.values():
            for words in root.files.values():
                for app, value in words.items() if words is not NOBODY else ():
                    self.values.setdefault(app, set()).add(value)
                    self.home.setdefault(app, root.path)
        for app, labels in origins.items():
            self.of[app] = self.one(app, labels)
        self.hold()

    def one(self, app, labels):
        if "state: removed" in self.words.get(app, ""):
            return "asked"
        if app in self.values:
            return "frozen" if any(self.is_broken(label) for label in labels) else "wanted"
        for label in labels:
            path = label.partition("//")[0]
            if "//" not in label or path not in self.roots or not self.roots[path].readable or self.roots[path].broken():
                return "frozen"
            self.home.setdefault(app, path)
        return "goes" if labels else "frozen"

    def is_broken(self, label):
        path, _, name = label.partition("//")
        root = self.roots.get(path)
        return bool(root) and root.readable and root.files.get(name) is NOBODY

    def hold(self):
        for path in self.roots:
            mine = [app for app in self.of if self.home.get(app) == path]
            gone = [app for app in mine if self.of[app] == "goes"]
            if (len(gone) >= 3 and 3 * len(gone) > len(mine)) or (len(gone) >= 2 and len(gone) == len(mine)):
                self.together[path] = sorted(gone)
                for app in gone:
                    self.of[app] = "held"
