#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""The loss of a step and its gradient in plain double precision, written from the papers and not from core/trainer:
label smoothing (Szegedy 2016), z-loss (PaLM, Chowdhery 2022), soft targets of teachers (Hinton 2015); and the loss of
preferences (DPO, Rafailov 2023, eq. 7).

Prints the C++ tables that tests/learn/tst_loss.cpp holds; the gradient is a central difference of the loss. Needs
nothing but Python 3.
"""
import math

ROWS, TOKENS = 3, 4
TARGETS = [2, None, 0]      # the second row has no target
STEP = 1e-5


def logits():
    return [[2 * math.sin(1 + TOKENS * r + t) for t in range(TOKENS)] for r in range(ROWS)]


def teacher(number):
    return [[1.5 * math.cos(number + 0.7 * (TOKENS * r + t)) for t in range(TOKENS)] for r in range(ROWS)]


def log_normaliser(row):
    top = max(row)
    return top + math.log(sum(math.exp(value - top) for value in row))


def softmax(row, temperature):
    scaled = [value / temperature for value in row]
    normaliser = log_normaliser(scaled)
    return [math.exp(value - normaliser) for value in scaled]


def taught(temperature, teachers):
    """Mean of the teachers' probabilities, row by row."""
    tables = [[softmax(row, temperature) for row in teacher(number)] for number in teachers]
    return [[sum(table[r][t] for table in tables) / len(tables) for t in range(TOKENS)] for r in range(ROWS)]


def loss(x, smoothing, z, weight, temperature, teachers):
    total, count = 0.0, 0
    soft = taught(temperature, teachers) if weight > 0 else None
    for r, target in enumerate(TARGETS):
        if target is None:
            continue
        count += 1
        normaliser = log_normaliser(x[r])
        label = 0.0
        for t in range(TOKENS):
            share = smoothing / TOKENS + (1 - smoothing if t == target else 0)
            label -= share * (x[r][t] - normaliser)
        divergence = 0.0
        if weight > 0:
            student = softmax(x[r], temperature)
            divergence = sum(p * math.log(p / q) for p, q in zip(soft[r], student))
        total += (1 - weight) * label + weight * temperature ** 2 * divergence + z * normaliser ** 2
    return total / count


def gradient(x, *options):
    result = []
    for r in range(ROWS):
        for t in range(TOKENS):
            values = []
            for sign in (1, -1):
                moved = [list(row) for row in x]
                moved[r][t] += sign * STEP
                values.append(loss(moved, *options))
            result.append((values[0] - values[1]) / (2 * STEP))
    return result


# Two pairs: chosen, rejected, chosen, rejected; two places in a row, of the second row one without a target.
PAIR_TOKENS = 3
PAIR_TARGETS = [[2, 0], [None, 1], [0, 0], [1, 2]]
PARENT = [[-0.7, -1.1], [-2.0, -0.4]]       # its log-probabilities of chosen and rejected


def pair_logits():
    return [2 * math.sin(1 + i) for i in range(len(PAIR_TARGETS) * 2 * PAIR_TOKENS)]


def preference(x, beta):
    """Mean of -log sigmoid(beta log(p(w) / p_ref(w)) - beta log(p(l) / p_ref(l)))."""
    log_probabilities = []
    for row, targets in enumerate(PAIR_TARGETS):
        total = 0.0
        for place, target in enumerate(targets):
            at = (2 * row + place) * PAIR_TOKENS
            if target is not None:
                total += x[at + target] - log_normaliser(x[at:at + PAIR_TOKENS])
        log_probabilities.append(total)
    total = 0.0
    for pair, (chosen_before, rejected_before) in enumerate(PARENT):
        chosen = beta * (log_probabilities[2 * pair] - chosen_before)
        rejected = beta * (log_probabilities[2 * pair + 1] - rejected_before)
        total += -math.log(1 / (1 + math.exp(-(chosen - rejected))))
    return total / len(PARENT)


def preference_gradient(x, beta):
    result = []
    for i in range(len(x)):
        values = [preference([v + sign * STEP * (j == i) for j, v in enumerate(x)], beta) for sign in (1, -1)]
        result.append((values[0] - values[1]) / (2 * STEP))
    return result


CASES = {
    "plain": (0.0, 0.0, 0.0, 1.0, ()),
    "smoothed": (0.1, 0.0, 0.0, 1.0, ()),
    "normalised": (0.0, 0.01, 0.0, 1.0, ()),
    "distilled": (0.0, 0.0, 0.7, 2.0, (1,)),
    "onlyTaught": (0.0, 0.0, 1.0, 1.0, (1,)),
    "everything": (0.2, 0.05, 0.5, 3.0, (1, 2)),
}

if __name__ == "__main__":
    for name, options in CASES.items():
        numbers = ", ".join(f"{value:.9f}" for value in gradient(logits(), *options))
        print(f"const Expected {name}{{{loss(logits(), *options):.9f}, {{{numbers}}}}};")
    for name, beta in {"closePreference": 0.1, "loosePreference": 2.0}.items():
        numbers = ", ".join(f"{value:.9f}" for value in preference_gradient(pair_logits(), beta))
        print(f"const Expected {name}{{{preference(pair_logits(), beta):.9f}, {{{numbers}}}}};")
