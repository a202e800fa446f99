"""Where one writes."""

from client.widgets.composer.composer import Composer
from client.widgets.composer.edit import local_files

__all__ = ["Composer", "local_files"]
