// SPDX-License-Identifier: GPL-3.0-or-later
// The ledger: canonical JSON lines {seq, prev, time, actor, type, refs}, chained by SHA-256; the head is signed with the
// lab's Ed25519 key. An outsider verifies an export with sha256sum and `openssl pkeyutl -verify -rawin`.
// A chain with a local key binds the worker and third parties, not the operator: publish heads outside.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/json.h"
#include "core/store/lab.h"
#include "core/store/records.h"

namespace ratchet {

// The next entry after `previous` (none: the first). Pure.
[[nodiscard]] LedgerEntry nextLedgerEntry(const std::optional<LedgerEntry>& previous, Time time, const std::string& actor,
                                          const std::string& type, const Json& refs);
struct LedgerCheck { bool ok = false; std::int64_t entries = 0; Hash head; std::string fault; };   // fault names the first bad seq
[[nodiscard]] LedgerCheck verifyLedger(const std::vector<LedgerEntry>& entries);
// The chain of a lab, and that nothing is missing at its end: the store keeps the number of entries with each entry, and
// LAB/ledger.head names the last one that was there when it was written. An engine killed between the two leaves the file
// behind the store, which is no fault; a file that is ahead is one. Blocking; reading only.
[[nodiscard]] Result<LedgerCheck> verifyLedger(const Store& store, const LabPaths& lab);
// Entries of this type.
[[nodiscard]] Result<int> countLedger(const Store& store, std::string_view type);
// Writes LAB/ledger.head anew when the ledger has grown. After the entries are committed; only who holds the lab.
[[nodiscard]] Status writeLedgerHead(const Store& store, const LabPaths& lab);
// ledger.jsonl, head.txt (hash of the last line), head.sig, public.pem, VERIFY.txt with the commands to check by hand.
[[nodiscard]] Status exportLedger(const std::vector<LedgerEntry>& entries, const std::filesystem::path& keys, const std::filesystem::path& folder);

} // namespace ratchet
