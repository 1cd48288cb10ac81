"""How the story is told: chapters, figures, what programs said, and promises that are held to what really happened."""
import os
import sys
import textwrap
import time

WIDTH = 100
# How long a reader is given for a chapter.
PAUSE_SECONDS = 4
BOLD, DIM, GREEN, PLAIN = "\033[1m", "\033[2m", "\033[32m", "\033[0m"


class Broken(Exception):
    """Something is not as the story tells it."""


class Teller:
    """Writes to standard output; with colours only for a terminal whose owner wants them."""

    def __init__(self, pauses):
        self.pauses = pauses
        self.colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.chapters = 0

    def chapter(self, title):
        """Begins the next chapter, once the one before was read."""
        if self.pauses and self.chapters:
            time.sleep(PAUSE_SECONDS)
        self.chapters += 1
        print(f"\n{self._paint(BOLD, f'{self.chapters}. {title}')}\n", flush=True)

    def say(self, text):
        """Tells something, in lines of a readable width."""
        lines = textwrap.wrap(" ".join(text.split()), WIDTH, break_on_hyphens=False, break_long_words=False)
        print(textwrap.indent("\n".join(lines), "   "), flush=True)

    def show(self, text):
        """Shows what a file or a program says, as it is."""
        body = textwrap.indent(text.rstrip("\n"), "       ", lambda _line: True)
        print(f"\n{self._paint(DIM, body)}\n", flush=True)

    def promise(self, kept, what, otherwise=""):
        """Tells something that must be true.

        Raises Broken where it is not, with what is there `otherwise`.
        """
        if not kept:
            raise Broken(f"chapter {self.chapters} is not as it should be: {what}. {otherwise}".rstrip())
        mark = self._paint(GREEN, "✓")
        lines = textwrap.wrap(" ".join(what.split()), WIDTH - 2, break_on_hyphens=False, break_long_words=False)
        print(f"   {mark} " + "\n     ".join(lines), flush=True)

    def _paint(self, colour, text):
        return f"{colour}{text}{PLAIN}" if self.colours else text


def milliseconds(seconds):
    """A duration as people read it."""
    if seconds >= 1:
        return f"{seconds:.1f} s"
    return f"{seconds * 1000:.0f} ms" if seconds >= 0.01 else f"{seconds * 1000:.1f} ms"
