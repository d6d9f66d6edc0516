// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/gate_record.h"

#include "core/agent/context.h"
#include "core/agent/controls.h"
#include "core/selector/gate.h"

namespace ratchet {
namespace {

constexpr const char* entryType = "gate";
constexpr const char* key = "gate";      // of the figures in an entry of this type, and in the lab's first

std::string changeText(const Json& before, const Json& after)
{
    std::string text;
    for (const auto& [name, value] : after.items())
        if (const auto old = before.find(name); old == before.end() || *old != value)
            text += fmt::format("{}{} {} -> {}", text.empty() ? "" : ", ", name, old == before.end() ? "unknown" : old->dump(), value.dump());
    return text;
}

} // namespace

Json gateFigures(const LabConfig& config)
{
    return {{"alpha", config.alpha}, {"alphaDecay", config.alphaDecay}, {"gateItems", config.gateItems}, {"minEffect", config.minEffect},
            {"retainedAlpha", config.retainedAlpha}, {"vaultLooks", config.vaultLooks}, {"finiteData", config.isDataFinite()}};
}

Result<std::vector<GateRecord>> gateRecords(const Store& store)
{
    std::vector<GateRecord> records;
    std::vector<int> before;                 // judged before anything was recorded
    RATCHET_TRY(entries, store.ledger());
    for (const LedgerEntry& entry : entries) {
        const std::string what = fmt::format("entry {} of the ledger", entry.seq);
        RATCHET_TRY(json, parseJson(entry.line, what));
        std::string type, time;
        Json refs;
        RATCHET_CHECK(Fields(json, what).read("type", type).read("time", time).read("refs", refs).status());
        if (type == "verdict") {
            Id<ProposalRecord> id;
            int k = 0;
            RATCHET_CHECK(Fields(refs, what).read("proposal", id.value).read("k", k).status());
            RATCHET_TRY(proposal, store.proposal(id));
            if (!proposal || !isControl(*proposal))
                (records.empty() ? before : records.back().questions).push_back(k);
        } else if ((type == "lab" || type == entryType) && refs.contains(key)) {
            double alpha = 0, decay = 0;
            RATCHET_CHECK(Fields(refs[key], what).read("alpha", alpha).read("alphaDecay", decay).status());
            records.push_back({time, refs[key], std::exchange(before, {})});
        }
    }
    return records;
}

Status recordGate(Context& context)
{
    RATCHET_TRY(head, context.store->ledgerHead());
    if (!head)
        return {};
    RATCHET_TRY(records, gateRecords(*context.store));
    Json refs{{key, gateFigures(context.config)}};
    if (!records.empty() && records.back().figures == refs[key])
        return {};
    if (!records.empty())
        refs["before"] = records.back().figures;
    return context.store->transaction(Store::Durable::Yes, [&] { return context.record("engine", entryType, refs); });
}

std::vector<GateChange> changesOf(const std::vector<GateRecord>& records)
{
    std::vector<GateChange> changes;
    int questions = 0;
    for (std::size_t i = 1; i < records.size(); ++i) {
        questions += static_cast<int>(records[i - 1].questions.size());
        changes.push_back({records[i].time, questions, changeText(records[i - 1].figures, records[i].figures)});
    }
    return changes;
}

std::string unrecordedChange(const std::vector<GateRecord>& records, const LabConfig& config)
{
    return records.empty() ? std::string() : changeText(records.back().figures, gateFigures(config));
}

Json toJson(const std::vector<GateRecord>& records)
{
    Json list = Json::array();
    for (const GateRecord& record : records)
        list.push_back({{"time", record.time}, {"figures", record.figures}, {"questions", record.questions}});
    return list;
}

double promisedAlpha(const std::vector<GateRecord>& records)
{
    const auto share = [](const GateRecord& record, int k) {
        return elondAlpha(record.figures.value("alpha", 0.0), k, 0, record.figures.value("alphaDecay", alphaDecay));
    };
    double promised = records.back().figures.value("alpha", 0.0);
    for (std::size_t i = 0; i + 1 < records.size(); ++i)
        for (const int k : records[i].questions)
            promised += share(records[i], k) - share(records.back(), k);
    return promised;
}

} // namespace ratchet
