"""The style sheet: what Qt's own controls look like, made from tokens.

Roles are said by properties: ``kind`` of a ``QPushButton`` (``primary``, ``danger``, ``flat``, ``row``,
``tab``), ``role`` of a ``QLabel`` (``title``, ``display``, ``second``, ``meta``, ``online``, ``danger``, ``good``),
``ground`` of a ``QWidget`` (``window``, ``list``, ``conversation``, ``float``), ``card`` of a ``QFrame``
(``plain``, ``pressable``).
"""

from __future__ import annotations

from collections.abc import Callable

from client.theme.tokens import (
    CONTROL,
    FOCUS,
    GAP,
    RADIUS,
    RADIUS_SMALL,
    SCROLL_BAR,
    SCROLL_THUMB_LEAST,
    SMALL,
    TARGET,
    TIGHT,
    Colours,
    Font,
)


def sheet(c: Colours[str], px: Callable[[float], int], image: Callable[[str, str], str]) -> str:
    """For one scheme.

    :param px: gives sizes at the text scale.
    :param image: the path of an icon in a colour.
    """
    line = px(CONTROL) - 2
    pad = px(GAP)
    return f"""
QWidget {{ color: {c.text}; }}
QMainWindow, QDialog, QWidget[ground="window"] {{ background: {c.window}; }}
QWidget[ground="list"] {{ background: {c.list}; }}
QWidget[ground="conversation"] {{ background: {c.conversation}; }}
QWidget[ground="float"] {{ background: {c.float}; border: 1px solid {c.hairline}; border-radius: {RADIUS}px; }}
QFrame[line="true"] {{ background: {c.hairline}; border: none; max-height: 1px; min-height: 1px; }}

QFrame[card="plain"] {{ border-radius: {RADIUS}px; }}
QFrame[card="pressable"] {{ border: {FOCUS}px solid {c.list}; border-radius: {RADIUS}px; }}
QFrame[card="pressable"]:hover {{ background: {c.hover}; border-color: {c.hover}; }}
QFrame[card="pressable"]:focus {{ border-color: {c.accent}; }}
QLabel {{ background: transparent; }}
QLabel[role="title"] {{ font-size: {px(Font.TITLE.size)}px; font-weight: 600; }}
QLabel[role="display"] {{ font-size: {px(Font.DISPLAY.size)}px; font-weight: 600; }}
QLabel[role="strong"] {{ font-weight: 600; }}
QLabel[role="second"] {{ color: {c.second}; }}
QLabel[role="meta"] {{ color: {c.second}; font-size: {px(Font.META.size)}px; }}
QLabel[role="doing"] {{ color: {c.accent_text}; font-size: {px(Font.META.size)}px; }}
QLabel[role="online"] {{ color: {c.good}; font-size: {px(Font.META.size)}px; }}
QLabel[role="danger"] {{ color: {c.danger}; }}
QLabel[role="warning"] {{ color: {c.warning}; }}
QLabel[role="good"] {{ color: {c.good}; }}
QLabel[role="code"] {{ font-family: monospace; }}

QPushButton {{
    background: {c.window}; color: {c.text}; border: 1px solid {c.control}; border-radius: {RADIUS}px;
    padding: 0 {pad}px; min-height: {line}px; font-weight: 600;
}}
QPushButton:hover {{ background: {c.hover}; }}
QPushButton:pressed {{ background: {c.press}; }}
QPushButton:focus {{ border: {FOCUS}px solid {c.accent}; padding: 0 {pad - 1}px; min-height: {line - 2}px; }}
QPushButton:disabled {{ color: {c.disabled}; border-color: {c.hairline}; }}
QPushButton[kind="primary"] {{ background: {c.accent}; color: {c.on_accent}; border: 1px solid {c.accent}; }}
QPushButton[kind="primary"]:hover {{ background: {c.accent_hover}; }}
QPushButton[kind="primary"]:pressed {{ background: {c.accent_press}; }}
QPushButton[kind="primary"]:focus {{ border: {FOCUS}px solid {c.text}; }}
QPushButton[kind="primary"]:disabled {{ background: {c.hairline}; color: {c.disabled}; border-color: {c.hairline}; }}
QPushButton[kind="danger"] {{ color: {c.danger}; border-color: {c.danger}; }}
QPushButton[kind="danger"]:focus {{ border: {FOCUS}px solid {c.accent}; }}
QPushButton[kind="danger"]:disabled {{ color: {c.disabled}; border-color: {c.hairline}; }}
QPushButton[kind="flat"] {{ background: transparent; color: {c.accent_text}; border: 1px solid transparent; padding: 0 {px(SMALL)}px; }}
QPushButton[kind="flat"]:hover {{ background: {c.hover}; }}
QPushButton[kind="flat"]:pressed {{ background: {c.press}; }}
QPushButton[kind="flat"]:focus {{ border: {FOCUS}px solid {c.accent}; padding: 0 {px(SMALL) - 1}px; }}
QPushButton[kind="flat"]:disabled {{ color: {c.disabled}; }}

QPushButton[kind="row"] {{
    background: transparent; border: 1px solid transparent; padding: 0 {pad}px; text-align: left; font-weight: 400;
}}
QPushButton[kind="row"]:hover {{ background: {c.hover}; }}
QPushButton[kind="row"]:pressed, QPushButton[kind="row"]:checked {{ background: {c.selected}; }}
QPushButton[kind="row"]:focus {{ border: {FOCUS}px solid {c.accent}; padding: 0 {pad - 1}px; }}

QPushButton[kind="tab"] {{
    background: transparent; border: 1px solid transparent; padding: 0 {pad}px; min-height: {px(TARGET) - 2}px; color: {c.second};
}}
QPushButton[kind="tab"]:hover {{ background: {c.hover}; }}
QPushButton[kind="tab"]:checked {{ background: {c.selected}; color: {c.accent_text}; }}
QPushButton[kind="tab"]:focus {{ border: {FOCUS}px solid {c.accent}; padding: 0 {pad - 1}px; min-height: {px(TARGET) - 4}px; }}

QToolButton {{ background: transparent; border: {FOCUS}px solid transparent; border-radius: {RADIUS}px; padding: 0; }}
QToolButton:hover {{ background: {c.hover}; }}
QToolButton:pressed, QToolButton:checked {{ background: {c.press}; }}
QToolButton:focus {{ border-color: {c.accent}; }}
QToolButton::menu-indicator {{ image: none; }}

QAbstractScrollArea {{ border: none; background: transparent; }}
QLineEdit, QPlainTextEdit, QTextEdit, QComboBox, QSpinBox, QDateEdit, QTimeEdit {{
    background: {c.window}; color: {c.text}; border: 1px solid {c.control}; border-radius: {RADIUS}px;
    padding: 0 {px(SMALL)}px; selection-background-color: {c.selection}; selection-color: {c.text};
}}
QLineEdit, QComboBox, QSpinBox, QDateEdit, QTimeEdit {{ min-height: {line}px; }}
QPlainTextEdit, QTextEdit {{ padding: {TIGHT}px {px(SMALL) - 2}px; }}
QLineEdit:focus, QPlainTextEdit:focus, QTextEdit:focus, QComboBox:focus, QSpinBox:focus, QDateEdit:focus, QTimeEdit:focus {{
    border: {FOCUS}px solid {c.accent};
}}
QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDateEdit:focus, QTimeEdit:focus {{
    min-height: {line - 2}px; padding: 0 {px(SMALL) - 1}px;
}}
QTimeEdit::up-button, QTimeEdit::down-button {{ width: 0; border: none; }}
QPlainTextEdit:focus, QTextEdit:focus {{ padding: {TIGHT - 1}px {px(SMALL) - 3}px; }}
QLineEdit[wrong="true"] {{ border-color: {c.danger}; }}
QLineEdit:disabled, QPlainTextEdit:disabled, QComboBox:disabled {{ color: {c.disabled}; border-color: {c.hairline}; }}
QLineEdit[bare="true"], QPlainTextEdit[bare="true"], QPlainTextEdit[bare="true"]:focus, QLineEdit[bare="true"]:focus {{
    border: none; background: transparent; padding: 0; min-height: 0;
}}
QComboBox::drop-down, QDateEdit::drop-down {{ border: none; width: {px(TARGET) - 8}px; }}
QComboBox::down-arrow, QDateEdit::down-arrow {{ image: url("{image("chevron-down", c.second)}"); width: {px(16)}px; height: {px(16)}px; }}
QComboBox QAbstractItemView {{
    background: {c.float}; border: 1px solid {c.hairline}; selection-background-color: {c.selected}; selection-color: {c.text};
    outline: none;
}}

QCheckBox, QRadioButton {{ spacing: {SMALL}px; min-height: {px(TARGET)}px; background: transparent; }}
QCheckBox::indicator, QRadioButton::indicator, QMenu::indicator, QListWidget::indicator {{
    width: {px(16)}px; height: {px(16)}px; border: 1px solid {c.control}; border-radius: {RADIUS_SMALL}px; background: {c.window};
}}
QRadioButton::indicator {{ border-radius: {px(16) // 2 + 1}px; }}
QCheckBox::indicator:hover, QRadioButton::indicator:hover {{ background: {c.hover}; }}
QCheckBox::indicator:checked, QMenu::indicator:checked, QListWidget::indicator:checked {{
    background: {c.accent}; border-color: {c.accent}; image: url("{image("check", c.on_accent)}");
}}
QRadioButton::indicator:checked {{ border-color: {c.accent}; background: qradialgradient(cx:0.5, cy:0.5, radius:0.5, fx:0.5, fy:0.5,
    stop:0 {c.accent}, stop:0.55 {c.accent}, stop:0.62 {c.window}, stop:1 {c.window}); }}
QCheckBox:focus, QRadioButton:focus {{ color: {c.accent_text}; }}
QCheckBox:disabled, QRadioButton:disabled {{ color: {c.disabled}; }}

QListView, QTreeView, QTableView {{ background: {c.window}; border: none; outline: none; selection-color: {c.text};
    selection-background-color: {c.selected}; }}
QListView[bare="true"] {{ background: transparent; }}
QHeaderView::section {{ background: {c.window}; color: {c.second}; border: none; border-bottom: 1px solid {c.hairline};
    padding: {TIGHT}px {SMALL}px; }}

QScrollBar:vertical {{ background: transparent; width: {SCROLL_BAR}px; margin: 0; }}
QScrollBar:horizontal {{ background: transparent; height: {SCROLL_BAR}px; margin: 0; }}
QScrollBar::handle {{ background: {c.control}; border-radius: 3px; margin: 2px; }}
QScrollBar::handle:vertical {{ min-height: {SCROLL_THUMB_LEAST}px; }}
QScrollBar::handle:horizontal {{ min-width: {SCROLL_THUMB_LEAST}px; }}
QScrollBar::handle:hover, QScrollBar::handle:pressed {{ background: {c.second}; }}
QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}

QMenu {{ background: {c.float}; border: 1px solid {c.hairline}; border-radius: {RADIUS}px; padding: {TIGHT}px; }}
QMenu::item {{ padding: {px(6)}px {px(24)}px {px(6)}px {px(10)}px; border-radius: {RADIUS_SMALL}px; }}
QMenu::item:selected {{ background: {c.selected}; }}
QMenu::item:disabled {{ color: {c.disabled}; }}
QMenu::icon {{ padding-left: {SMALL}px; }}
QMenu::separator {{ height: 1px; background: {c.hairline}; margin: {TIGHT}px {SMALL}px; }}
QMenuBar {{ background: {c.window}; }}
QMenuBar::item:selected {{ background: {c.hover}; }}
QToolTip {{ background: {c.float}; color: {c.text}; border: 1px solid {c.hairline}; padding: {TIGHT}px {SMALL}px;
    font-size: {px(Font.BODY.size)}px; }}

QTabBar::tab {{ background: transparent; color: {c.second}; padding: {SMALL}px {pad}px; border-bottom: 2px solid transparent; }}
QTabBar::tab:hover {{ color: {c.text}; }}
QTabBar::tab:selected {{ color: {c.accent_text}; border-bottom-color: {c.accent}; }}
QTabBar::tab:focus {{ color: {c.text}; border-bottom-color: {c.text}; }}
QTabWidget::pane {{ border: none; border-top: 1px solid {c.hairline}; }}

QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {c.hairline}; }}
QSlider::sub-page:horizontal {{ height: 4px; border-radius: 2px; background: {c.accent}; }}
QSlider::handle:horizontal {{ width: 14px; height: 14px; margin: -5px 0; border-radius: 7px; background: {c.accent}; }}
QSlider::handle:horizontal:focus {{ background: {c.text}; }}
QProgressBar {{ border: none; border-radius: 2px; background: {c.hairline}; max-height: 4px; min-height: 4px; }}
QProgressBar::chunk {{ border-radius: 2px; background: {c.accent}; }}
QSplitter::handle {{ background: {c.hairline}; }}
QSplitter::handle:horizontal {{ width: 1px; }}
QSplitter::handle:hover {{ background: {c.accent}; }}
QGroupBox {{ border: 1px solid {c.hairline}; border-radius: {RADIUS}px; margin-top: {px(Font.BODY.size)}px; padding: {pad}px; }}
QGroupBox::title {{ subcontrol-origin: margin; left: {GAP}px; color: {c.second}; }}
"""
