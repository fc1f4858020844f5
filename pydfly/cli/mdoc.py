"""Manual pages as plain text, where neither man(1) nor mandoc(1) is: as much of mdoc(7) as our own pages use.

What is not known here raises ValueError, and a test renders every page and compares the words with mandoc's.
"""

from __future__ import annotations

import re
import textwrap

WIDTH = 78

_ITSELF = {"Ar", "Cm", "Dv", "Em", "Er", "Ev", "Ic", "No", "Pa", "Sx", "Sy"}
_WRITTEN = {"Dx": "DragonFly", "Fx": "FreeBSD", "Ap": "'", "Oo": "[", "Oc": "]"}
_AROUND = {"Op": "[]", "Pq": "()", "Ql": "‘’"}  # noqa: RUF001  the quotes that mandoc gives
_CALLABLE = {*_ITSELF, *_WRITTEN, *_AROUND, "Fl", "Nm"}
_CLOSING = {".", ",", ":", ";", ")", "]", "?", "!"}


def render(source: str, width: int = WIDTH) -> str:
    """Return the text of a page.

    Args:
        source: mdoc(7).
        width: columns of a line.

    Raises:
        ValueError: a macro that is not known here.
    """
    page = _Page(width)
    for line in source.splitlines():
        page.take(line)
    page.end_paragraph()
    return "\n".join(page.lines).strip("\n")


class _Page:
    """The text so far, the paragraph that is being filled, and the lists around it."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.lines: list[str] = []
        self.name = ""
        self._section = ""
        self._words: list[str] = []
        self._indent = 5
        self._lists: list[tuple[str, int]] = []  # kind, and the indent outside
        self._tag = ""
        self._literal = False

    def take(self, line: str) -> None:
        """Read one line of the source."""
        if not line.startswith("."):
            if self._literal:
                self.lines.append(" " * self._indent + _plain(line))
            else:
                self._words.append(_plain(line))
            return
        macro, _, rest = line[1:].partition(" ")
        handler = getattr(self, f"_{macro}", None)
        if handler is not None:
            handler(rest)
        elif macro in _CALLABLE:
            self._words.append(self._inline([macro, *_split(rest)]))
        else:
            raise ValueError(f"unknown macro: {line}")

    def end_paragraph(self, gap: bool = False) -> None:
        """Fill the words into lines; with a tag in front, if one waits."""
        text = " ".join(word for word in self._words if word)
        self._words = []
        if self._tag:
            outside = self._lists[-1][1]
            room = self._indent - outside - 2
            if len(self._tag) > room or not text:
                self.lines += textwrap.wrap(
                    self._tag, self.width, initial_indent=" " * outside, subsequent_indent=" " * self._indent
                )
                first = " " * self._indent
            else:
                first = " " * outside + self._tag.ljust(room + 2)
            self._tag = ""
        else:
            first = " " * self._indent
        if text:
            rest = " " * (self._indent + (8 if self._section == "SYNOPSIS" else 0))
            self.lines += textwrap.wrap(
                text, self.width, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False
            )
        if gap and self.lines and self.lines[-1]:
            self.lines.append("")

    def _Dd(self, rest: str) -> None:
        pass

    def _Dt(self, rest: str) -> None:
        title, section = rest.split()
        self.lines += [f"{title}({section})", ""]

    def _Os(self, rest: str) -> None:
        pass

    def _Sh(self, rest: str) -> None:
        self.end_paragraph(gap=True)
        self._indent = 5
        self._section = rest
        self.lines.append(_plain(rest))

    def _Ss(self, rest: str) -> None:
        self.end_paragraph(gap=True)
        self.lines.append(f"   {_plain(rest)}")

    def _Pp(self, rest: str) -> None:
        self.end_paragraph(gap=True)

    def _Nd(self, rest: str) -> None:
        self._words.append(f"– {_plain(rest)}")  # noqa: RUF001  as mandoc has it

    def _Nm(self, rest: str) -> None:
        """The name: in a synopsis each begins a line."""
        if self._section == "NAME":
            self.name = self._inline(_split(rest))
        elif self._section == "SYNOPSIS":
            self.end_paragraph()
        self._words.append(self._inline(["Nm", *_split(rest)]))

    def _Dl(self, rest: str) -> None:
        self.end_paragraph()
        self.lines.append(" " * (self._indent + 6) + _plain(rest))

    def _Bd(self, rest: str) -> None:
        self.end_paragraph()
        if self.lines[-1].startswith("     "):
            self.lines.append("")
        self._literal = True
        self._indent += 6 if "indent" in rest else 0

    def _Ed(self, rest: str) -> None:
        self._literal = False
        self._indent = self._lists[-1][1] if self._lists else 5

    def _Bl(self, rest: str) -> None:
        words = _split(rest)
        kind = words[0]
        self.end_paragraph(gap=kind != "-column")
        self._lists.append((kind, self._indent))
        if kind == "-tag":
            self._indent += max(len(words[2]), 4) + 2
        elif kind == "-column":
            self._columns = [len(word) + 4 for word in words[1:]]

    def _It(self, rest: str) -> None:
        kind, outside = self._lists[-1]
        if kind == "-column":
            cells = [self._inline(_split(cell)) for cell in rest.split(" Ta ")]
            row = "".join(cell.ljust(width) for cell, width in zip(cells, self._columns, strict=True))
            self.lines.append(" " * outside + row.rstrip())
        elif kind == "-diag":
            self.end_paragraph(gap=True)
            self._words.append(self._inline(_split(rest)) + " ")
        else:
            self.end_paragraph(gap=True)
            self._tag = self._inline(_split(rest))

    def _El(self, rest: str) -> None:
        self.end_paragraph(gap=True)
        self._indent = self._lists.pop()[1]

    def _inline(self, words: list[str]) -> str:
        """Return a line of macros and words as text."""
        out, glued, place = "", True, 0
        while place < len(words):
            word, place = words[place], place + 1
            if word in _AROUND:
                end = len(words)
                while end > place and words[end - 1] in _CLOSING:
                    end -= 1
                piece, place = _AROUND[word][0] + self._inline(words[place:end]) + _AROUND[word][1], end
            elif word in _CALLABLE:
                end = place
                while end < len(words) and words[end] not in _CALLABLE and words[end] not in _CLOSING:
                    end += 1
                piece, place = self._macro(word, words[place:end]), end
            else:
                piece = _plain(word)
            glued = glued or not out or word in ("Ap", "Oc") or piece in _CLOSING
            out += piece if glued else f" {piece}"
            glued = word in ("Ap", "Oo")
        return out

    def _macro(self, name: str, words: list[str]) -> str:
        arguments = [_plain(word) for word in words]
        if name == "Fl":
            return " ".join(word if word == "|" else f"-{word}" for word in arguments or [""])
        if name == "Nm" and not arguments:
            return self.name
        if name == "Ar" and not arguments:
            return "file ..."
        glue = "" if name == "Ap" else " "
        return glue.join(filter(None, [_WRITTEN.get(name), *arguments]))


def _split(text: str) -> list[str]:
    """Split a line into words; quotes hold some together."""
    return [quoted or word for quoted, word in re.findall(r'"([^"]*)"|(\S+)', text)]


def _plain(text: str) -> str:
    """Take the escapes out."""
    return text.replace("\\&", "").replace("\\-", "-")
