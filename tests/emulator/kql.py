# Copyright (c) 2026, arcfleet.apim contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An honest subset of the Kusto query language: what it does not know it refuses, it never guesses.

Operators: where, extend, project, project-away, parse, join (inner, leftouter), order/sort by, summarize (count,
countif), distinct, take/limit, count. Columns must exist; members of dynamic values need not, they are null then.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]
Columns = dict[str, bool]  # name -> whether it is a string (else dynamic), which decides what "missing" looks like
Tables = Mapping[str, tuple[Columns, Callable[[], Iterable[Record]]]]


class KqlError(ValueError):
    """The query cannot be understood; says where."""

    def __init__(self, reason: str, line: int, position: int, token: str) -> None:
        super().__init__(reason)
        self.line, self.position, self.token = line, position, token


@dataclass
class _Token:
    kind: str  # string, number, name, symbol, end
    text: str
    at: int


@dataclass
class _Expression:
    value: Callable[[Record], Any]
    text: bool = False
    name: str = ""  # the column name that it gets when none is given


_LEXER = re.compile(
    r"""
    (?P<blank>\s+|//[^\n]*)
  | (?P<string>@?'(?:[^'\\]|\\.)*'|@?"(?:[^"\\]|\\.)*")
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<name>project-away|!?(?:contains|startswith|endswith|has|in)\b~?|\$?[A-Za-z_]\w*)
  | (?P<symbol>==|!=|=~|!~|<=|>=|[|()\[\],.=<>*+-])
""",
    re.VERBOSE,
)


def _lex(query: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(query):
        match = _LEXER.match(query, at)
        if not match:
            raise _at("unknown character", query, _Token("symbol", query[at], at))
        if match.lastgroup != "blank":
            tokens.append(_Token(str(match.lastgroup), match[0], at))
        at = match.end()
    return [*tokens, _Token("end", "<EOF>", len(query))]


def _at(reason: str, query: str, token: _Token) -> KqlError:
    before = query[: token.at]
    return KqlError(f"{reason}: {token.text}", before.count("\n") + 1, token.at - (before.rfind("\n") + 1), token.text)


def _text(value: Any) -> str:
    """tostring(): strings as they are, null as nothing, the rest as JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _truth(value: Any) -> bool:
    return value is True or isinstance(value, str) and value.lower() == "true"


def _number(value: Any) -> float | int | None:
    try:
        number = float(_text(value))
    except ValueError:
        return None
    return int(number) if number.is_integer() else number


def _has(text: str, term: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(term)}(?![a-z0-9])", text) is not None


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return _text(left).lower() == _text(right).lower()
    if isinstance(left, (int, float)) and isinstance(right, (int, float)):
        return left == right
    return _text(left) == _text(right)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def both(left: Any, right: Any) -> bool:
        numbers = _number(left), _number(right)
        return compare(*numbers) if None not in numbers else compare(_text(left), _text(right))

    return both


def _folded(compare: Callable[[str, str], bool]) -> Callable[[Any, Any], bool]:
    return lambda left, right: compare(_text(left).lower(), _text(right).lower())


_POSITIVE: dict[str, Callable[[Any, Any], bool]] = {
    "==": _equal,
    "=~": _folded(lambda left, right: left == right),
    "contains": _folded(lambda left, right: right in left),
    "has": _folded(_has),
    "startswith": _folded(str.startswith),
    "endswith": _folded(str.endswith),
    "in": lambda left, right: any(_equal(left, one) for one in right),
    "in~": lambda left, right: _text(left).lower() in {_text(one).lower() for one in right},
    "<": _ordered(lambda left, right: left < right),
    "<=": _ordered(lambda left, right: left <= right),
    ">": _ordered(lambda left, right: left > right),
    ">=": _ordered(lambda left, right: left >= right),
}
_NEGATIVE = {
    "!=": "==",
    "!~": "=~",
    "!contains": "contains",
    "!has": "has",
    "!startswith": "startswith",
    "!endswith": "endswith",
    "!in": "in",
    "!in~": "in~",
}


def _split(text: Any, separator: Any, index: Any = None) -> list[str]:
    parts = _text(text).split(_text(separator)) if separator else [_text(text)]
    return parts if index is None else parts[int(index) : int(index) + 1]


def _json(text: Any) -> Any:
    try:
        return json.loads(text) if isinstance(text, str) else text
    except ValueError:
        return None


# name -> (function, fewest and most arguments, whether it gives a string)
_FUNCTIONS: dict[str, tuple[Callable[..., Any], int, int, bool]] = {
    "tostring": (_text, 1, 1, True),
    "tolower": (lambda one: _text(one).lower(), 1, 1, True),
    "toupper": (lambda one: _text(one).upper(), 1, 1, True),
    "strcat": (lambda *all_: "".join(map(_text, all_)), 1, 64, True),
    "strlen": (lambda one: len(_text(one)), 1, 1, False),
    "coalesce": (lambda *all_: next((one for one in all_ if one not in (None, "")), all_[-1]), 2, 64, False),
    "isempty": (lambda one: _text(one) == "", 1, 1, False),
    "isnotempty": (lambda one: _text(one) != "", 1, 1, False),
    "isnull": (lambda one: one is None, 1, 1, False),
    "isnotnull": (lambda one: one is not None, 1, 1, False),
    "not": (lambda one: not _truth(one), 1, 1, False),
    "iff": (lambda test, yes, no: yes if _truth(test) else no, 3, 3, False),
    "split": (_split, 2, 3, False),
    "array_length": (lambda one: len(one) if isinstance(one, list) else None, 1, 1, False),
    "toint": (_number, 1, 1, False),
    "tobool": (_truth, 1, 1, False),
    "parse_json": (_json, 1, 1, False),
    "todynamic": (_json, 1, 1, False),
}


class _Parser:
    def __init__(self, query: str, tables: Tables) -> None:
        self.query, self.tables, self.tokens, self.place = query, tables, _lex(query), 0

    # --- reading tokens ---
    @property
    def next(self) -> _Token:
        return self.tokens[self.place]

    def fail(self, reason: str) -> KqlError:
        return _at(reason, self.query, self.next)

    def take(self, *texts: str) -> str | None:
        """Consume the next token if it is one of these words or symbols."""
        if self.next.kind in ("name", "symbol") and self.next.text in texts:
            self.place += 1
            return self.tokens[self.place - 1].text
        return None

    def need(self, text: str) -> None:
        if not self.take(text):
            raise self.fail(f"expected {text}, found")

    def word(self) -> str:
        if self.next.kind != "name":
            raise self.fail("expected a name, found")
        self.place += 1
        return self.tokens[self.place - 1].text

    def string(self) -> str:
        if self.next.kind != "string":
            raise self.fail("expected a string, found")
        raw = self.next.text
        self.place += 1
        if raw.startswith("@"):
            return raw[2:-1]
        return re.sub(r"\\(.)", lambda match: {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1]), raw[1:-1])

    def list_of(self, one: Callable[[], Any]) -> list[Any]:
        found = [one()]
        while self.take(","):
            found.append(one())
        return found

    # --- the pipeline ---
    def pipeline(self) -> tuple[Columns, list[Record]]:
        table = self.next
        name = self.word().lower()
        if name not in self.tables:
            raise _at("unknown table", self.query, table)
        columns, rows = self.tables[name]
        data = list(rows())
        while self.take("|"):
            operator = self.word()
            name = {"sort": "order", "limit": "take", "project-away": "project_away"}.get(operator, operator)
            handler = getattr(self, f"op_{name}", None)
            if handler is None:
                self.place -= 1
                raise self.fail("unknown operator")
            columns, data = handler(columns, data)
        return columns, data

    def op_where(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        test = self.expression(columns).value
        return columns, [row for row in rows if _truth(test(row))]

    def named(self, columns: Columns) -> tuple[str, _Expression]:
        """`name = expression` or a bare expression."""
        name = ""
        if self.next.kind == "name" and self.tokens[self.place + 1].text == "=":
            name = self.word()
            self.need("=")
        made = self.expression(columns)
        return name or made.name or "Column1", made

    def op_extend(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        wanted = self.list_of(lambda: self.named(columns))
        for name, made in wanted:
            columns = columns | {name: made.text}
            rows = [row | {name: made.value(row)} for row in rows]
        return columns, rows

    def op_project(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        wanted = self.list_of(lambda: self.named(columns))
        return {name: made.text for name, made in wanted}, [
            {name: made.value(row) for name, made in wanted} for row in rows
        ]

    def op_project_away(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        gone = set(self.list_of(lambda: self.column(columns)))
        kept = {name: text for name, text in columns.items() if name not in gone}
        return kept, [{name: row[name] for name in kept} for row in rows]

    def column(self, columns: Columns) -> str:
        at = self.next
        name = self.word()
        if name not in columns:
            raise _at("unknown column", self.query, at)
        return name

    def op_parse(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        """`parse text with 'literal' name 'literal' name ...`; a text that does not match gives empty columns."""
        source = self.expression(columns).value
        self.need("with")
        pattern, names = "", []
        while self.next.kind in ("string", "name") or self.next.text == "*":
            if self.take("*"):
                pattern += ".*?"
            elif self.next.kind == "string":
                pattern += re.escape(self.string())
            else:
                names.append(self.word())
                pattern += "(.*?)"
        compiled = re.compile(pattern + r"\Z", re.DOTALL)

        def found(row: Record) -> Record:
            match = compiled.match(_text(source(row)))
            return dict(zip(names, match.groups() if match else [""] * len(names), strict=True))

        return columns | dict.fromkeys(names, True), [row | found(row) for row in rows]

    def op_join(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        kind = "innerunique"
        if self.take("kind"):
            self.need("=")
            kind = self.word()
        if kind not in ("inner", "leftouter"):
            raise self.fail(f"join kind {kind} is not supported, before")
        self.need("(")
        right_columns, right_rows = self.pipeline()
        self.need(")")
        self.need("on")
        keys = self.list_of(lambda: self.join_key(columns, right_columns))
        renamed = {name: name + "1" if name in columns else name for name in right_columns}
        nothing = {renamed[name]: "" if text else None for name, text in right_columns.items()}
        index: dict[tuple[str, ...], list[Record]] = {}
        for row in right_rows:
            key = tuple(_text(row[right]) for _left, right in keys)
            index.setdefault(key, []).append({renamed[name]: row[name] for name in right_columns})
        none = [nothing] if kind == "leftouter" else []
        joined = [
            row | other for row in rows for other in index.get(tuple(_text(row[left]) for left, _right in keys), none)
        ]
        return columns | {renamed[name]: text for name, text in right_columns.items()}, joined

    def join_key(self, left: Columns, right: Columns) -> tuple[str, str]:
        if not self.take("$left"):
            name = self.column(left)
            if name not in right:
                raise self.fail(f"column {name} is not on the right side, before")
            return name, name
        self.need(".")
        first = self.column(left)
        self.need("==")
        self.need("$right")
        self.need(".")
        return first, self.column(right)

    def op_order(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        self.need("by")

        def one() -> tuple[_Expression, bool]:
            made = self.expression(columns)
            return made, self.take("asc", "desc") != "asc"  # descending unless told otherwise, as in Kusto

        for made, descending in reversed(self.list_of(one)):
            rows = sorted(rows, key=lambda row: _sortable(made.value(row)), reverse=descending)
        return columns, rows

    def op_take(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        if self.next.kind != "number":
            raise self.fail("expected a number, found")
        self.place += 1
        return columns, rows[: int(self.tokens[self.place - 1].text)]

    def op_count(self, _columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        return {"Count": False}, [{"Count": len(rows)}]

    def op_distinct(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        names = self.list_of(lambda: self.column(columns))
        kept = {tuple(_text(row[name]) for name in names): {name: row[name] for name in names} for row in rows}
        return {name: columns[name] for name in names}, list(kept.values())

    def op_summarize(self, columns: Columns, rows: list[Record]) -> tuple[Columns, list[Record]]:
        counts = self.list_of(lambda: self.counting(columns))
        by = self.list_of(lambda: self.named(columns)) if self.take("by") else []
        groups: dict[tuple[str, ...], tuple[Record, list[Record]]] = {} if by else {(): ({}, [])}
        for row in rows:
            values = {name: made.value(row) for name, made in by}
            groups.setdefault(tuple(map(_text, values.values())), (values, []))[1].append(row)
        made_rows = [
            values | {name: sum(1 for row in members if test(row)) for name, test in counts}
            for values, members in groups.values()
        ]
        return {name: made.text for name, made in by} | {name: False for name, _test in counts}, made_rows

    def counting(self, columns: Columns) -> tuple[str, Callable[[Record], bool]]:
        name = ""
        if self.tokens[self.place + 1].text == "=":
            name = self.word()
            self.need("=")
        function = self.take("count", "countif")
        if not function:
            raise self.fail("unknown aggregation")
        self.need("(")
        test = self.expression(columns).value if function == "countif" else None
        self.need(")")
        return name or function + "_", lambda row: test is None or _truth(test(row))

    # --- expressions ---
    def expression(self, columns: Columns) -> _Expression:
        made = self.conjunction(columns)
        while self.take("or"):
            made = _either(made, self.conjunction(columns))
        return made

    def conjunction(self, columns: Columns) -> _Expression:
        made = self.comparison(columns)
        while self.take("and"):
            made = _both(made, self.comparison(columns))
        return made

    def comparison(self, columns: Columns) -> _Expression:
        left = self.operand(columns)
        operator = self.take(*_POSITIVE, *_NEGATIVE)
        if not operator:
            return left
        positive = _NEGATIVE.get(operator, operator)
        if positive in ("in", "in~"):
            self.need("(")
            choices = self.list_of(lambda: self.operand(columns))
            self.need(")")
            right = _Expression(lambda row: [one.value(row) for one in choices])
        else:
            right = self.operand(columns)
        compare, wanted = _POSITIVE[positive], operator == positive
        return _Expression(lambda row: compare(left.value(row), right.value(row)) == wanted)

    def operand(self, columns: Columns) -> _Expression:
        made = self.primary(columns)
        while True:
            if self.take("."):
                made = _member(made, self.word())
            elif self.take("["):
                if self.next.kind == "number":
                    made = _element(made, int(self.next.text))
                    self.place += 1
                else:
                    made = _member(made, self.string())
                self.need("]")
            else:
                return made

    def primary(self, columns: Columns) -> _Expression:
        token = self.next
        if token.kind == "string":
            literal = self.string()
            return _Expression(lambda _row: literal, text=True)
        if token.kind == "number":
            self.place += 1
            number = _number(token.text)
            return _Expression(lambda _row: number)
        if self.take("("):
            made = self.expression(columns)
            self.need(")")
            return made
        if self.take("true", "false"):
            return _Expression(lambda _row: token.text == "true")
        if token.kind == "name" and self.tokens[self.place + 1].text == "(":
            return self.call(columns)
        name = self.column(columns)
        return _Expression(lambda row: row[name], columns[name], name)

    def call(self, columns: Columns) -> _Expression:
        token = self.next
        name = {"iif": "iff", "tolong": "toint"}.get(self.word(), token.text)
        if name not in _FUNCTIONS:
            raise _at("unknown function", self.query, token)
        function, fewest, most, text = _FUNCTIONS[name]
        self.need("(")
        arguments = [] if self.next.text == ")" else self.list_of(lambda: self.expression(columns))
        self.need(")")
        if not fewest <= len(arguments) <= most:
            raise _at("wrong number of arguments", self.query, token)
        text = text or name == "coalesce" and all(one.text for one in arguments) or name == "iff" and arguments[1].text
        return _Expression(
            lambda row: function(*(one.value(row) for one in arguments)),
            text,
            arguments[0].name if name == "tostring" else "",
        )


def _either(left: _Expression, right: _Expression) -> _Expression:
    return _Expression(lambda row: _truth(left.value(row)) or _truth(right.value(row)))


def _both(left: _Expression, right: _Expression) -> _Expression:
    return _Expression(lambda row: _truth(left.value(row)) and _truth(right.value(row)))


def _member(made: _Expression, key: str) -> _Expression:
    def value(row: Record) -> Any:
        bag = made.value(row)
        return bag.get(key) if isinstance(bag, dict) else None

    return _Expression(value, name=f"{made.name}_{key}")


def _element(made: _Expression, index: int) -> _Expression:
    def value(row: Record) -> Any:
        array = made.value(row)
        return array[index] if isinstance(array, list) and index < len(array) else None

    return _Expression(value, name=made.name)


def _sortable(value: Any) -> tuple[int, Any]:
    if value is None:
        return 0, ""
    return (1, value) if isinstance(value, (int, float)) else (2, _text(value))


def run(query: str, tables: Tables) -> tuple[Columns, list[Record]]:
    """Run a query over tables (name -> columns and a function that gives the rows). Raises KqlError."""
    parser = _Parser(query, tables)
    result = parser.pipeline()
    if parser.next.kind != "end":
        raise parser.fail("unexpected")
    return result
