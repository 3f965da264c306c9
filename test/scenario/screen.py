"""A terminal of so many lines and columns, as far as bearline-phone needs one: what a person would see."""
import re

PIECE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|([\r\n\a\b])|([^\x1b\r\n\a\b]+)|(\x1b)")


class Screen:
    def __init__(self, columns=80, rows=24):
        self.columns, self.row_count = columns, rows
        self.rows, self.row, self.column = [[] for _ in range(rows)], 0, 0
        self.bells, self.wrapped, self.rest = 0, 0, ""

    def feed(self, text):
        text, self.rest = self.rest + text, ""
        cut = text.rfind("\x1b")
        if cut >= 0 and not re.match(r"\x1b\[[0-9;]*[A-Za-z]", text[cut:]) and len(text) - cut < 16:
            text, self.rest = text[:cut], text[cut:]  # half a sequence
        for number, letter, control, plain, _ in PIECE.findall(text):
            if letter:
                self.sequence(number, letter)
            elif control:
                self.control(control)
            for c in plain:
                self.put(c)

    def sequence(self, number, letter):
        if letter == "A":
            self.row = max(0, self.row - int(number or 1))
        elif letter == "J":
            self.rows[self.row] = self.rows[self.row][:self.column]
            for row in range(self.row + 1, self.row_count):
                self.rows[row] = []
        elif letter != "m":
            raise AssertionError(f"the phone sent ESC[{number}{letter}, which this terminal does not know")

    def control(self, c):
        if c == "\r":
            self.column = 0
        elif c == "\n":
            self.column = 0  # as the tty's ONLCR
            self.down()
        elif c == "\a":
            self.bells += 1

    def down(self):
        if self.row == self.row_count - 1:
            self.rows = self.rows[1:] + [[]]
        else:
            self.row += 1

    def put(self, c):
        if self.column == self.columns:
            self.wrapped += 1
            self.column = 0
            self.down()
        line = self.rows[self.row]
        line.extend(" " * (self.column + 1 - len(line)))
        line[self.column] = c
        self.column += 1

    def lines(self):
        return ["".join(line).rstrip() for line in self.rows]

    def text(self):
        return "\n".join(self.lines())
