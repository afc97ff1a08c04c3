"""What `make demo` runs: the sample app deployed, changed, failing and destroyed, step by step."""

from __future__ import annotations
