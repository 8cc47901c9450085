"""Cases that drive a server through an official Python SDK: how they are declared and run.

A case is a function with a name such as `caches.create/ttl`. What it needs it asks for by the
names of its parameters: `emulator`, `bench`, anything the bench has (`client`), and the `value` of
its row. A case that is a coroutine runs twice, once with the synchronous client and once with the
asynchronous one; what a call gave is taken with `await result(...)` and `each(...)`, which do
right by both.

Every case gets an emulator of its own. The program that started this one runs it: it is asked for
with a line of JSON on standard output and answers with a line on standard input. What came of the
cases goes the same way. Nothing here knows a particular SDK.
"""

import asyncio
import dataclasses
import inspect
import json
import os
import sys
import traceback

_cases = []
_out = None


@dataclasses.dataclass
class Case:
    """One run of a function: on a backend, with the values of one row."""

    name: str
    function: object
    backend: str
    value: object
    settings: dict
    forms: tuple


def case(name, *, on, rows=None, settings=None, forms=None):
    """Declares a case.

    `on` lists backends. `rows` maps the end of the name to the value that the function gets: one
    case for each. `settings` are those of the emulator, `forms` those of the client.
    """

    def declare(function):
        both = ("sync", "async") if inspect.iscoroutinefunction(function) else ("sync",)
        for end, value in (rows or {"": None}).items():
            full = f"{name}:{end}" if end else name
            for backend in on:
                _cases.append(Case(full, function, backend, value, settings or {}, forms or both))
        return function

    return declare


async def result(value):
    """What a call gave, from either form of the client."""
    return await value if inspect.isawaitable(value) else value


async def each(value):
    """The items of a stream or pager, from either form of the client."""
    value = await result(value)
    if hasattr(value, "__aiter__"):
        async for item in value:
            yield item
    else:
        for item in value:
            yield item


async def gather(value):
    """The items of a stream or pager, as a list."""
    return [item async for item in each(value)]


def same(actual, expected):
    """Fails unless both are equal, and says what they are."""
    assert actual == expected, f"{actual!r} is not {expected!r}"


def among(part, whole):
    """Fails unless the part is in the whole, and says what they are."""
    assert part in whole, f"{part!r} is not in {whole!r}"


async def paged(list_them, field, size):
    """All items of a list whose pages are asked for one by one, and how many pages there were."""
    found, pages, token = [], 0, None
    while True:
        page = await result(list_them(page_size=size, page_token=token))
        items = getattr(page, field) or []
        assert len(items) <= size, page
        found += items
        pages += 1
        token = page.next_page_token
        if not token:
            return found, pages


async def until(get, done, emulator=None, step=0.1, most=400):
    """What `get` gives once `done` says so of it. Between the looks the emulator is moved on by
    `step` seconds."""
    for _ in range(most):
        found = await result(get())
        if done(found):
            return found
        if emulator:
            emulator.advance(step)
        await asyncio.sleep(0.005)
    raise AssertionError(f"not done after {most} looks: {found!r}")


class refuses:
    """Fails unless what is done inside raises `error`, with these members and this text."""

    def __init__(self, error, text="", **members):
        self.error, self.text, self.members = error, text, members
        self.raised = None

    def __enter__(self):
        return self

    def __exit__(self, kind, raised, _):
        assert raised is not None, f"nothing was refused; {self.error.__name__} was expected"
        if not isinstance(raised, self.error):
            return False
        self.raised = raised
        for name, value in self.members.items():
            same(getattr(raised, name), value)
        among(self.text, str(raised))
        return True


class Emulator:
    """A server of the program that runs this one."""

    def __init__(self, settings):
        answer = _ask({"do": "start", "settings": settings})
        self.number = answer["emulator"]
        self.base_url = answer["base_url"]
        # The certificate of who vouches for it, when it speaks TLS.
        self.authority = answer.get("authority")

    def _do(self, what, **members):
        return _ask({"do": what, "emulator": self.number, **members})

    def requests(self, path=""):
        """The requests it got whose path has this part, oldest first."""
        return [r for r in self._do("requests")["requests"] if path in r["path"]]

    def last(self, path=""):
        """The last request whose path has this part."""
        found = self.requests(path)
        assert found, f"no request came with {path!r} in its path"
        return found[-1]

    def order(self, what, **members):
        """Has it do something that only one API knows."""
        return self._do(what, **members)

    def advance(self, seconds):
        """Moves its clock, which must have been set up with `manual_clock`."""
        self._do("advance", seconds=seconds)

    def fault(self, kind, **members):
        """Spoils answers: `path`, `at_most`, `after` and `every` say which."""
        self._do("fault", fault={"kind": kind, **members})

    def script(self, **reply):
        """Gives a fixed reply to the next request: `status` with `json`, `text` or `events`."""
        self._do("script", reply=reply)


def sent(request, place):
    """A member of a request's body by its path, in whichever spelling of the keys it went out."""
    value = request["body"]
    for name in place.split("."):
        if isinstance(value, list):
            value = value[int(name)]
        else:
            keys = {key.replace("_", "").lower(): key for key in value or {}}
            value = value[keys[name.lower()]] if name.lower() in keys else None
    return value


def _tell(message):
    _out.write(json.dumps(message) + "\n")
    _out.flush()


def _ask(message):
    _tell(message)
    answer = json.loads(sys.stdin.readline() or '{"error": "nobody answers"}')
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer


def _where(error):
    """The last line of the cases that the error came through."""
    here = os.path.dirname(__file__)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.startswith(here)]
    frames = [f for f in frames if f.filename != __file__] or frames
    if not frames:
        return ""
    return f" ({os.path.relpath(frames[-1].filename, here)}:{frames[-1].lineno})"


async def _run(case, form, bench_of):
    emulator = Emulator(case.settings)
    bench = bench_of(emulator, case.backend, form)
    arguments = {}
    for name in inspect.signature(case.function).parameters:
        if name == "value":
            arguments[name] = case.value
        elif name == "emulator":
            arguments[name] = emulator
        elif name == "bench":
            arguments[name] = bench
        else:
            arguments[name] = getattr(bench, name)
    try:
        await result(case.function(**arguments))
    finally:
        await result(bench.close())


def run_all(bench_of, skip):
    """Runs every declared case but the first `skip`, each on a bench of its own."""
    global _out
    # What anybody else prints must not stand between the lines of the protocol.
    _out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    runs = [(case, form) for case in _cases for form in case.forms]
    for case, form in runs[skip:]:
        _tell({"do": "begin", "case": case.name, "backend": case.backend, "form": form})
        message = ""
        try:
            asyncio.run(_run(case, form, bench_of))
        except Exception as error:  # Whatever it is, the next case has nothing to do with it.
            text = "".join(traceback.format_exception_only(error)).strip()
            message = (text or type(error).__name__) + _where(error)
        _tell({"do": "end", "passed": not message, "message": message})
    _tell({"do": "done"})
