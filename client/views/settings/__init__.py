"""Settings: account, devices, privacy, appearance, notifications, storage, language, shortcuts, about."""

from client.views.settings.dialog import SettingsDialog

__all__ = ["SettingsDialog"]
