"""Writes down the public surface of the reference packages, one row a line.

Usage: python introspect.py FOLDER

Needs google-genai, tinker and async-batch-llm installed; `cargo xtask parity refresh` calls it in
an environment of its own. It looks at the installed packages only and never calls a service.
"""

import ast
import dataclasses
import enum
import importlib
import importlib.metadata
import inspect
import json
import pathlib
import re
import sys
import types as pytypes
import typing
import warnings

import pydantic
import typing_extensions
from pydantic.alias_generators import to_camel

NONE = type(None)

# A member that warns when it is read is an old name of something that has a row of its own.
warnings.simplefilter("error", DeprecationWarning)


def last(name):
    """The name of a class without the modules it lies in."""
    return name.rsplit(".", 1)[-1]


def shape(annotation):
    """A type as `str`, `list[Part]`, `map[any]`, `A|B`: no optionality, no dict twins."""
    if isinstance(annotation, str):
        return shape_of_text(annotation)
    if isinstance(annotation, typing.ForwardRef):
        return shape_of_text(annotation.__forward_arg__)
    if isinstance(annotation, typing.TypeVar) or annotation is typing.Any:
        return "any"
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return shape(args[0])
    if origin is typing.Literal:
        return "str" if any(isinstance(value, str) for value in args) else "int"
    if origin in (typing.Union, pytypes.UnionType):
        parts = {shape(arg) for arg in args if arg is not NONE}
        parts = {p for p in parts if not (p.endswith("Dict") and p[:-4] in parts)}
        return "|".join(sorted(parts)) or "none"
    if inspect.isclass(origin) or origin is not None:
        name = last(getattr(origin, "__name__", str(origin)))
        if name in ("list", "List", "Sequence", "set", "tuple", "Iterable", "frozenset"):
            return f"list[{shape(args[0]) if args else 'any'}]"
        if name in ("dict", "Mapping", "MutableMapping", "defaultdict"):
            return f"map[{shape(args[1]) if len(args) > 1 else 'any'}]"
        return last(name) + (f"[{', '.join(map(shape, args))}]" if args else "")
    if annotation is NONE:
        return "none"
    if annotation is dict:
        return "map[any]"
    if annotation in (list, tuple, set):
        return "list[any]"
    if inspect.isclass(annotation):
        return annotation.__name__
    supertype = getattr(annotation, "__supertype__", None)
    return shape(supertype) if supertype else shape_of_text(str(annotation))


def shape_of_text(text):
    """The same for an annotation that is only known as text."""
    text = re.sub(r"\b(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])", "", text.replace("'", "").replace('"', ""))
    text = re.sub(r"\bOptional\[(.*)\]$", r"\1", text.strip())
    text = re.sub(r"\s*\|\s*None\b|\bNone\s*\|\s*|,\s*None(?=\])|,\s*NoneType(?=\])", "", text)
    text = re.sub(r"\b(?:List|Sequence)\b", "list", text)
    text = re.sub(r"\b(?:Dict|dict|Mapping)\[[^,\]]*,\s*", "map[", text)
    return text.replace("ForwardRef(", "").replace(")", "").strip()


def member_of(module, name):
    """A member of a module; nothing for a name that is kept for old callers only."""
    try:
        return getattr(module, name, None)
    except DeprecationWarning:
        return None


def parameters(function, skip_first=True):
    """Parameters as `name: shape`, with `?` behind the name of an optional one."""
    try:
        found = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return []
    if skip_first and found and found[0].name in ("self", "cls"):
        found = found[1:]
    try:
        hints = typing.get_type_hints(function)
    except Exception:
        hints = {}
    out = []
    for item in found:
        if item.name.startswith("_"):
            continue
        star = {item.VAR_POSITIONAL: "*", item.VAR_KEYWORD: "**"}.get(item.kind, "")
        optional = "?" if item.default is not item.empty else ""
        known = hints.get(item.name, item.annotation)
        kind = "" if known is item.empty else ": " + shape(known)
        out.append(f"{star}{item.name}{optional}{kind}")
    return out


def returned(function):
    """What a function gives, as a shape; nothing when that is not said or not known."""
    try:
        known = typing.get_type_hints(function).get("return", NONE)
    except Exception:
        return None
    return None if known is NONE else shape(known)


def open_values(obj):
    """The known values of an enum that is written as `Literal[...] | UnrecognizedStr`."""
    args = typing.get_args(obj)
    literals = [arg for arg in args if typing.get_origin(arg) is typing.Literal]
    if typing.get_origin(obj) is typing.Union and len(literals) == 1 and "UnrecognizedStr" in str(obj):
        return typing.get_args(literals[0])
    return ()


class Inventory:
    """Rows by id; a later row of the same id is dropped."""

    def __init__(self, package):
        self.package = package
        self.rows = {}

    def add(self, kind, name, **more):
        row = {"id": name, "kind": kind, **{k: v for k, v in more.items() if v not in (None, [], "")}}
        self.rows.setdefault((kind, name), row)

    def methods(self, prefix, cls, inherited=False):
        source = {}
        for base in reversed(cls.__mro__ if inherited else (cls,)):
            if (base.__module__ or "").split(".")[0] in ("google", "tinker", "async_batch_llm"):
                source.update(vars(base))
        for name, member in source.items():
            if name.startswith("_") or name.startswith("model_") and inherited:
                continue
            if isinstance(member, property) or type(member).__name__ == "cached_property":
                self.add("method", f"{prefix}.{name}", property=True)
                continue
            raw = member.__func__ if isinstance(member, (staticmethod, classmethod)) else member
            if not inspect.isroutine(raw):
                continue
            old = "deprecated" if getattr(raw, "__deprecated__", None) else None
            skip = not isinstance(member, staticmethod)
            # Replies of the services are told from what the methods of the clients give.
            gives = returned(raw) if self.package == "google-genai" else None
            params = parameters(raw, skip)
            self.add("method", f"{prefix}.{name}", params=params, returns=gives, note=old)

    def model(self, prefix, cls, alias=None):
        self.add("type", prefix)
        hints = {}
        try:
            hints = typing.get_type_hints(cls, include_extras=False)
        except Exception:
            pass
        for name, field in cls.model_fields.items():
            wire = field.serialization_alias or field.alias or (alias(name) if alias else name)
            known = field.annotation if field.annotation is not None else hints.get(name)
            self.add("field", f"{prefix}.{name}", wire=wire, shape=shape(known))
        own = {
            base
            for base in cls.__mro__
            if (base.__module__ or "").startswith(("google.genai.types", "tinker", "async_batch_llm"))
        }
        for base in own:
            for name, member in vars(base).items():
                if name.startswith("_") or name in cls.model_fields or name.startswith("model_"):
                    continue
                if isinstance(member, property):
                    self.add("method", f"{prefix}.{name}", property=True)
                elif isinstance(member, (staticmethod, classmethod)) or inspect.isfunction(member):
                    raw = getattr(member, "__func__", member)
                    if hasattr(raw, "__wrapped__") or type(raw).__name__ == "PydanticDescriptorProxy":
                        continue
                    self.add("method", f"{prefix}.{name}", params=parameters(raw))

    def values(self, prefix, values):
        self.add("enum", prefix)
        for value in values:
            self.add("value", f"{prefix}.{value}", wire=str(value))

    def anything(self, prefix, obj, alias=None, inherited=False):
        """A row for whatever this is, and rows for what it has."""
        if inspect.isclass(obj) and issubclass(obj, pydantic.BaseModel):
            self.model(prefix, obj, alias)
        elif inspect.isclass(obj) and issubclass(obj, enum.Enum):
            self.values(prefix, [member.value for member in obj])
        elif dataclasses.is_dataclass(obj) and inspect.isclass(obj):
            self.add("type", prefix)
            for field in dataclasses.fields(obj):
                if not field.name.startswith("_"):
                    self.add("field", f"{prefix}.{field.name}", wire=field.name, shape=shape(field.type))
            self.methods(prefix, obj)
        elif typing_extensions.is_typeddict(obj):
            self.add("type", prefix, note="typed dict")
        elif inspect.isclass(obj):
            self.add("class", prefix, params=parameters(obj.__init__))
            self.methods(prefix, obj, inherited)
        elif typing.get_origin(obj) is typing.Literal:
            self.values(prefix, typing.get_args(obj))
        elif open_values(obj):
            self.values(prefix, open_values(obj))
        elif getattr(obj, "__module__", "") == "typing" and not typing.get_args(obj):
            return
        elif typing.get_origin(obj) is not None or isinstance(obj, pytypes.UnionType):
            self.add("alias", prefix, shape=shape(obj))
        elif inspect.isroutine(obj):
            self.add("function", prefix, params=parameters(obj, False))

    def write(self, folder):
        rows = sorted(self.rows.values(), key=lambda row: (row["kind"], row["id"]))
        version = importlib.metadata.version(self.package)
        lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        text = f'{{"reference": "{self.package} {version}", "rows": [\n{lines}\n]}}\n'
        (folder / f"{self.package}.json").write_text(text)
        print(f"{self.package} {version}: {len(rows)} rows")


# google-genai --------------------------------------------------------------------------------

GENAI = (
    "batches caches chats client documents errors file_search_stores files live live_music"
    " local_tokenizer models operations pagers tokens tunings"
).split()
NEXT = "agents credentials decisions environments interactions triggers voices webhooks".split()


def genai_calls(module):
    """Every call of one module of the core: the paths it may use on each back end."""
    for cls in ast.parse(inspect.getsource(module)).body:
        if not isinstance(cls, ast.ClassDef) or cls.name.startswith("Async"):
            continue
        for function in cls.body:
            if not isinstance(function, ast.FunctionDef):
                continue
            verb = None
            for node in ast.walk(function):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and node.func.attr in ("request", "request_streamed")
                    and node.args
                    and isinstance(node.args[0], ast.Constant)
                ):
                    verb = node.args[0].value.upper()
            branch = next(
                (
                    node
                    for node in function.body
                    if isinstance(node, ast.If) and "_api_client.vertexai" in ast.unparse(node.test)
                    and "path" in ast.unparse(node)
                ),
                None,
            )
            if verb is None or branch is None:
                continue
            vertex, developer = branch.body, branch.orelse
            if "not " in ast.unparse(branch.test):
                vertex, developer = developer, vertex
            yield function.name, verb, paths_in(developer), paths_in(vertex)


def paths_in(nodes):
    found = []
    for node in nodes:
        for part in ast.walk(node):
            if isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) in ("path", "endpoint_url"):
                value = part.value
                if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
                    value = value.func.value
                if isinstance(value, ast.Constant):
                    path = value.value.replace("{{", "{").replace("}}", "}")
                    if path not in found:
                        found.append(path)
    return found


def google_genai():
    out = Inventory("google-genai")
    from google import genai
    from google.genai import types

    for name in GENAI:
        module = importlib.import_module(f"google.genai.{name}")
        out.add("module", name)
        for member, obj in vars(module).items():
            if inspect.isclass(obj) and obj.__module__ == module.__name__ and not member.startswith("_"):
                alias = None
                out.anything(f"{name}.{member}", obj, alias, inherited=True)
        for function, verb, developer, vertex in genai_calls(module):
            out.add(
                "call",
                f"{name}.{function.lstrip('_')}",
                verb=verb,
                mldev=developer,
                vertex=vertex,
            )
    out.add("module", "types")
    for name, obj in vars(types).items():
        if name.startswith("_") or inspect.ismodule(obj):
            continue
        if inspect.isclass(obj) and obj.__module__ != "google.genai.types":
            continue
        if inspect.isroutine(obj) or isinstance(obj, typing.TypeVar):
            continue
        out.anything(f"types.{name}", obj, to_camel)

    gaos = importlib.import_module("google.genai._gaos.google_genai")
    for name in NEXT:
        out.add("module", name)
        module = importlib.import_module(f"google.genai.{name}")
        exported = getattr(module, "__all__", None) or [n for n in vars(module) if n[0].isupper()]
        for member in exported:
            obj = member_of(module, member)
            if obj is None or inspect.ismodule(obj):
                continue
            if getattr(obj, "__module__", "").startswith("google.genai._gaos.") or not inspect.isclass(obj):
                out.anything(f"{name}.{member}", obj)
        client = getattr(gaos, f"GeminiNextGen{name.capitalize()}", None)
        if client is not None:
            prefix = f"{name}.{name.capitalize()}"
            out.add("class", prefix)
            skip = {"do_request", "with_raw_response", "with_streaming_response"}
            for method, member in vars(client).items():
                if inspect.isroutine(member) and not method.startswith("_") and method not in skip:
                    out.add("method", f"{prefix}.{method}", params=parameters(member))
            for base in client.__mro__[1:2]:
                for method, member in vars(base).items():
                    if inspect.isroutine(member) and not method.startswith("_") and method not in skip:
                        out.add("method", f"{prefix}.{method}", params=parameters(member))
    root = pathlib.Path(genai.__file__).parent / "_gaos"
    for file in sorted(root.glob("*.py")):
        for cls in ast.parse(file.read_text()).body:
            if not isinstance(cls, ast.ClassDef) or cls.name.startswith("Async"):
                continue
            for function in [f for f in cls.body if isinstance(f, ast.FunctionDef)]:
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("_build_request"):
                        given = {k.arg: k.value for k in node.keywords}
                        if isinstance(given.get("path"), ast.Constant):
                            resource = file.stem.strip("_")
                            resource = {"files": "environments.files", "internal": "environments.files"}.get(
                                resource, resource
                            )
                            out.add(
                                "call",
                                f"{resource}.{function.name.lstrip('_')}",
                                verb=given["method"].value,
                                mldev=[given["path"].value],
                            )
    return out


# tinker --------------------------------------------------------------------------------------

TINKER_CLIENTS = (
    "ServiceClient TrainingClient SamplingClient RestClient AdminClient APIFuture LossHandle"
    " BackcompatTrainingClientFuture BackcompatSamplingClientFuture"
).split()


def tinker_calls():
    import tinker

    root = pathlib.Path(tinker.__file__).parent

    def template(node):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return node.value
        if isinstance(node, ast.JoinedStr):
            parts = (v.value if isinstance(v, ast.Constant) else "{%s}" % last(ast.unparse(v.value)) for v in node.values)
            return "".join(parts)
        return None

    for file in sorted(root.rglob("*.py")):
        if file.name.endswith("_test.py") or "_pb2" in file.name:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if not isinstance(node, ast.Call):
                continue
            function, args = node.func, list(node.args)
            attribute = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
            verb = attribute.lstrip("_").upper()
            if attribute == "_request" and len(args) > 1 and template(args[0]):
                verb, args = template(args[0]), args[1:]
            if verb in {"GET", "POST", "PUT", "DELETE", "PATCH"} and args:
                path = template(args[0])
                if path and path.startswith("/api/"):
                    yield verb, path


# Names for the endpoints, which have none in the reference: group and method.
TINKER_NAMES = pathlib.Path(__file__).with_name("tinker-call-names.json")


def tinker_package():
    out = Inventory("tinker")
    import click
    import tinker
    from tinker import _exceptions, auth
    from tinker import types as ttypes
    from tinker.cli.__main__ import main_cli

    for name in ("service_client", "training_client", "sampling_client", "rest_client", "admin_client",
                 "types", "errors", "auth", "cli"):
        out.add("module", name)
    module_of = {"ServiceClient": "service_client", "TrainingClient": "training_client",
                 "SamplingClient": "sampling_client", "RestClient": "rest_client", "AdminClient": "admin_client"}
    for name in TINKER_CLIENTS:
        prefix = f"{module_of.get(name, 'training_client')}.{name}"
        cls = getattr(tinker, name)
        out.add("class", prefix, params=parameters(cls.__init__))
        out.methods(prefix, cls)
    for name in auth.__all__:
        out.anything(f"auth.{name}", getattr(auth, name))
    for name, obj in vars(_exceptions).items():
        if inspect.isclass(obj) and issubclass(obj, Exception):
            out.add("class", f"errors.{name}", params=parameters(obj.__init__))
    for name, obj in vars(ttypes).items():
        if name.startswith("_") or inspect.ismodule(obj) or name == "annotations":
            continue
        out.anything(f"types.{name}", obj)
    for module, names in {
        "tinker.types.topk_logprobs": ["TopkLogprobs"],
        "tinker.types.generic_event": ["GenericEvent"],
        "tinker.types.try_again_response": ["TryAgainResponse"],
        "tinker.lib.retry_handler": ["RetryConfig"],
        "tinker.lib.api_future_impl": ["QueueState"],
    }.items():
        for name in names:
            out.anything(f"types.{name}", getattr(importlib.import_module(module), name))

    names = {(row["verb"], re.sub(r"\{[^}]*\}", "{}", row["path"])): row for row in json.loads(TINKER_NAMES.read_text())}
    for verb, path in tinker_calls():
        known = names.get((verb, re.sub(r"\{[^}]*\}", "{}", path)))
        name = known["name"] if known else f"unnamed.{verb.lower()} {path}"
        out.add("call", name, verb=verb, mldev=[known["path"] if known else path])

    def command(path, item, context):
        options = []
        for parameter in item.params:
            if parameter.param_type_name == "argument":
                options.append(parameter.name.upper())
            else:
                options.append(max(parameter.opts, key=len))
        out.add("command", path, params=options)
        if isinstance(item, click.Group):
            for name in item.list_commands(context):
                command(f"{path} {name}", item.get_command(context, name), context)

    command("tinker", main_cli, click.Context(main_cli))
    return out


# async-batch-llm -----------------------------------------------------------------------------


def async_batch_llm():
    out = Inventory("async-batch-llm")
    import async_batch_llm

    seen = set()
    for module_name in ("", ".classifiers", ".middleware", ".observers", ".strategies", ".testing", ".core"):
        module = importlib.import_module("async_batch_llm" + module_name)
        short = module_name.strip(".") or "async_batch_llm"
        out.add("module", short)
        for name in sorted(getattr(module, "__all__", [])):
            obj = member_of(module, name)
            if obj is None or name.startswith("_") or inspect.ismodule(obj) or id(obj) in seen:
                continue
            seen.add(id(obj))
            out.anything(f"{short}.{name}", obj)
    return out


if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for build in (google_genai, tinker_package, async_batch_llm):
        build().write(folder)
