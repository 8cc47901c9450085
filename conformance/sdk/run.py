"""Runs the cases of one area: `run.py PACKAGE AREA [SKIP]`, for `cargo xtask conformance sdk`.

`PACKAGE` is a folder beside this file, with a `bench.py` and a file for each area, or several with
a second word in their names: `models.py` and `models.media.py`. `SKIP` is how many runs to leave
out, for going on after a case that took the interpreter with it.
"""

import importlib.util
import os
import pathlib
import sys

import harness

HERE = pathlib.Path(__file__).parent


def load(name, path):
    """Imports a file under a name, without putting its neighbours in the way of other imports."""
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def main():
    package, area = sys.argv[1:3]
    skip = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    # Neither keys nor addresses of whoever runs this may reach a case.
    for name in list(os.environ):
        if name.startswith(("GEMINI_", "GOOGLE_", "TINKER_")):
            del os.environ[name]
    bench = load("bench", HERE / package / "bench.py")
    for path in sorted((HERE / package).glob(f"{area}.*py")):
        load(f"cases_{path.stem}", path)
    harness.run_all(bench.Bench, skip)


if __name__ == "__main__":
    main()
