"""Stands in for torch, which the server names in annotations alone."""


class Tensor:
    """A name."""
