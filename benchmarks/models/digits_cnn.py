"""A small network for the digits in ``labelled.digits``, trained in seconds. Needs torch; to train, scikit-learn."""

from __future__ import annotations

import torch
from labelled import digits
from torch import nn

from models import training
from models.weights import seeded

SEED = 4
EPOCHS = 8
BATCH = 32
LEARNING_RATE = 0.006
CLASSES = 10


def _convolution(given: int, channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(given, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU(inplace=True)
    )


class DigitsCnn(nn.Module):
    """Three convolutions, the last at half the resolution, and the mean over the image before the classes."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _convolution(1, 16), _convolution(16, 32), nn.MaxPool2d(2), _convolution(32, 64), nn.AdaptiveAvgPool2d(1)
        )
        self.classifier = nn.Linear(64, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Logits [n, 10] of images [n, 1, 8, 8] in 0..1."""
        return self.classifier(self.features(x).flatten(1))


def architecture() -> DigitsCnn:
    """The network as torch initialises it."""
    return DigitsCnn()


def train(epochs: int = EPOCHS) -> DigitsCnn:
    """The network fitted to the training images, in evaluation mode: the same for a seed and a version of torch.

    Raises:
        FrameworkError: scikit-learn is not installed.
    """
    given = digits.training()
    images, labels = torch.from_numpy(given.images), torch.from_numpy(given.labels)
    with seeded(SEED):
        made = architecture().train()
        optimiser = torch.optim.AdamW(made.parameters(), weight_decay=0.01)
        batches = -(-len(images) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, total_steps=epochs * batches)
        for _ in range(epochs):
            for chosen in torch.randperm(len(images)).split(BATCH):
                optimiser.zero_grad()
                nn.functional.cross_entropy(made(images[chosen]), labels[chosen]).backward()
                optimiser.step()
                schedule.step()
    return made.eval()


def network() -> DigitsCnn:
    """The trained network in evaluation mode; trained now, in another process, where the cache has no weights."""
    return training.filled(architecture(), "digits-cnn").eval()
