"""Declaim: from a voice-over to a character's full performance."""

__version__ = "0.1.0"


def register() -> None:
    """Called by Blender when the extension is enabled."""
    from .addon import register as register_addon

    register_addon()


def unregister() -> None:
    """Called by Blender when the extension is disabled."""
    from .addon import unregister as unregister_addon

    unregister_addon()
