"""Reads which value of values.yaml has which comment: what stands between `# --` and the value is its meaning."""
import re

LINE = re.compile(r"^(?P<indent> *)(?P<key>[A-Za-z_][\w.-]*):(?P<rest>.*)$")


def comments(text):
    """Pairs of a value's path and its meaning, in the order of the file."""
    found, parents, meaning = [], [], None
    for line in text.splitlines():
        bare = line.strip()
        if bare.startswith("# -- "):
            meaning = bare[5:]
            continue
        if not (match := LINE.match(line)):
            continue
        depth = len(match["indent"]) // 2
        parents[depth:] = [match["key"]]
        if meaning:
            found.append((tuple(parents), meaning))
        meaning = None
    return found


def at(tree, path):
    """What the tree has at a path."""
    for key in path:
        tree = tree[key]
    return tree


def leaves(tree, path=()):
    """The paths of all values that are no mapping with something in it."""
    if not isinstance(tree, dict) or not tree:
        yield path
        return
    for key, value in tree.items():
        yield from leaves(value, (*path, key))
