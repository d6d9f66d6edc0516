// SPDX-License-Identifier: GPL-3.0-or-later
// What the gate of a lab may err, as the ledger has it: lab.json says what holds from the next run on, the ledger what each question was
// judged by. Recorded by whoever opens a lab to change it; read by summary, report, `ratchet check` and the window. The Store's thread.
#pragma once

#include <string>
#include <vector>

#include "core/store/lab.h"
#include "core/store/store.h"

namespace ratchet {

struct Context;

// The figures that a verdict or a look at the vault rests on, by their names in lab.json; and `finiteData`, whether a corpus shares alpha
// and limits the vault. What comes before the gate (placebos, proxy, audit, reward) changes who is asked about and in which order, which
// its bounds hold for; it stands with the proposals and trials.
[[nodiscard]] Json gateFigures(const LabConfig& config);

struct GateRecord {
    std::string time;              // of the entry, ISO 8601
    Json figures;                  // gateFigures(); alpha and alphaDecay are numbers
    std::vector<int> questions;    // k of those judged by them; controls are none of the lab's questions
};
// Oldest first. Questions of an older lab that were judged before its figures were recorded count to the first.
[[nodiscard]] Result<std::vector<GateRecord>> gateRecords(const Store& store);

// Appends the lab's figures to the ledger when they are not those recorded last; nothing while a lab is being made, whose first entry
// holds them. Only who holds the lab, outside a transaction.
[[nodiscard]] Status recordGate(Context& context);

struct GateChange {
    std::string time;              // ISO 8601
    int questions = 0;             // judged before
    std::string text;              // "alpha 0.05 -> 0.2, gateItems 2000 -> 500"
};
[[nodiscard]] std::vector<GateChange> changesOf(const std::vector<GateRecord>& records);
// What lab.json says otherwise than the last record, which the next run will record; empty when nothing, or when there is no record.
[[nodiscard]] std::string unrecordedChange(const std::vector<GateRecord>& records, const LabConfig& config);
[[nodiscard]] Json toJson(const std::vector<GateRecord>& records);

// Bound on the false discovery rate over all questions, those to come included: the shares alpha * gamma_k (elondAlpha) of the questions
// judged by earlier figures, and of all others by the last. The last one's alpha when they never changed. Holds as e-LOND does when
// the changes were laid down beforehand; one made for what a question under way has shown is bounded by nothing.
[[nodiscard]] double promisedAlpha(const std::vector<GateRecord>& records);   // not empty

} // namespace ratchet
