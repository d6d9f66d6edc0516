// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/guard/ledger.h"

#include <algorithm>
#include <charconv>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/base/sign.h"

namespace ratchet {
namespace {

const std::string none(64, '0');   // "prev" of the first entry, and head of an empty ledger

std::string canonical(const Json& json)
{
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// What is wrong with `entry` as number `seq` after `prev`; empty when nothing is.
std::string faultOf(const LedgerEntry& entry, std::int64_t seq, const std::string& prev)
{
    if (entry.seq != seq)
        return fmt::format("Entry {} is missing; entry {} stands in its place.", seq, entry.seq);
    if (hashOf(entry.line) != entry.hash)
        return fmt::format("Entry {} was changed: its text does not match its hash.", seq);
    const auto json = parseJson(entry.line, "it");
    std::int64_t number = 0;
    std::string before, time, actor, type;
    Json refs;
    if (!json)
        return fmt::format("Entry {} is not JSON.", seq);
    Fields in(*json, "it");
    in.read("seq", number).read("prev", before).read("time", time).read("actor", actor).read("type", type).read("refs", refs);
    if (!in.onlyKnown().status() || canonical(*json) != entry.line)
        return fmt::format("Entry {} is not written as an entry is.", seq);
    if (number != seq)
        return fmt::format("Entry {} says that it is number {}.", seq, number);
    if (before != prev)
        return fmt::format("Entry {} does not follow the one before it.", seq);
    return {};
}

struct Head { std::int64_t entries = 0; std::string hash = none; };

std::string textOf(const Head& head)
{
    return fmt::format("{} {}\n", head.entries, head.hash);
}

// Empty when the file is not there, as in a lab that never wrote one.
Result<std::optional<Head>> writtenHead(const LabPaths& lab)
{
    const auto text = readFile(lab.ledgerHead(), 1 << 10);
    if (!text && text.error().code == Code::NotFound)
        return std::optional<Head>{};
    RATCHET_CHECK(text);
    Head head;
    const std::size_t space = text->find(' ');
    const auto [end, error] = std::from_chars(text->data(), text->data() + std::min(space, text->size()), head.entries);
    if (error == std::errc{} && space != std::string::npos && text->size() > space + 1)
        head.hash = text->substr(space + 1, text->size() - space - 2);
    if (textOf(head) != *text)
        return fail(Code::Damaged, fmt::format("{} does not say where the ledger ends.", lab.ledgerHead().string()),
                    "Restore it from a backup, or remove it: it is written anew by the next run.");
    return head;
}

Result<Head> storedHead(const Store& store)
{
    Head head;
    RATCHET_TRY(json, store.meta("ledger-head"));
    if (json) {
        Fields in(*json, "the end of the ledger");
        RATCHET_CHECK(in.read("entries", head.entries).read("hash", head.hash).status());
    }
    return head;
}

// What is wrong with the end of a chain that holds, when it should be at `head` at least; empty when nothing is.
std::string faultAtEnd(const std::vector<LedgerEntry>& entries, const Head& head)
{
    const auto count = static_cast<std::int64_t>(entries.size());
    if (head.entries == count + 1)
        return fmt::format("Entry {} is missing at the end.", head.entries);
    if (head.entries > count)
        return fmt::format("Entries {} to {} are missing at the end.", count + 1, head.entries);
    if (head.entries > 0 && entries[static_cast<std::size_t>(head.entries) - 1].hash.hex != head.hash)
        return fmt::format("Entry {} is not the one that was recorded.", head.entries);
    return {};
}

constexpr const char* howToVerify = R"(How to verify this ledger without Ratchet
=========================================

ledger.jsonl  one entry a line: {actor, prev, refs, seq, time, type}; prev is the SHA-256 of the line before
              (without its newline), 64 zeros in the first
head.txt      the SHA-256 of the last line, and a newline
head.sig      Ed25519 signature of head.txt, 64 bytes
public.pem    the lab's public key

1. The head is the hash of the last line:

     tail -n 1 ledger.jsonl | tr -d '\n' | sha256sum
     cat head.txt

2. The head was signed with the lab's key:

     openssl pkeyutl -verify -rawin -pubin -inkey public.pem -in head.txt -sigfile head.sig

3. The chain is whole:

     python3 -c '
import hashlib, json
prev, count = "0" * 64, 0
for line in open("ledger.jsonl", encoding="utf-8", newline="\n"):
    line = line.rstrip("\n")
    entry, count = json.loads(line), count + 1
    assert entry["seq"] == count, f"entry {count} is missing"
    assert entry["prev"] == prev, f"entry {count} does not follow the one before it"
    prev = hashlib.sha256(line.encode()).hexdigest()
assert prev == open("head.txt").read().strip(), "the head is another one"
print(count, "entries, the chain is whole, head", prev)'

What this shows: nobody changed, removed or reordered entries without the lab's private key. Who holds that key could
write the whole ledger anew, so compare public.pem and earlier heads with copies that were published elsewhere.
)";

} // namespace

LedgerEntry nextLedgerEntry(const std::optional<LedgerEntry>& previous, Time time, const std::string& actor,
                            const std::string& type, const Json& refs)
{
    LedgerEntry entry;
    entry.seq = previous ? previous->seq + 1 : 1;
    entry.line = canonical({{"seq", entry.seq}, {"prev", previous ? previous->hash.hex : none}, {"time", toIso(time)},
                            {"actor", actor}, {"type", type}, {"refs", refs}});
    entry.hash = hashOf(entry.line);
    return entry;
}

LedgerCheck verifyLedger(const std::vector<LedgerEntry>& entries)
{
    LedgerCheck check;
    std::string prev = none;
    for (const LedgerEntry& entry : entries) {
        check.fault = faultOf(entry, check.entries + 1, prev);
        if (!check.fault.empty())
            return check;
        prev = entry.hash.hex;
        check.head = entry.hash;
        ++check.entries;
    }
    check.ok = true;
    return check;
}

// The file is read first: an engine that goes on meanwhile may make it fall behind, never run ahead.
Result<LedgerCheck> verifyLedger(const Store& store, const LabPaths& lab)
{
    RATCHET_TRY(written, writtenHead(lab));
    std::vector<LedgerEntry> entries;
    Head stored;
    RATCHET_CHECK(store.snapshot([&]() -> Status {
        RATCHET_TRY(all, store.ledger());
        RATCHET_TRY(head, storedHead(store));
        entries = std::move(all);
        stored = head;
        return {};
    }));
    LedgerCheck check = verifyLedger(entries);
    if (check.ok)
        check.fault = faultAtEnd(entries, stored);
    if (check.fault.empty() && stored.entries < check.entries)
        check.fault = fmt::format("Entry {} was added by another program.", stored.entries + 1);
    if (check.fault.empty() && written)
        check.fault = faultAtEnd(entries, *written);
    check.ok = check.fault.empty();
    return check;
}

Result<int> countLedger(const Store& store, std::string_view type)
{
    RATCHET_TRY(entries, store.ledger());
    int count = 0;
    for (const LedgerEntry& entry : entries) {
        RATCHET_TRY(json, parseJson(entry.line, fmt::format("entry {} of the ledger", entry.seq)));
        count += json.is_object() && json.value("type", "") == type;
    }
    return count;
}

Status writeLedgerHead(const Store& store, const LabPaths& lab)
{
    RATCHET_TRY(head, storedHead(store));
    const auto before = readFile(lab.ledgerHead(), 1 << 10);
    return before && *before == textOf(head) ? Status{} : writeFile(lab.ledgerHead(), textOf(head));
}

Status exportLedger(const std::vector<LedgerEntry>& entries, const std::filesystem::path& keys, const std::filesystem::path& folder)
{
    const LedgerCheck check = verifyLedger(entries);
    if (!check.ok)
        return fail(Code::Damaged, fmt::format("The ledger is broken: {}", check.fault), "Restore the lab's database from a backup.");
    std::string lines;
    for (const LedgerEntry& entry : entries)
        lines += entry.line + "\n";
    const std::string head = (check.head.isSet() ? check.head.hex : none) + "\n";
    RATCHET_TRY(signature, signBytes(keys, head));
    RATCHET_TRY(key, readFile(keys / "public.pem", 1 << 16));
    std::error_code error;
    if (!std::filesystem::is_directory(folder, error))
        RATCHET_CHECK(makeFolder(folder));
    RATCHET_CHECK(writeFile(folder / "ledger.jsonl", lines));
    RATCHET_CHECK(writeFile(folder / "head.txt", head));
    RATCHET_CHECK(writeFile(folder / "head.sig", signature));
    RATCHET_CHECK(writeFile(folder / "public.pem", key));
    return writeFile(folder / "VERIFY.txt", howToVerify);
}

} // namespace ratchet
