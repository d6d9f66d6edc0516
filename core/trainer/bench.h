// SPDX-License-Identifier: GPL-3.0-or-later
// The measured side of `ratchet bench`: trains, generates or multiplies matrices on request and tells how long it took.
// Runs in a ratchet-learner process of its own, beside a peer that speaks the same lines.
#pragma once

namespace ratchet
{

// Speaks JSON lines over a connected descriptor until its end. The first line is what to measure:
//   {"kind": "train", "threads", "seed", "domain", "corpus", "genome"}       steps of Trainer
//   {"kind": "generate", "threads", "domain", "corpus", "genome", "weights", "prompts", "tokens"}   answers of Answerer
//   {"kind": "peak", "threads"}                                               products of 1024 x 1024 matrices (a GPU: 8192)
//   {"kind": "prepare", "batches", "weights", ... as train}   writes a "train" case's first weights and batches for a peer
//                                   ("batches": 0: weights whose end token is never the likeliest, for "generate")
// Each may carry "device" and "precision" (core/model/placement.h; the CPU and fp32 unless it does) and "tokenizer". It is
// answered with {"ready": true, "length", "flops" (a token)} or {"error": text}. Every further line {"run": n} is answered
// with {"seconds", "cpu", "tokens"} and "losses", "texts" (bytes in hexadecimal) or "gflops". Returns the exit status.
[[nodiscard]] int benchMain(int descriptor);

} // namespace ratchet
