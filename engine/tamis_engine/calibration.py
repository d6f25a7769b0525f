"""From a cosine, which means something else for every model, to a probability of relevance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Logistic:
    """1 / (1 + exp(-slope * (cosine - midpoint))): a passage at the midpoint is as likely relevant as not."""

    slope: float
    midpoint: float

    def probability(self, cosine: NDArray[np.float32]) -> NDArray[np.float32]:
        """Of relevance, element by element; rises with the cosine."""
        return (1 / (1 + np.exp(-self.slope * (cosine - self.midpoint)))).astype(np.float32)


CALIBRATION = Logistic(slope=8.0, midpoint=0.75)
"""Of the embedded encoder: fitted to sentences of the training parts of HotpotQA, MuSiQue and Evidence Inference."""
