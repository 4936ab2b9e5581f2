"""Is the learned schedule worth it? Trains it and others under several seeds: python compare_fashion.py OUT [RUN [SEEDS EPOCHS]].

RUN: the run directory of search_fashion.py. The same command resumes a killed comparison.
"""

import sys

import numpy as np
import torch
from search_fashion import BATCH, IMAGES, LABELS, MEAN, STD
from torch.nn import functional as F

import popaug
import popaug.models

TEST = torch.from_numpy((IMAGES[2000:4000, None] / 255 - MEAN) / STD).float()  # nothing was chosen by these


def train(training):
    with training.seeded():  # under one seed, every arm starts from the same weights
        network = popaug.models.build("wrn-10-1", channels=1)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    for epoch in training:
        order = np.random.default_rng((training.seed, epoch)).permutation(1000)
        for rows in order.reshape(-1, BATCH):
            x = training.augment(IMAGES[rows], epoch, samples=rows, output="float32", mean=MEAN, std=STD)
            loss = F.cross_entropy(network.train()(torch.from_numpy(x)), torch.from_numpy(LABELS[rows]).long())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    with torch.no_grad():
        right = network.eval()(TEST).argmax(1).numpy() == LABELS[2000:4000]
    return popaug.Result(right.mean(), images_trained=1000 * training.epochs)


def mirrored(image):  # a transform of your own: uint8 [height, width, channels] in and out
    return image[:, ::-1] if np.random.random() < 0.5 else image


if __name__ == "__main__":
    torch.set_num_threads(1)
    out, run = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
    seeds, epochs = map(int, sys.argv[3:] or (3, 30))
    arms = {"none": "none", "mirrored": mirrored, "flipcrop": "flipcrop", "trivial": "trivial"}
    arms |= {"schedule": popaug.Run.load(run), "last": "last"} if run else {}
    print(popaug.compare(train, arms=arms, seeds=seeds, epochs=epochs, out=out, resume=True, workers=2))
