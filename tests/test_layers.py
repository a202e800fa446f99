"""What the import contracts in setup.cfg cannot say."""

from __future__ import annotations

import ast
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grimp
from twisted.trial.unittest import SynchronousTestCase

from tests.support.daemons import ROOT, environment


def sources(*folders: str) -> Iterator[Path]:
    """Every module of these folders that a person wrote."""
    for folder in folders:
        yield from (path for path in (ROOT / folder).rglob("*.py") if "stubs" not in path.parts)


def imports(tree: ast.AST) -> Iterator[tuple[ast.stmt, str]]:
    """Every imported name, wherever it is imported."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((node, f"{node.module}.{alias.name}") for alias in node.names)


class CircleTests(SynchronousTestCase):
    def test_no_circles(self) -> None:
        """No two modules import each other, by however many others, and be it only for their types."""
        graph = grimp.build_graph(
            "imsys", include_external_packages=False, exclude_type_checking_imports=False
        )
        sorter = graphlib.TopologicalSorter(
            {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}
        )
        try:
            sorter.prepare()
        except graphlib.CycleError as error:
            self.fail(" imports ".join(reversed(error.args[1])))


class ReactorTests(SynchronousTestCase):
    def test_nobody_imports_the_reactor(self) -> None:
        """The reactor comes from outside: only makeService and the entry of a command fetch it, when they are
        called.
        """
        for path in sources("imsys", "client"):
            tree = ast.parse(path.read_text("utf-8"))
            allowed: set[ast.AST] = set()
            for function in ast.walk(tree):
                if isinstance(function, ast.FunctionDef) and function.name in (
                    "makeService",
                    "main",
                    "_main",
                    "_run",
                ):
                    allowed.update(ast.walk(function))
            for node, name in imports(tree):
                if name == "twisted.internet.reactor" and node not in allowed:
                    self.fail(f"{path.relative_to(ROOT)}:{node.lineno} imports the reactor")

    def test_importing_installs_no_reactor(self) -> None:
        """Importing every daemon installs no reactor, so that --reactor still has a choice."""
        code = (
            "import sys, importlib\n"
            "for name in ('all', 'gateway', 'chat', 'balance', 'captcha', 'resources'):\n"
            "    importlib.import_module('imsys.services.' + name)\n"
            "sys.exit('twisted.internet.reactor' in sys.modules)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            cwd=ROOT,
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_codec_without_twisted(self) -> None:
        """The codec and the messages work where there is no Twisted."""
        code = (
            "import sys, importlib, pkgutil\n"
            "sys.modules['twisted'] = None\n"
            "import imsys.protocols.framing, imsys.protocols.messages as messages\n"
            "for module in pkgutil.iter_modules(messages.__path__, messages.__name__ + '.'):\n"
            "    importlib.import_module(module.name)\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            timeout=60,
            env=environment(),
            cwd=ROOT,
        )
        self.assertEqual(done.returncode, 0, done.stderr)


class ScriptTests(SynchronousTestCase):
    def test_scripts_that_catch(self) -> None:
        """A Lua script that catches errors lets those pass that mean the server: else a replica would be
        taken for a master.
        """
        catching = [path for path in sources("imsys") if "pcall(" in path.read_text("utf-8")]
        self.assertGreater(len(catching), 1)
        for path in catching:
            text = path.read_text("utf-8")
            self.assertEqual(text.count("= pcall("), text.count("caught(result)"), path)


class SqlTests(SynchronousTestCase):
    def test_sql_is_in_the_store(self) -> None:
        """All SQL of the servers is in imsys/store.

        The laboratory asks databases what only their operators do, and a bench those of other servers.
        """
        words = ("SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ")
        for path in sources("imsys"):
            if {"store", "lab", "peers"}.intersection(path.relative_to(ROOT).parts):
                continue
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if (
                    isinstance(node, ast.Constant)
                    and isinstance(node.value, str)
                    and node.value.lstrip().startswith(words)
                ):
                    self.fail(f"{path.relative_to(ROOT)}:{node.lineno} holds SQL")


class ShapeTests(SynchronousTestCase):
    def test_test_folders_are_packages(self) -> None:
        """Every folder of tests has an __init__.py: trial passes over those that do not, in silence."""
        for path in (ROOT / "tests").rglob("test_*.py"):
            self.assertTrue((path.parent / "__init__.py").is_file(), path.parent)

    def test_drop_in_folders_are_not(self) -> None:
        """The folders of the drop-in have none: with one, they would hide Twisted's own."""
        for folder in ("twisted", "twisted/plugins"):
            self.assertFalse((ROOT / folder / "__init__.py").exists())
