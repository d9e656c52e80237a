"""What the README shows is what pgtls says."""

from __future__ import annotations

import re
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
README = (CHECKOUT / "README.md").read_text()


def test_the_screen_is_the_storys() -> None:
    """The console block is the story's own screen, to the letter."""
    (block,) = re.findall(r"```console\n\$ [^\n]+\n(.*?)```", README, re.DOTALL)
    assert block == (CHECKOUT / "captures" / "sibling-verify-full" / "expected.txt").read_text()


def test_the_python_runs(capsys, monkeypatch) -> None:
    """The example accepts nothing without knowing the roots, and says why."""
    monkeypatch.chdir(CHECKOUT)
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})  # noqa: S102
    assert capsys.readouterr().out.startswith("cannot_tell ")


def test_every_link_leads_somewhere() -> None:
    """Files that the README names are there."""
    for target in re.findall(r"\]\(([^)]+)\)", README):
        assert (CHECKOUT / target).exists(), target
