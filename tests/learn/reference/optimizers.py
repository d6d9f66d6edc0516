#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Three steps of AdamW, Lion and Muon in plain double precision, written from the papers and not from core/trainer.

Prints the C++ tables that tests/learn/tst_optimizer.cpp holds. Needs nothing but Python 3.
"""
import math

ROWS, COLUMNS = 4, 3
RATE, DECAY, STEPS = 0.01, 0.1, 3


def start(rows=ROWS, columns=COLUMNS):
    return [[math.sin(1 + columns * r + c) for c in range(columns)] for r in range(rows)]


def gradient(step, rows=ROWS, columns=COLUMNS):
    return [[math.cos(0.5 * (columns * r + c) + step) for c in range(columns)] for r in range(rows)]


def adamw(decay=DECAY, rows=ROWS, columns=COLUMNS):
    p = start(rows, columns)
    m = [[0.0] * columns for _ in range(rows)]
    v = [[0.0] * columns for _ in range(rows)]
    for t in range(1, STEPS + 1):
        g = gradient(t, rows, columns)
        for r in range(rows):
            for c in range(columns):
                m[r][c] = 0.9 * m[r][c] + 0.1 * g[r][c]
                v[r][c] = 0.98 * v[r][c] + 0.02 * g[r][c] ** 2
                unbiased_m = m[r][c] / (1 - 0.9 ** t)
                unbiased_v = v[r][c] / (1 - 0.98 ** t)
                p[r][c] -= RATE * decay * p[r][c] + RATE * unbiased_m / (math.sqrt(unbiased_v) + 1e-8)
    return p


def lion():
    p, m = start(), [[0.0] * COLUMNS for _ in range(ROWS)]
    for t in range(1, STEPS + 1):
        g = gradient(t)
        for r in range(ROWS):
            for c in range(COLUMNS):
                direction = math.copysign(1.0, 0.9 * m[r][c] + 0.1 * g[r][c])
                p[r][c] -= RATE * (direction + DECAY * p[r][c])
                m[r][c] = 0.99 * m[r][c] + 0.01 * g[r][c]
    return p


def times(a, b):
    return [[sum(a[i][k] * b[k][j] for k in range(len(b))) for j in range(len(b[0]))] for i in range(len(a))]


def turned(a):
    return [list(column) for column in zip(*a)]


def orthogonal(matrix):
    tall = len(matrix) > len(matrix[0])
    x = turned(matrix) if tall else [list(row) for row in matrix]
    norm = math.sqrt(sum(value * value for row in x for value in row)) + 1e-7
    x = [[value / norm for value in row] for row in x]
    a, b, c = 3.4445, -4.7750, 2.0315
    for _ in range(5):
        gram = times(x, turned(x))
        squared = times(gram, gram)
        mixed = [[b * gram[i][j] + c * squared[i][j] for j in range(len(gram))] for i in range(len(gram))]
        added = times(mixed, x)
        x = [[a * x[i][j] + added[i][j] for j in range(len(x[0]))] for i in range(len(x))]
    return turned(x) if tall else x


def muon():
    p, m = start(), [[0.0] * COLUMNS for _ in range(ROWS)]
    for t in range(1, STEPS + 1):
        g = gradient(t)
        for r in range(ROWS):
            for c in range(COLUMNS):
                m[r][c] = 0.95 * m[r][c] + 0.05 * g[r][c]
        look_ahead = [[0.05 * g[r][c] + 0.95 * m[r][c] for c in range(COLUMNS)] for r in range(ROWS)]
        update = orthogonal(look_ahead)
        scale = 0.2 * math.sqrt(max(ROWS, COLUMNS))
        for r in range(ROWS):
            for c in range(COLUMNS):
                p[r][c] -= RATE * (DECAY * p[r][c] + scale * update[r][c])
    return p


def show(name, matrix):
    print(f"const std::vector<double> {name}{{" + ", ".join(f"{value:.9f}" for row in matrix for value in row) + "};")


if __name__ == "__main__":
    show("adamMatrix", adamw())
    show("adamVector", adamw(decay=0.0, rows=1))
    show("lionMatrix", lion())
    show("muonMatrix", muon())
