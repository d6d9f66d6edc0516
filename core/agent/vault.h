// SPDX-License-Identifier: GPL-3.0-or-later
// The vault: items that are asked once for each promotion and once to compare the first version with the live one. How often it
// was opened, whether it may be opened again, and what it says. The engine's thread, but for vaultUse(), which reads a Store.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "core/store/lab.h"
#include "core/store/store.h"

namespace ratchet {

struct Context;
class Crew;

struct VaultUse {
    int looks = 0;                   // that the ledger holds
    std::optional<int> budget;       // LabConfig::vaultLooks where data are finite; else none, as every look has items of its own
    // Empty: as many as wanted.
    [[nodiscard]] std::optional<int> left() const { return budget ? std::optional(std::max(0, *budget - looks)) : std::nullopt; }
    [[nodiscard]] bool isSpent() const { return left() == 0; }
};
[[nodiscard]] Result<VaultUse> vaultUse(const Store& store, const LabConfig& config);
[[nodiscard]] std::string toText(const VaultUse& use);       // "opened 3 of 20 times"
[[nodiscard]] Json toJson(const VaultUse& use);

// A question to the vault: `proposal` is what it decides about, unset when nothing. Of the target suite `items`, half as many of
// each retained one.
struct VaultQuestion { Hash champion, challenger; Id<ProposalRecord> proposal; int items; };
struct VaultAnswer {
    std::vector<ScorecardRecord> cards;      // of the deciding suites, in their order
    bool isNew = true;                       // false: what was stored when the same was asked before
    std::optional<Error> fault = {};         // an integrity check did not hold: no item was asked
};

// A question that was answered before is answered from the store, and no look is spent on it. Refused, before anything is asked, when
// the vault is spent.
[[nodiscard]] Result<VaultAnswer> askVault(Context& context, Crew& crew, const VaultQuestion& question);
// Inside a transaction: that the vault was opened, and what it showed; nothing when it was not.
[[nodiscard]] Status recordVault(Context& context, const VaultQuestion& question, const VaultAnswer& answer);
// The fault; or Refused when the challenger is worse beyond doubt: on the target, or on a retained suite by more than its margin.
[[nodiscard]] Status isNotContradicted(const Context& context, const VaultAnswer& answer);

} // namespace ratchet
