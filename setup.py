"""What setup.cfg cannot say: nothing of an earlier build gets into this one."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py


class BuildFromNothing(build_py):
    """Begins with an empty folder: a module that was removed since the last build would be installed, and a
    feature would be served.
    """

    def run(self):
        """Empty the folder, then fill it. (An editable installation has none.)"""
        if not self.editable_mode:
            shutil.rmtree(self.build_lib, ignore_errors=True)
            for wheel in Path(self.build_lib).parent.glob("bdist.*"):
                shutil.rmtree(wheel)
        super().run()


setup(cmdclass={"build_py": BuildFromNothing})
