"""What the cases of the Gemini SDK share: clients for a server, and a text to ask about."""

import json
import os
import urllib.parse
import urllib.request

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

from harness import result

MLDEV, VERTEX, EXPRESS = "mldev", "vertex", "vertex_express"
BOTH = (MLDEV, VERTEX)
ALL = (MLDEV, VERTEX, EXPRESS)

MODEL, VEO = "gemini-2.5-flash", "veo-3.0-generate-001"
KEY = "conformance-key"
BUCKET = "halden-jobs"
PROJECT, LOCATION = "halden", "us-central1"
PARENT = f"projects/{PROJECT}/locations/{LOCATION}"
FACT = "The night porter of the Halden hotel keeps the spare keys in a blue tin."
QUESTION = "Where are the spare keys of the hotel?"
DOCUMENT = (
    "# Halden hotel\n\n"
    + "".join(
        f"## Room {n}\n\nRoom {n} has {n % 4 + 1} windows and was painted in {1950 + n % 70}. "
        f"Its wardrobe is made of oak and its door opens to corridor {n % 9}.\n\n"
        for n in range(1, 120)
    )
    + f"## Keys\n\n{FACT}\n"
)


class Bench:
    """Clients of one form for one server."""

    def __init__(self, emulator, backend, form):
        self.emulator, self.backend, self.form = emulator, backend, form
        self._made = []
        self._client = None

    @property
    def client(self):
        """The usual client."""
        if self._client is None:
            self._client = self.make()
        return self._client

    @property
    def is_vertex(self):
        """Whether the cases run against Vertex, with or without a project."""
        return self.backend != MLDEV

    @property
    def is_async(self):
        """Whether calls are awaited."""
        return self.form == "async"

    def make(self, key=KEY, path="", **http_options):
        """A client of its own, with these options for HTTP."""
        if self.emulator.authority:
            # Sessions over WebSocket take no other settings for TLS.
            os.environ["SSL_CERT_FILE"] = self.emulator.authority
        http = types.HttpOptions(base_url=self.emulator.base_url + path, **http_options)
        if self.backend == MLDEV:
            client = genai.Client(api_key=key, vertexai=False, http_options=http)
        elif self.backend == EXPRESS:
            client = genai.Client(api_key=key, vertexai=True, http_options=http)
        else:
            client = genai.Client(
                vertexai=True,
                project=PROJECT,
                location=LOCATION,
                credentials=Credentials("conformance-token"),
                http_options=http,
            )
        self._made.append(client)
        return client.aio if self.is_async else client

    def model_name(self, model=MODEL):
        """The full name that a resource gives its model."""
        if self.backend == VERTEX:
            return f"{PARENT}/publishers/google/models/{model}"
        return f"models/{model}"

    async def film(self, prompt="a cat on a roof", **config):
        """The operation of a film that has begun."""
        if self.is_vertex:
            return await result(
                self.client.models.generate_videos(
                    model=VEO,
                    source=types.GenerateVideosSource(prompt=prompt),
                    config=types.GenerateVideosConfig(**config),
                )
            )
        # This SDK begins no films on the developer API, so one is asked for by hand.
        request = urllib.request.Request(
            urllib.parse.urljoin(
                self.emulator.base_url, f"/v1beta/models/{VEO}:predictLongRunning"
            ),
            data=json.dumps({"instances": [{"prompt": prompt}]}).encode(),
            headers={"x-goog-api-key": KEY, "content-type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            return types.GenerateVideosOperation(name=json.load(reply)["name"])

    def storage(self, method, path, body=None):
        """What the emulator's Cloud Storage or BigQuery answers."""
        request = urllib.request.Request(
            urllib.parse.urljoin(self.emulator.base_url, path),
            data=body,
            method=method,
            headers={"Authorization": "Bearer conformance-token"},
        )
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.read()

    def put_lines(self, name, lines):
        """Stores lines of JSON; the address of the object."""
        text = "".join(json.dumps(line) + "\n" for line in lines)
        path = f"upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={urllib.parse.quote(name)}"
        self.storage("POST", path, text.encode())
        return f"gs://{BUCKET}/{name}"

    def get_lines(self, uri):
        """The lines of JSON of an object."""
        bucket, name = uri.removeprefix("gs://").split("/", 1)
        quoted = urllib.parse.quote(name, safe="")
        text = self.storage("GET", f"storage/v1/b/{bucket}/o/{quoted}?alt=media")
        return [json.loads(line) for line in text.decode().splitlines()]

    async def close(self):
        """Gives back what the clients hold."""
        for client in self._made:
            if self.is_async:
                await client.aio.aclose()
            client.close()
