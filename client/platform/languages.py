"""The language of the program, and the direction in which it is read."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLibraryInfo, QLocale, Qt, QTranslator
from PySide6.QtWidgets import QApplication

FOLDER = Path(__file__).resolve().parent.parent / "translations"
_kept: list[QTranslator] = []


def translate(application: QApplication, language: str = "") -> None:
    """Say everything in a language from now on; empty: the system's.

    What there is no translation for is said in English.
    """
    for old in _kept:
        application.removeTranslator(old)
    _kept.clear()
    locale = QLocale(language) if language else QLocale.system()
    QLocale.setDefault(locale)
    qt = QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)
    for name, folder in (("qtbase", qt), ("imsys", str(FOLDER))):
        translator = QTranslator()
        if translator.load(locale, name, "_", folder):
            application.installTranslator(translator)
            _kept.append(translator)
    application.setLayoutDirection(
        locale.textDirection() if language else Qt.LayoutDirection.LayoutDirectionAuto
    )
