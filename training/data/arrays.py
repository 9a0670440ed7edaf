"""Names of the arrays that go between the parts of the training."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Values: TypeAlias = npt.NDArray[np.float64]
Samples: TypeAlias = npt.NDArray[np.float64]
"""Of sound, mono, full scale at 1.0, shape ``(samples,)``."""
Mask: TypeAlias = npt.NDArray[np.bool_]
Numbers: TypeAlias = npt.NDArray[np.intp]
Labels: TypeAlias = npt.NDArray[np.generic]
"""What values belong to: texts or numbers."""
