"""What the settings of one account work with."""

from __future__ import annotations

from client.core.ports import Account
from client.viewmodels.devices import Devices
from client.viewmodels.own_profile import OwnProfile
from client.viewmodels.privacy import PrivacyPresenter


class AccountSettings:
    """My card and what is kept here, my devices, and who may do and see what."""

    def __init__(self, account: Account) -> None:
        self.own = OwnProfile(account)
        self.devices = Devices(account)
        self.privacy = PrivacyPresenter(account)

    def close(self) -> None:
        """Hear no more."""
        self.own.close()
        self.devices.close()
        self.privacy.close()
