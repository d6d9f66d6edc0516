// SPDX-License-Identifier: GPL-3.0-or-later
// Records with every field set, for the tests around the store.
#pragma once

#include <string>

#include "core/base/hash.h"
#include "core/store/store.h"

namespace ratchet {

inline Time exampleTime(int seconds)
{
    return Time(std::chrono::milliseconds(1'700'000'000'000 + 1000 * seconds));
}

inline VersionRecord exampleVersion(const std::string& name, std::optional<Hash> parent = {})
{
    VersionRecord version;
    version.hash = hashOf(name);
    version.parent = std::move(parent);
    version.genome = hashOf(name + " genome");
    version.weights = hashOf(name + " weights");
    version.tokenizer = hashOf(name + " tokenizer");
    version.created = exampleTime(1);
    version.generation = version.parent ? 1 : 0;
    version.parameters = 120'000;
    version.origin = version.parent ? "proposal 1" : "seed";
    return version;
}

inline ProposalRecord exampleProposal(const Hash& parent)
{
    ProposalRecord proposal;
    proposal.tooth = 1;
    proposal.created = exampleTime(2);
    proposal.family = "reasoning";
    proposal.operatorName = "answer format reversed";
    proposal.parent = parent;
    proposal.patch = Json::parse(R"([{"op": "replace", "path": "/reasoning/format", "value": "reversed"}])");
    proposal.genome = hashOf("reversed genome");
    proposal.reason = "Carries run from the right.";
    proposal.author = "improver:" + hashOf("improver").hex;
    proposal.predictedGain = 0.25;
    proposal.price = Flops{4e11};
    proposal.rank = 1.5;
    return proposal;
}

inline TrialRecord exampleTrial(Id<ProposalRecord> proposal)
{
    TrialRecord trial;
    trial.proposal = proposal;
    trial.seed = 0xfedcba9876543210U;   // does not fit a signed number
    trial.budget = Flops{4e11};
    trial.stage = "loading";
    trial.platform = Json{{"threads", 1}};
    trial.started = exampleTime(3);
    return trial;
}

} // namespace ratchet
