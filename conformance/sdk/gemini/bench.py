"""What the cases of the Gemini SDK share: clients for a server, and a text to ask about."""

from google import genai
from google.genai import types
from google.oauth2.credentials import Credentials

MLDEV, VERTEX, EXPRESS = "mldev", "vertex", "vertex_express"
BOTH = (MLDEV, VERTEX)
ALL = (MLDEV, VERTEX, EXPRESS)

MODEL = "gemini-2.5-flash"
KEY = "conformance-key"
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

    async def close(self):
        """Gives back what the clients hold."""
        for client in self._made:
            if self.is_async:
                await client.aio.aclose()
            client.close()
