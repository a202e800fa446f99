"""Cutting an avatar out of a picture."""

from client.views.cropper.dialog import CropDialog, crop_with

__all__ = ["CropDialog", "crop_with"]
