"""Read the source of a step: run `content` with what is known about its values, each branch once.

What cannot be known is assumed to write anything at that place, so that nothing is reported that may be right.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TypeGuard

from aloma_cli.checking.calls import call
from aloma_cli.checking.facts import Facts, Name
from aloma_cli.checking.things import (
    KINDS,
    Called,
    ChatAnswer,
    Handle,
    Module,
    Pattern,
    Scope,
    SourceFunction,
    Values,
    key_of,
    one_of,
)
from aloma_cli.checking.values import ANY, STAR, Doc, Known, Lst, Obj, OfType, Value, Write, is_text, text_of
from aloma_cli.values import dataclass

_DEEPEST = 8
_LONGEST_PATH = 12
_MOST = 24
_MOST_LINES = 6_000
"""After this many lines, those of loops and of called functions each time, the rest of a step is not read."""


class _TooLongError(Exception):
    """A step is too long to be read."""


@dataclass(slots=True)
class StepReader:
    """Reads one step. `libraries`: the modules of `libraries/` by name."""

    step: str
    module: Module
    libraries: Mapping[str, Module]
    facts: Facts = field(default_factory=Facts)
    _depth: int = 0
    _unsure: int = 0
    _lines: int = 0

    def read(self) -> Facts:
        """What its `content` does."""
        content = self.module.functions.get("content")
        if content is None:  # made by a call, or imported
            self._give_up()
            return self.facts
        given = {argument.arg for argument in (*content.args.args, *content.args.kwonlyargs)}
        scope: dict[str, Values] = {name: [Handle((name,))] for name in given}
        if "data" in given:
            scope["data"] = [Doc(())]
        try:
            self._run_body(content.body, Scope(self.module, scope))
        except (_TooLongError, RecursionError):
            self._give_up()
        return self.facts

    def _give_up(self) -> None:
        """It may do anything."""
        self.write((STAR,), ANY, 0, later=True)
        self.facts.groups.add(None)

    # -- what it does ------------------------------------------------------------------------------------------------

    def write(
        self, path: tuple[str, ...], value: Value, line: int, *, appends: bool = False, later: bool = False
    ) -> None:
        """Note a write; `later`: it is not part of the firing's own commit, or it may not happen."""
        certain = not self._unsure and not later and STAR not in path
        self.facts.writes.append(Write(path, value, self.step, line, certain, appends))

    def remove(self, path: tuple[str, ...], line: int) -> None:
        """Note that a place is removed."""
        self.facts.writes.append(Write(path, ANY, self.step, line, not self._unsure and STAR not in path, removes=True))

    def spread(self, path: tuple[str, ...], values: Values, line: int) -> None:
        """Note that the fields of `values` are written below a place."""
        for value in values:
            fields = value.fields if isinstance(value, Obj) else {}
            for key, inner in fields.items():
                for one in inner:
                    self.write((*path, key), one, line)
            if not isinstance(value, Obj) or value.open:
                self.write((*path, STAR), ANY, line)

    def escape(self, values: Iterable[Value], line: int) -> None:
        """A value is given to code that cannot be read: it may be changed there."""
        for value in values:
            if isinstance(value, Doc):
                self.write(value.path, ANY, line, later=True)
            elif isinstance(value, Obj):
                value.open = True
            elif isinstance(value, SourceFunction):
                self._call_back(value)

    def _call_back(self, function: SourceFunction) -> None:
        """Some other code may call a function of the step's, with values that are not known."""
        self._unsure += 1
        everything = function.node.args
        names = [one.arg for one in (*everything.posonlyargs, *everything.args, *everything.kwonlyargs)]
        self.enter(function, {name: [ANY] for name in names})
        self._unsure -= 1

    @property
    def sure(self) -> bool:
        """Whether the present line runs in each firing."""
        return not self._unsure

    # -- statements --------------------------------------------------------------------------------------------------

    def _run_body(self, body: list[ast.stmt], scope: Scope) -> None:
        unsure = self._unsure
        for statement in body:
            self._statement(statement, scope)
            if _may_leave(statement):
                self._unsure += 1
        self._unsure = unsure

    def _branch(self, body: list[ast.stmt], scope: Scope) -> None:
        self._unsure += 1
        self._run_body(body, scope)
        self._unsure -= 1

    def _statement(self, node: ast.stmt, scope: Scope) -> None:
        self._lines += 1
        if self._lines > _MOST_LINES:
            raise _TooLongError
        run = getattr(self, f"on_{type(node).__name__.lower()}", None)
        if run is not None:
            run(node, scope)

    def on_expr(self, node: ast.Expr, scope: Scope) -> None:
        self.eval(node.value, scope)

    def on_assign(self, node: ast.Assign, scope: Scope) -> None:
        values = self.eval(node.value, scope)
        for target in node.targets:
            self._assign(target, values, scope)

    def on_annassign(self, node: ast.AnnAssign, scope: Scope) -> None:
        if node.value is not None:
            self._assign(node.target, self.eval(node.value, scope), scope)

    def on_augassign(self, node: ast.AugAssign, scope: Scope) -> None:
        added = self.eval(node.value, scope)
        value = OfType(float) if isinstance(node.op, ast.Sub | ast.Mult | ast.Pow) else ANY
        for place in self.eval(node.target, scope):
            if isinstance(place, Doc) and isinstance(node.op, ast.BitOr):
                self.spread(place.path, added, node.lineno)
            elif isinstance(place, Doc):
                appends = isinstance(node.op, ast.Add) and any(isinstance(one, Lst) for one in added)
                self.write(place.path, value, node.lineno, appends=appends)
        if isinstance(node.target, ast.Name):
            scope.names[node.target.id] = [ANY, *scope.names.get(node.target.id, [])]

    def on_delete(self, node: ast.Delete, scope: Scope) -> None:
        for target in node.targets:
            for place in self.eval(target, scope):
                if isinstance(place, Doc):
                    self.remove(place.path, node.lineno)

    def on_return(self, node: ast.Return, scope: Scope) -> None:
        if node.value is not None:
            scope.returned += self.eval(node.value, scope)

    def on_if(self, node: ast.If, scope: Scope) -> None:
        self.eval(node.test, scope)
        self._branch(node.body, scope)
        self._branch(node.orelse, scope)

    def on_for(self, node: ast.For | ast.AsyncFor, scope: Scope) -> None:
        elements = self.elements(self.eval(node.iter, scope))
        for _ in range(2):  # what the first round assigns, the second one uses
            self._assign(node.target, elements, scope)
            self._branch(node.body, scope)
        self._branch(node.orelse, scope)

    on_asyncfor = on_for

    def on_while(self, node: ast.While, scope: Scope) -> None:
        self.eval(node.test, scope)
        self._branch(node.body, scope)
        self._branch(node.body, scope)

    def on_with(self, node: ast.With | ast.AsyncWith, scope: Scope) -> None:
        for item in node.items:
            self.eval(item.context_expr, scope)
            if item.optional_vars is not None:
                self._assign(item.optional_vars, [ANY], scope)
        self._run_body(node.body, scope)

    on_asyncwith = on_with

    def on_try(self, node: ast.Try | ast.TryStar, scope: Scope) -> None:
        self._branch(node.body, scope)
        for handler in node.handlers:
            if handler.name:
                scope.names[handler.name] = [ANY]
            self._branch(handler.body, scope)
        self._branch(node.orelse, scope)
        self._run_body(node.finalbody, scope)

    on_trystar = on_try

    def on_match(self, node: ast.Match, scope: Scope) -> None:
        subject = self.eval(node.subject, scope)
        for one in node.cases:
            for name in _captured(one.pattern):
                scope.names[name] = [ANY]
                self.escape(subject, node.lineno)
            self._branch(one.body, scope)

    def on_functiondef(self, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> None:
        scope.names[node.name] = [SourceFunction(node, scope.module, scope.names)]

    on_asyncfunctiondef = on_functiondef

    def on_raise(self, node: ast.Raise, scope: Scope) -> None:
        if node.exc is not None:
            self.eval(node.exc, scope)

    def _assign(self, target: ast.expr, values: Values, scope: Scope) -> None:
        match target:
            case ast.Name():
                # In a branch, the value from before may stay.
                before = scope.names.get(target.id, []) if self._unsure else []
                scope.names[target.id] = _few([*before, *values])
            case ast.Tuple() | ast.List():
                parts = self.elements(values)
                for number, part in enumerate(target.elts):
                    displayed = [value.elements[number] for value in values if _is_row(value, target)]
                    self._assign(part, displayed or parts, scope)
            case ast.Starred():
                self._assign(target.value, [Lst(values)], scope)
            case ast.Subscript():
                self._store(target, values, scope)
            case ast.Attribute():
                self.escape(values, target.lineno)

    def _store(self, target: ast.Subscript, values: Values, scope: Scope) -> None:
        keys = self.keys(self.eval(target.slice, scope))
        for owner in self.eval(target.value, scope):
            if isinstance(owner, Doc):
                for key in keys:
                    for value in values or [ANY]:
                        self.write(_longer(owner.path, key), value, target.lineno)
            elif isinstance(owner, Obj):
                for key in keys:
                    owner.set(key, values)
            elif isinstance(owner, Lst):
                owner.elements += values

    # -- expressions -------------------------------------------------------------------------------------------------

    def eval(self, node: ast.expr, scope: Scope) -> Values:
        """What an expression may be."""
        value = getattr(self, f"on_{type(node).__name__.lower()}", None)
        return _few(value(node, scope)) if value is not None else [ANY]

    def on_constant(self, node: ast.Constant, _: Scope) -> Values:
        return [Known(node.value)] if isinstance(node.value, str | int | float | None) else [ANY]

    def on_name(self, node: ast.Name, scope: Scope) -> Values:
        return self._named_value(node.id, scope)

    def on_await(self, node: ast.Await, scope: Scope) -> Values:
        return self.eval(node.value, scope)

    def on_namedexpr(self, node: ast.NamedExpr, scope: Scope) -> Values:
        values = self.eval(node.value, scope)
        self._assign(node.target, values, scope)
        return values

    def on_joinedstr(self, node: ast.JoinedStr, scope: Scope) -> Values:
        """A text with a STAR for each part that is not known."""
        parts = []
        for part in node.values:
            if isinstance(part, ast.Constant):
                parts.append(str(part.value))
            elif isinstance(part, ast.FormattedValue):
                self.eval(part.value, scope)
                parts.append(STAR)
        text = "".join(parts)
        return [Pattern(text) if STAR in text else Known(text)]

    def on_dict(self, node: ast.Dict, scope: Scope) -> Values:
        made = Obj()
        for key, value in zip(node.keys, node.values, strict=True):
            values = self.eval(value, scope)
            if key is None:
                _spread_fields(made, values)
                continue
            for name in self.keys(self.eval(key, scope)):
                made.set(name, values)
        return [made]

    def on_list(self, node: ast.List | ast.Tuple | ast.Set, scope: Scope) -> Values:
        # One value for each element, so that they can be taken apart again.
        return [Lst([one_of(self.eval(element, scope)) for element in node.elts])]

    on_set = on_list

    on_tuple = on_list

    def on_listcomp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp, scope: Scope) -> Values:
        return [Lst(self.eval(node.elt, self._comprehended(node.generators, scope)))]

    on_generatorexp = on_listcomp

    on_setcomp = on_listcomp

    def on_dictcomp(self, node: ast.DictComp, scope: Scope) -> Values:
        inner = self._comprehended(node.generators, scope)
        made = Obj()
        for key in self.keys(self.eval(node.key, inner)):
            made.set(key, self.eval(node.value, inner))
        return [made]

    def on_call(self, node: ast.Call, scope: Scope) -> Values:
        return call(self, node, scope)

    def on_ifexp(self, node: ast.IfExp, scope: Scope) -> Values:
        self.eval(node.test, scope)
        return self._perhaps([node.body, node.orelse], scope)

    def on_boolop(self, node: ast.BoolOp, scope: Scope) -> Values:
        first, *others = node.values
        return [*self.eval(first, scope), *self._perhaps(others, scope)]

    def _perhaps(self, nodes: Iterable[ast.expr], scope: Scope) -> Values:
        """What expressions may be that are not evaluated each time."""
        self._unsure += 1
        values = [value for one in nodes for value in self.eval(one, scope)]
        self._unsure -= 1
        return values

    def on_unaryop(self, node: ast.UnaryOp, scope: Scope) -> Values:
        self.eval(node.operand, scope)
        return [OfType(bool)] if isinstance(node.op, ast.Not) else [OfType(float)]

    def on_compare(self, node: ast.Compare, scope: Scope) -> Values:
        for one in (node.left, *node.comparators):
            self.eval(one, scope)
        return [OfType(bool)]

    def on_lambda(self, node: ast.Lambda, scope: Scope) -> Values:
        return [SourceFunction(node, scope.module, scope.names)]

    def on_starred(self, node: ast.Starred, scope: Scope) -> Values:
        return self.elements(self.eval(node.value, scope))

    def _named_value(self, name: str, scope: Scope) -> Values:
        if name in scope.names:
            return scope.names[name]
        module = scope.module
        if name in module.functions:
            return [SourceFunction(module.functions[name], module)]
        if name in KINDS:
            return [OfType(KINDS[name])]
        if name in module.constants and self._depth < _DEEPEST:
            self._depth += 1
            try:
                # A constant may be changed by any line, so each use is a value of its own.
                return self.eval(module.constants[name], Scope(module, {}))
            finally:
                self._depth -= 1
        return [ANY]

    def _comprehended(self, generators: list[ast.comprehension], scope: Scope) -> Scope:
        inner = Scope(scope.module, dict(scope.names))
        for one in generators:
            self._assign(one.target, self.elements(self.eval(one.iter, inner)), inner)
            for test in one.ifs:
                self.eval(test, inner)
        return inner

    def on_subscript(self, node: ast.Subscript, scope: Scope) -> Values:
        if isinstance(node.slice, ast.Slice):
            return self.eval(node.value, scope)
        keys = self.keys(self.eval(node.slice, scope))
        owners = self.eval(node.value, scope)
        found = [one for owner in owners for key in keys for one in self.item(owner, key)]
        if isinstance(node.ctx, ast.Load) and self.sure:
            self.facts.reads |= {(one.path, node.lineno) for one in found if isinstance(one, Doc)}
        return found

    def item(self, owner: Value, key: str) -> Values:
        """What is in a value at a key."""
        if isinstance(owner, Doc):
            return [Doc(_longer(owner.path, key))]
        if isinstance(owner, Obj):
            found = owner.fields.get(key, []) if key != STAR else owner.values()
            return found or [ANY]
        if isinstance(owner, Lst):
            position = int(key) if key.isdigit() else None
            if position is not None and position < len(owner.elements):
                return [owner.elements[position]]
            return owner.elements or [ANY]
        return [ANY]

    def on_attribute(self, node: ast.Attribute, scope: Scope) -> Values:
        values: Values = []
        for owner in self.eval(node.value, scope):
            if isinstance(owner, ChatAnswer) and node.attr == "data":
                values += owner.data
            elif isinstance(owner, Handle):
                values += self._of_handle(Handle((*owner.path, node.attr)), node)
            else:
                values.append(Called(owner, node.attr))
        return values

    def _of_handle(self, handle: Handle, node: ast.Attribute) -> Values:
        match handle.path:
            case ("lib" | "connectors" | "task" | "step" as root, owner):
                self.facts.names.add(Name(root, owner, "", node.lineno))
            case ("lib", owner, name):
                self.facts.names.add(Name("lib", owner, name, node.lineno))
                module = self.libraries.get(owner)
                if module is not None:
                    return self._named_value(name, Scope(module, {}))
            case ("connectors", owner, name):
                self.facts.names.add(Name("connectors", owner, name, node.lineno))
        return [handle]

    def on_binop(self, node: ast.BinOp, scope: Scope) -> Values:
        left, right = self.eval(node.left, scope), self.eval(node.right, scope)
        if isinstance(node.op, ast.BitOr) and any(isinstance(one, Obj | Doc) for one in (*left, *right)):
            made = Obj()
            _spread_fields(made, [*left, *right])
            return [made]
        both = (*left, *right)
        if any(isinstance(one, Lst) for one in both):
            return [Lst([element for one in both if isinstance(one, Lst) for element in one.elements] + [ANY])]
        if any(isinstance(one, Pattern) or text_of(one) is not None for one in both):
            return [OfType(str)]
        may_be_text = isinstance(node.op, ast.Add | ast.Mod) or any(is_text(one) for one in both)
        return [ANY] if may_be_text else [OfType(float)]

    # -- helpers -----------------------------------------------------------------------------------------------------

    def keys(self, values: Values) -> list[str]:
        """The keys that a subscript may be."""
        keys = {key_of(value) for value in values}
        return sorted(keys) or [STAR]

    def elements(self, values: Values) -> Values:
        """What a loop over these values meets."""
        found: Values = []
        for value in values:
            if isinstance(value, Doc):
                # Over an object the keys are met, over a list its elements.
                found += [Doc(_longer(value.path, STAR)), ANY]
            elif isinstance(value, Lst):
                found += value.elements
            elif isinstance(value, Obj):
                found += [Known(key) for key in value.fields] + ([ANY] if value.open else [])
            else:
                found.append(ANY)
        return _few(found) or [ANY]

    def enter(self, function: SourceFunction, arguments: Mapping[str, Values]) -> Values:
        """Run a function of the author's with these arguments; returns what it may return."""
        if self._depth >= _DEEPEST:
            for values in arguments.values():
                self.escape(values, 0)
            return [ANY]
        scope = Scope(function.module, {**function.around, **arguments})
        if isinstance(function.node, ast.Lambda):
            return self.eval(function.node.body, scope)
        self._depth += 1
        self._run_body(function.node.body, scope)
        self._depth -= 1
        return scope.returned or [Known(None)]


def _longer(path: tuple[str, ...], key: str) -> tuple[str, ...]:
    return (*path, key) if len(path) < _LONGEST_PATH else path


def _few(values: Values) -> Values:
    """`values` without repeats; too many of them are of no use."""
    kept = list(dict.fromkeys(values))
    return kept if len(kept) <= _MOST else [*kept[:_MOST], ANY]


def _spread_fields(made: Obj, values: Values) -> None:
    """Add the fields of `values` to an object, as `**` does."""
    for value in values:
        if isinstance(value, Obj):
            for key, inner in value.fields.items():
                made.set(key, inner)
            made.open = made.open or value.open
        elif not (isinstance(value, Known) and value.value is None):
            made.open = True


def _is_row(value: Value, target: ast.Tuple | ast.List) -> TypeGuard[Lst]:
    starred = any(isinstance(one, ast.Starred) for one in target.elts)
    return isinstance(value, Lst) and len(value.elements) == len(target.elts) and not starred


def _may_leave(node: ast.AST) -> bool:
    """Whether the lines after a statement may not run: it holds a `return`, a `raise`, or the like."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        return False
    leaves = isinstance(node, ast.Return | ast.Raise | ast.Continue | ast.Break)
    return leaves or any(map(_may_leave, ast.iter_child_nodes(node)))


def _captured(pattern: ast.pattern) -> list[str]:
    return [
        str(name)
        for inner in ast.walk(pattern)
        for name in (getattr(inner, "name", None), getattr(inner, "rest", None))
        if name
    ]
