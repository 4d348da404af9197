"""The types of the package, for checkers: chronostar/**/*.pyi, from the signatures as they are when the package runs.

Methods grow by @patch, which no type checker sees, and most arguments have a comment instead of an annotation.
`python tools/make_stubs.py` makes the files again after `nbdev_export`. A type is what the annotation says; else what the
comment says of the shape; else that of the default value; else Any. TYPES adds what a script most wants to know.
The stub of chronostar/__init__.py is written by hand, as that file is.
"""

import ast
import dataclasses
import inspect
import re
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from textwrap import dedent
from types import FunctionType

from fastcore.docments import docments

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "chronostar"
NOTE = "# Made by tools/make_stubs.py: edit the notebooks, not this file.\n"
BY_HAND = "__init__.pyi"  # of the front door, chronostar/__init__.py, which is written by hand too
ARRAY, STARS = "NDArray[Any]", "ArrayLike | StarData"
TYPES = {  # results and attributes, where the code does not say
    "age_profile": "AgeProfile", "as_stars": "StarData", "prepare": "Prepared", "read_result": "ComponentMixture",
    "Prepared.stars": "StarData", "Prepared.X": ARRAY, "StarData.read": "StarData", "StarData.top": "StarData",
    "StarData.__getitem__": "StarData", "StarData.means": ARRAY, "StarData.ids": f"{ARRAY} | None",
    "Driver.run": "ComponentMixture",
    "ComponentMixture.uncertainties": "Uncertainties", "ComponentMixture.weights_": ARRAY,
    "ComponentMixture.components_": "list[Any]", "ComponentMixture.converged_": "bool", "ComponentMixture.n_iter_": "int",
    "ComponentMixture.read": "Self", "get_components": "list[Any]",
    "ComponentMixture.get_parameters": f"tuple[{ARRAY}, list[Any]]", "ComponentMixture.n_params": "int",
    "split": "tuple[Self, Self]", "from_stars": "Self", "at": "Self", "m_step": "Self", "alternatives": "list[Alternative]",
    "moments_at": f"tuple[{ARRAY}, {ARRAY}]", "shape": "tuple[int, ...]", "StarData.table": "Table",
    "SphereSpaceTimeComponent.age": "float", "SphereSpaceTimeComponent.dxyz": "float", "SphereSpaceTimeComponent.duvw": "float",
    "bic": "float", "aic": "float", "score": "float", "mean": ARRAY, "covariance": ARRAY, "get_parameters": ARRAY,
    "estimate_membership_prob": ARRAY, "predict": ARRAY, "predict_proba": ARRAY, "score_samples": ARRAY,
    "estimate_weighted_log_prob": ARRAY, "estimate_log_prob": ARRAY, "fit_predict": ARRAY,
    "__repr__": "str", "__len__": "int", "__enter__": "Self",
}
SPECIAL = ("__init__", "__repr__", "__len__", "__getitem__", "__iter__", "__call__", "__enter__", "__exit__",
           "__array__", "__matmul__")
OTHERS = {
    "dataclasses": "dataclass", "pathlib": "Path", "typing": "Any NamedTuple Self", "numpy.typing": "ArrayLike NDArray",
    "astropy.table": "Table", "matplotlib.axes": "Axes", "matplotlib.figure": "Figure",
    "sklearn.base": "BaseEstimator DensityMixin", "abc": "ABCMeta", "functools": "cached_property",
}
ANNOTATIONS = {"ndarray": ARRAY, "list": "list[Any]", "dict": "dict[str, Any]", "tuple": "tuple[Any, ...]"}


def modules():
    "{path below chronostar: module}."
    paths = [path.relative_to(PACKAGE) for path in sorted(PACKAGE.rglob("*.py")) if path.name[0] != "_"]
    return {path: import_module(".".join(["chronostar", *path.with_suffix("").parts])) for path in paths}


@cache
def classes():
    "{name: module} of all public classes."
    return {name: module.__name__ for module in modules().values() for name in module.__all__
            if inspect.isclass(thing := getattr(module, name)) and thing.__module__ == module.__name__}


def make_stubs():
    "{path below chronostar: text} of all stubs."
    return {path.with_suffix(".pyi").as_posix(): Stub(module).text() for path, module in modules().items()}


def write_stubs():
    for old in PACKAGE.rglob("*.pyi"):
        if old.name != BY_HAND:
            old.unlink()
    for name, text in make_stubs().items():
        (PACKAGE / name).write_text(text, encoding="utf-8")


class Stub:
    "The stub of one module."
    def __init__(self, module):
        self.module, self.tree = module, ast.parse(inspect.getsource(module))

    def text(self):
        public = self.module.__all__
        bases = {base.__name__ for name in public if inspect.isclass(cls := getattr(self.module, name)) for base in cls.__bases__
                 if base.__module__ == self.module.__name__}
        declared = [self.declare(name) for name in [*sorted(bases - set(public)), *public]]
        body = "\n".join(text for text in declared if not text.startswith("from "))
        names = set(re.findall(r"[A-Za-z_]\w*", re.sub(r'"[^"]*"', "", body)))
        lines = [f"from {where} import {', '.join(found)}" for where, known in OTHERS.items()
                 if (found := [name for name in known.split() if name in names])]
        lines += [text for text in declared if text.startswith("from ")]
        for name, where in classes().items():
            if name in names and where != self.module.__name__ and name not in public:
                lines.append(f"from {where} import {name}")
        everything = ", ".join(f'"{name}"' for name in self.module.__all__)
        return NOTE + "\n".join(sorted(lines)) + f"\n\n__all__ = [{everything}]\n\n" + body + "\n"

    def declare(self, name):
        thing = getattr(self.module, name)
        thing = getattr(thing, "py_func", thing)  # compiled by numba
        if (inspect.isclass(thing) or isinstance(thing, FunctionType)) and thing.__module__ != self.module.__name__:
            return f"from {thing.__module__} import {thing.__name__} as {name}"  # what another module offers too
        if inspect.isclass(thing):
            return self.declare_class(thing)
        if isinstance(thing, FunctionType):
            return self.function(thing, name, name)
        return f"{name}: {of_value(thing)}"

    def declare_class(self, cls):
        named_tuple = issubclass(cls, tuple)
        bases = ["NamedTuple"] if named_tuple else [base.__name__ for base in cls.__bases__ if base is not object]
        if type(cls).__module__ == cls.__module__:
            bases.append(f"metaclass={type(cls).__name__}")
        bases = f"({', '.join(bases)})" if bases else ""
        lines = [f"class {cls.__name__}{bases}:"]
        if dataclasses.is_dataclass(cls):
            lines.insert(0, "@dataclass")
        notes = {} if named_tuple or dataclasses.is_dataclass(cls) else None
        if notes is not None:
            for name, annotation in inspect.get_annotations(cls).items():
                default = " = ..." if hasattr(cls, name) and not named_tuple else ""
                if named_tuple and name in cls._field_defaults:
                    default = " = ..."
                if dataclasses.is_dataclass(cls) and cls.__dataclass_fields__[name].default_factory is not dataclasses.MISSING:
                    default = " = ..."
                optional = " | None" if default and getattr(cls, name, 0) is None else ""
                lines.append(f"    {name}: {of_annotation(annotation)}{optional}{default}")
        done = set(inspect.get_annotations(cls)) if notes is not None else set()
        for name, member in vars(cls).items():
            special = name in SPECIAL
            if name in done or (name.startswith("_") and not special) or (special and notes is not None and name == "__init__"):
                continue
            if declared := self.member(cls, name, member, named_tuple):
                lines.append(declared)
                done.add(name)
        for name in self.attributes(cls):
            if name not in done and not any(name in vars(base) for base in cls.__mro__) and not name.startswith("_"):
                lines.append(f"    {name}: {TYPES.get(f'{cls.__name__}.{name}', 'Any')}")
        return "\n".join(lines if len(lines) > 1 + lines[0].startswith("@") else [*lines, "    ..."])

    def member(self, cls, name, member, named_tuple):
        where = f"{cls.__name__}.{name}"
        if inspect.ismethod(bound := getattr(cls, name)):
            return "    @classmethod\n" + self.function(bound.__func__, name, where, "    ")
        if isinstance(member, staticmethod):
            return "    @staticmethod\n" + self.function(bound, name, where, "    ")
        if isinstance(member, cached_property):
            return f"    @cached_property\n    def {name}(self) -> {self.result(member.func, name, where)}: ..."
        if isinstance(member, property):
            setter = f"\n    @{name}.setter\n    def {name}(self, value: Any) -> None: ..." if member.fset else ""
            return f"    @property\n    def {name}(self) -> {self.result(member.fget, name, where)}: ...{setter}"
        if isinstance(member, FunctionType):
            if not Path(member.__code__.co_filename).is_relative_to(PACKAGE):
                return None  # made by a library
            by_name = named_tuple and name == "__getitem__"  # where a tuple has numbers
            ignore = "  # type: ignore[override]" if by_name else ""
            return self.function(member, name, where, "    ") + ignore
        if named_tuple or inspect.isroutine(member) or inspect.isdatadescriptor(member):
            return None
        value = of_value(member)
        return f"    {name}: {value if value != 'None' else 'Any'}"

    def attributes(self, cls):
        "Names that the methods of a class, whether in its body or patched, give to `self`."
        found = {}
        for node in ast.walk(self.tree):
            methods = []
            if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
                methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            elif isinstance(node, ast.FunctionDef) and node.args.args:
                annotation = node.args.args[0].annotation
                if annotation is not None and ast.unparse(annotation) == cls.__name__:
                    methods = [node]
            for method in methods:
                for part in ast.walk(method):
                    if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) \
                            and isinstance(part.value, ast.Name) and part.value.id == "self":
                        found[part.attr] = None
        return found

    def function(self, function, name, where, indent=""):
        known, parts, star = docments(function, full=True), [], False
        for index, (key, p) in enumerate(inspect.signature(function).parameters.items()):
            if index == 0 and key in ("self", "cls"):
                parts.append(key)
                continue
            if p.kind is p.KEYWORD_ONLY and not star:
                parts.append("*")
            star = star or p.kind in (p.KEYWORD_ONLY, p.VAR_POSITIONAL)
            mark = {p.VAR_POSITIONAL: "*", p.VAR_KEYWORD: "**"}.get(p.kind, "")
            given = " = ..." if p.default is not p.empty else ""
            parts.append(f"{mark}{key}: {self.argument(p, (known.get(key) or {}).get('docment') or '')}{given}")
        return f"{indent}def {name}({', '.join(parts)}) -> {self.result(function, name, where)}: ..."

    def argument(self, p, comment):
        if p.name == "X":
            kind = STARS
        elif p.annotation is not p.empty:
            kind = of_annotation(p.annotation)
        elif re.match(r"(n )?shape \(", comment):
            kind = STARS if "StarData" in comment else "ArrayLike"
        else:
            return "Any" if p.default is None or p.default is p.empty else of_value(p.default)
        return f"{kind} | None" if p.default is None else kind

    def result(self, function, name, where):
        for key in (where, name):
            if key in TYPES:
                return TYPES[key]
        if name == "__init__":
            return "None"
        annotation = inspect.signature(function).return_annotation
        if annotation is not inspect.Signature.empty:
            return of_annotation(annotation)
        comment = re.search(r"\):[ \t]*#[ \t]*(.+)", inspect.getsource(function))  # which fastcore reads after -> only
        comment, doc = comment[1] if comment else "", function.__doc__ or ""
        if comment.strip() == "self" or re.search(r"returns self\b", doc):
            return "Self"
        if re.match(r"shape \(", comment) or re.search(r", shape \([^)]*\)\.$", doc):
            return ARRAY
        if known := re.match(r"(?:the |an? )?(?:astropy |matplotlib )?(Axes|Figure|Table)\b", comment):
            return known[1]
        body = ast.walk(ast.parse(dedent(inspect.getsource(function))))
        ends = {type(node) for node in body if not isinstance(node, ast.Return) or node.value is not None}
        return "Any" if ends & {ast.Return, ast.Raise, ast.Yield} else "None"


def of_annotation(annotation):
    name = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", None)
    if annotation is None or name == "NoneType":
        return "None"
    return ANNOTATIONS.get(name, name if name and name.isidentifier() else "Any")


def of_value(value):
    return type(value).__name__ if type(value) in (bool, int, float) else "Any"


if __name__ == "__main__":
    write_stubs()
