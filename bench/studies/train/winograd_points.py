#!/usr/bin/env python3
"""Rounding error of Winograd's F(4x4, 3x3) in float32 for pairs of points 0, +-a, +-b, infinity.

python3 bench/studies/train/winograd_points.py
"""

import numpy as np

CHANNELS, TILES = 64, 256


def matrices(a: float, b: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A', G and B' of the Toom-Cook construction."""
    points = [0.0, a, -a, b, -b]
    at, g, bt = np.zeros((4, 6)), np.zeros((6, 3)), np.zeros((6, 6))
    every = np.array([1.0])
    for j, p in enumerate(points):
        others = np.array([1.0])
        for q in points:
            if q != p:
                others = np.convolve(others, [1, -q])
        at[:, j] = [p**i for i in range(4)]
        g[j] = [p**i / np.prod([p - q for q in points if q != p]) for i in range(3)]
        bt[j, :5] = others[::-1]
        every = np.convolve(every, [1, -p])
    at[3, 5] = g[5, 2] = 1
    bt[5] = every[::-1]
    return at, g, bt


def both_sides(matrix: np.ndarray, x: np.ndarray) -> np.ndarray:
    m = matrix.astype(x.dtype)
    return np.einsum("lk,ik...->il...", m, np.einsum("ij,jk...->ik...", m, x))


def winograd(at, g, bt, d, w, dy):
    u, v, e = both_sides(g, w), both_sides(bt, d), both_sides(at.T, dy)
    return (
        both_sides(at, np.einsum("ijco,ijct->ijot", u, v, optimize=True)),
        both_sides(bt.T, np.einsum("ijco,ijot->ijct", u, e, optimize=True)),
        both_sides(g.T, np.einsum("ijct,ijot->ijco", v, e, optimize=True)),
    )


def direct(d, w, dy):
    y = np.zeros((4, 4, CHANNELS, TILES), d.dtype)
    dd, dw = np.zeros_like(d), np.zeros_like(w)
    for i, j, u, v in np.ndindex(4, 4, 3, 3):
        y[i, j] += w[u, v].T @ d[i + u, j + v]
        dd[i + u, j + v] += w[u, v] @ dy[i, j]
        dw[u, v] += d[i + u, j + v] @ dy[i, j].T
    return y, dd, dw


def main() -> None:
    random = np.random.default_rng(0)
    d = np.maximum(random.standard_normal((6, 6, CHANNELS, TILES)), 0)
    w = random.standard_normal((3, 3, CHANNELS, CHANNELS)) * 0.06
    dy = random.standard_normal((4, 4, CHANNELS, TILES))
    single = [x.astype(np.float32) for x in (d, w, dy)]
    want = direct(d, w, dy)

    def show(name: str, got) -> None:
        errors = [np.linalg.norm(a - b) / np.linalg.norm(b) for a, b in zip(got, want, strict=True)]
        print(f"{name:<24}", *(f"{e:.2e}" for e in errors))

    print(f"{'points':<24} output   input    weights")
    for a, b in [(1, 2), (1, 0.5), (0.5**0.5, 2**0.5), (0.75, 1.5), (2 / 3, 1.5), (0.625, 1.5)]:
        show(f"0, +-{a:.4g}, +-{b:.4g}", winograd(*matrices(a, b), *single))
    show("sum of products", direct(*single))


if __name__ == "__main__":
    main()
