"""What the cases of the Tinker SDK share: clients for a server, and a few texts to learn."""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import warnings

import tinker
from tinker import types

BOTH = ("tinker",)
BASE = "meta-llama/Llama-3.2-1B"
KEY = "tml-conformance"
END = 128001
ADAM = types.AdamParams(learning_rate=1e-3)

# Methods that are on their way out are a part of the surface as well.
warnings.simplefilter("ignore")


def texts(count=6):
    """Token sequences in which each token has one successor."""
    return [[10 * n + 1, 10 * n + 2, 10 * n + 3, 1000 + n, END] for n in range(count)]


def datum(tokens, **inputs):
    """An example that predicts each token from those before it."""
    given = {"target_tokens": tokens[1:]} | inputs
    return types.Datum(
        model_input=types.ModelInput.from_ints(tokens[:-1]), loss_fn_inputs=given
    )


def examples(count=6):
    """The texts as examples."""
    return [datum(tokens, weights=[1.0] * (len(tokens) - 1)) for tokens in texts(count)]


def prompt(*tokens):
    """A prompt of these tokens."""
    return types.ModelInput.from_ints(list(tokens))


def greedy(max_tokens=8):
    """Parameters that always draw the likeliest token."""
    return types.SamplingParams(max_tokens=max_tokens, temperature=0.0)


class Bench:
    """Clients for one server."""

    def __init__(self, emulator, backend, form):
        self.emulator, self.form = emulator, form
        self.url = emulator.base_url
        self._service = None
        self._home = tempfile.TemporaryDirectory()

    @property
    def service(self):
        """The usual client."""
        if self._service is None:
            self._service = tinker.ServiceClient(base_url=self.url, api_key=KEY)
        return self._service

    @property
    def rest(self):
        """A client without a session."""
        return tinker.RestClient(base_url=self.url, api_key=KEY)

    @property
    def admin(self):
        """A client for bills and logs."""
        return tinker.AdminClient(base_url=self.url, api_key=KEY)

    def train(self, **options):
        """A new model in training."""
        options = {"base_model": BASE, "rank": 8, "seed": 1} | options
        return self.service.create_lora_training_client(**options).result()

    def taught(self, steps=40):
        """A model that has learnt the texts."""
        client = self.train()
        for _ in range(steps):
            passed = client.forward_backward(examples(), "cross_entropy")
            step = client.optim_step(ADAM)
            passed.result(), step.result()
        return client

    def cli(self, *arguments, key=KEY, stdin=""):
        """Runs the command-line tool of the SDK; what it printed."""
        env = dict(os.environ, TINKER_BASE_URL=self.url, HOME=self._home.name, COLUMNS="200")
        if key:
            env["TINKER_API_KEY"] = key
        tool = pathlib.Path(sys.executable).parent / "tinker"
        done = subprocess.run(
            [str(tool), *arguments],
            capture_output=True, check=False, text=True, env=env, input=stdin,
            cwd=self._home.name,
        )
        # A thread of the tool may abort the interpreter on its way out; what was asked for has been
        # done and printed by then. Whatever goes wrong earlier is told on the error stream.
        aborted_late = done.returncode == -signal.SIGABRT and (done.stdout or not done.stderr)
        return 0 if aborted_late else done.returncode, done.stdout, done.stderr

    @property
    def home(self):
        """The folder that the command-line tool runs in."""
        return pathlib.Path(self._home.name)

    def close(self):
        """Ends the session, if there is one."""
        if self._service is not None:
            self._service.close("success")
        self._home.cleanup()
