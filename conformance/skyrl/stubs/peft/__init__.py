"""Stands in for peft, of which the server uses one class to describe an adapter."""

import json
import pathlib


class LoraConfig:
    """The settings of an adapter."""

    def __init__(self, **settings):
        self.settings = settings

    def save_pretrained(self, folder):
        """Writes them down."""
        folder = pathlib.Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        plain = {k: sorted(v) if isinstance(v, set) else v for k, v in self.settings.items()}
        text = json.dumps({"peft_type": "LORA", **plain}, default=str)
        (folder / "adapter_config.json").write_text(text)
