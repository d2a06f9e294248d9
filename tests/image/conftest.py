"""The build's modules are scripts' and in no package: `image` is packaging/image."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "packaging"))
