"""PyTorch: schedules inside a Dataset or a DataLoader, with the epoch known to every worker process.

    epoch = popaug.torch.Epoch(total=30)      # the length of your training: the schedule is stretched to it
    loader = popaug.torch.loader(dataset, schedule, epoch, batch_size=128, shuffle=True, num_workers=2, mean=mean, std=std)
    for number in range(first_epoch, 30):
        epoch.set(number)                     # the one line
        for images, labels in loader:
            ...

Without worker processes, where popaug can read the images itself:

    train = popaug.torch.Loader("set.popaug", schedule, 128, epochs=30, shuffle=True, mean=mean, std=std)
    for number in range(30):
        for images, labels in train:          # each loop is the next epoch
            ...

How an image is keyed. The sampler runs in the main process. EpochSampler, which loader() puts there, gives each index
the epoch of the pass and how often the image was drawn before in it. Both travel to the workers inside the index (Key),
so neither the time at which a worker starts nor the number of workers can change a draw.

Where a framework makes the sampler itself, plain indices arrive. Then the epoch is read from the Epoch, whose value lies
in memory that worker processes share: one set() reaches workers that already run.
"""

from popaug.torch._augment import Augmented, Transform
from popaug.torch._collate import Collate
from popaug.torch._epoch import Epoch
from popaug.torch._keys import EpochSampler, Indexed, Key
from popaug.torch._loader import loader
from popaug.torch._mixing import MixedLabels, mixed_cross_entropy
from popaug.torch._thread_loader import Loader
from popaug.torch._torchvision import AutoAugment, RandAugment, TrivialAugmentWide

__all__ = [
    "Augmented",
    "AutoAugment",
    "Collate",
    "Epoch",
    "EpochSampler",
    "Indexed",
    "Key",
    "Loader",
    "MixedLabels",
    "RandAugment",
    "Transform",
    "TrivialAugmentWide",
    "loader",
    "mixed_cross_entropy",
]
