"""Tells imsys of the dice."""

from imsys.plugins import ChatFeature

dice = ChatFeature("dice", "imsys_dice.feature")
