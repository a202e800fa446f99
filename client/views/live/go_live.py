"""Going live: a dialog that asks what to show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QButtonGroup,
    QCheckBox,
    QComboBox,
    QDialog,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QRadioButton,
    QVBoxLayout,
    QWidget,
)

from client.platform.capture import Device
from client.theme import Theme
from client.theme.tokens import GAP, HUGE, SMALL, VIDEO, WIDE
from client.video.commands import QUALITIES
from client.viewmodels.going_live import TITLE_MOST, GoingLive, Source, Step


class GoLiveDialog(QDialog):
    """Asks; accepted when it is live."""

    def __init__(
        self, theme: Theme, going: GoingLive, parent: QWidget | None = None, *, title: str = ""
    ) -> None:
        super().__init__(parent)
        self.going = going
        self.setWindowTitle(self.tr("Go live"))
        self.title = QLineEdit(title)
        self.title.setMaxLength(TITLE_MOST)
        self.title.setPlaceholderText(self.tr("What is it about?"))
        self.sources = {
            Source.CAMERA: QRadioButton(self.tr("Camera")),
            Source.SCREEN: QRadioButton(self.tr("Screen")),
            Source.FILE: QRadioButton(self.tr("File")),
        }
        group = QButtonGroup(self)
        row = QHBoxLayout()
        row.setSpacing(WIDE)
        for source, button in self.sources.items():
            group.addButton(button)
            row.addWidget(button)
            button.toggled.connect(self._switch)
            button.setAccessibleDescription(source.value)
        row.addStretch()
        self.device = QComboBox()
        self.device.setAccessibleName(self.tr("Device"))
        self.path: Path | None = None
        self.file = QPushButton(self.tr("Choose a file …"))
        self.file.clicked.connect(self._choose)
        self.microphone = QComboBox()
        self.quality = QComboBox()
        for quality in QUALITIES:
            self.quality.addItem(f"{quality.height}p · {quality.bits / 1e6:g} Mbit/s", quality)
        self.quality.setCurrentIndex(1)
        self.record = QCheckBox(self.tr("Keep a recording in the conversation"))
        self.problem = QLabel()
        self.problem.setProperty("role", "danger")
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.start = QPushButton(self.tr("Go live"))
        self.start.setProperty("kind", "primary")
        self.start.setDefault(True)
        self.start.clicked.connect(self._start)
        cancel = QPushButton(self.tr("Cancel"))
        cancel.setAutoDefault(False)
        cancel.clicked.connect(self.reject)
        self._form = form = QFormLayout()
        form.setVerticalSpacing(GAP)
        form.setHorizontalSpacing(WIDE)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeading | Qt.AlignmentFlag.AlignVCenter)
        form.addRow(self.tr("&Title"), self.title)
        form.addRow(self.tr("Show"), row)
        form.addRow(self.tr("&Device"), self.device)
        form.addRow(self.tr("&File"), self.file)
        form.addRow(self.tr("&Microphone"), self.microphone)
        form.addRow(self.tr("&Quality"), self.quality)
        form.addRow("", self.record)
        buttons = QHBoxLayout()
        buttons.setSpacing(SMALL)
        buttons.addStretch()
        buttons.addWidget(cancel)
        buttons.addWidget(self.start)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(HUGE, HUGE, HUGE, HUGE)
        layout.setSpacing(WIDE)
        layout.addLayout(form)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        self.setMinimumWidth(theme.px(VIDEO[0]))
        self._listed = False
        self._end = going.changed.subscribe(lambda _: self._refresh())
        self.sources[Source.CAMERA].setChecked(True)
        self._refresh()
        going.look()

    @property
    def source(self) -> Source:
        """What is to be shown."""
        return next((source for source, button in self.sources.items() if button.isChecked()), Source.CAMERA)

    def set_path(self, path: Path) -> None:
        """This file is to be shown."""
        self.path = path
        self.file.setText(
            self.fontMetrics().elidedText(path.name, Qt.TextElideMode.ElideMiddle, VIDEO[0] // 2)
        )
        self.sources[Source.FILE].setChecked(True)
        self._refresh()

    def done(self, result: int) -> None:
        self._end()
        if result != int(QDialog.DialogCode.Accepted):
            self.going.close()
        super().done(result)

    def _choose(self) -> None:
        """Not the static function, which would run a loop of its own."""
        dialog = QFileDialog(self, self.tr("Choose a film"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [
                self.tr("Films") + " (*.mp4 *.mkv *.webm *.mov *.avi *.flv *.ts *.m4v)",
                self.tr("All files") + " (*)",
            ]
        )
        dialog.fileSelected.connect(lambda chosen: self.set_path(Path(chosen)))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _switch(self, on: bool) -> None:
        if on:
            self.going.reconsider()
            self._refresh()

    def _start(self) -> None:
        self.going.start(
            self.title.text(),
            self.source,
            self.device.currentData(),
            self.microphone.currentData(),
            self.path,
            self.quality.currentData(),
            record=self.record.isChecked(),
        )

    def _fill(self, box: QComboBox, devices: Sequence[Device]) -> None:
        before = box.currentText()
        box.clear()
        ours = {"Whole screen": self.tr("Whole screen"), "Default microphone": self.tr("Default microphone")}
        for device in devices:
            box.addItem(ours.get(device.title, device.title), device)
        box.setCurrentIndex(max(0, box.findText(before)))

    def _refresh(self) -> None:
        going, source = self.going, self.source
        if going.step is Step.LIVE:
            return self.accept()
        devices = going.devices
        if going.listed and not self._listed:
            self._listed = True
            self._fill(self.microphone, devices.microphones)
            self.microphone.addItem(self.tr("No sound"), None)
            if not devices.cameras and not self.path:
                self.sources[Source.SCREEN if devices.screens else Source.FILE].setChecked(True)
            source = self.source
        if source is not Source.FILE:
            self._fill(self.device, devices.cameras if source is Source.CAMERA else devices.screens)
        self._form.setRowVisible(self.device, source is not Source.FILE)
        self._form.setRowVisible(self.microphone, source is not Source.FILE)
        self._form.setRowVisible(self.file, source is Source.FILE)
        self.device.setEnabled(self.device.count() > 0)
        starting = going.step is Step.STARTING
        wrong = going.sentence
        if not wrong and self._listed and source is not Source.FILE and not self.device.count():
            wrong = going.wrong("-", source, None, None)
        self.problem.setText(wrong)
        self.problem.setVisible(bool(wrong))
        self.start.setEnabled(not starting)
        self.start.setText(self.tr("Starting …") if starting else self.tr("Go live"))
        for widget in (
            self.title,
            self.device,
            self.file,
            self.microphone,
            self.quality,
            self.record,
            *self.sources.values(),
        ):
            widget.setEnabled(not starting and (widget is not self.device or self.device.count() > 0))
        return None
