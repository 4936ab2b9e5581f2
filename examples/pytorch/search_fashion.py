"""Searches a schedule around a PyTorch model of your own on Fashion-MNIST: python search_fashion.py RUN [MEMBERS EPOCHS]."""

import gzip
import sys

import numpy as np
import torch
from torch.nn import functional as F

import popaug
import popaug.models

FOLDER = "/usr/share/datasets/fashion-mnist/"  # Debian: dataset-fashion-mnist


def idx(name, skip):
    return np.frombuffer(gzip.open(FOLDER + name).read(), np.uint8, offset=skip)


IMAGES, LABELS = idx("train-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28), idx("train-labels-idx1-ubyte.gz", 8)
MEAN, STD, BATCH = [0.286], [0.353], 100
TEST = torch.from_numpy((IMAGES[1000:2000, None] / 255 - MEAN) / STD).float()


def train_round(member):
    with member.seeded():  # the same initial weights, whatever trains in the other threads
        network = popaug.models.build("wrn-10-1", channels=1)  # or any nn.Module of yours
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1, momentum=0.9, nesterov=True)
    if state := member.load():
        network.load_state_dict(state["network"])
        optimiser.load_state_dict(state["optimiser"])
    for epoch in member:
        order = np.random.default_rng((member.seed, member.index, epoch)).permutation(1000)
        for rows in order.reshape(-1, BATCH):
            x = member.augment(IMAGES[rows], epoch, samples=rows, output="float32", mean=MEAN, std=STD)
            loss = F.cross_entropy(network.train()(torch.from_numpy(x)), torch.from_numpy(LABELS[rows]).long())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    member.save({"network": network.state_dict(), "optimiser": optimiser.state_dict()})
    with torch.no_grad():
        right = network.eval()(TEST).argmax(1).numpy() == LABELS[1000:2000]
    return popaug.Result(right.mean(), {"loss": loss.item()}, right, 1000 * member.epochs, 1000)


if __name__ == "__main__":
    torch.set_num_threads(1)
    out, members, epochs = sys.argv[1], *map(int, sys.argv[2:] or (8, 30))
    space = popaug.Space.load("pba").for_grey()
    print(popaug.search(train_round, space, members, epochs=epochs, out=out, workers=2))
