# Made by tools/make_stubs.py: edit the notebooks, not this file.
from typing import Any

__all__ = ["MAKE_DATA", "TRUTH", "DEMO_FILES", "DEMO_STEPS", "print_found", "run_demo"]

MAKE_DATA: Any
TRUTH: Any
DEMO_FILES: Any
DEMO_STEPS: Any
def print_found(found: Any) -> None: ...
def run_demo(folder: Any, command: Any) -> Any: ...
