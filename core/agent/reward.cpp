// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/reward.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/agent/signals.h"
#include "core/agent/text_table.h"

namespace ratchet {

Json RewardWork::toJson() const
{
    return {{"task", task}, {"champion", champion.hex}, {"deployment", deployment}, {"model", model}, {"failure", failure}, {"nothing", nothing},
            {"report", report ? report->toJson() : Json()}, {"items", items}, {"shown", shown}, {"right", right}, {"unreadable", unreadable},
            {"steps", steps}, {"proposals", proposals}};
}

Result<RewardWork> RewardWork::from(const RewardRecord& record)
{
    RewardWork work;
    work.record = record;
    Json report;
    Fields in(record.report, "a reward model's work");
    in.read("task", work.task).read("champion", work.champion.hex).read("deployment", work.deployment).read("model", work.model);
    in.read("failure", work.failure).read("nothing", work.nothing).read("report", report).read("items", work.items).read("shown", work.shown);
    in.read("right", work.right).read("unreadable", work.unreadable).read("steps", work.steps).read("proposals", work.proposals);
    RATCHET_CHECK(in.onlyKnown().status());
    if (!report.is_null()) {
        RATCHET_TRY(read, RewardReport::fromJson(report));
        work.report = std::move(read);
    }
    return work;
}

std::optional<RewardScore> rewardScoreOf(const TrialRecord& trial)
{
    if (!trial.proxy.is_object() || !trial.proxy.contains("reward"))
        return std::nullopt;
    RewardScore score;
    const Status read = Fields(trial.proxy["reward"], "a reward")
                            .read("model", score.model).read("champion", score.champion).read("challenger", score.challenger)
                            .read("items", score.items).status();
    return read ? std::optional(score) : std::nullopt;
}

void keepRewardScore(TrialRecord& trial, const RewardScore& score)
{
    if (!trial.proxy.is_object())
        trial.proxy = Json::object();
    trial.proxy["reward"] = {{"model", score.model}, {"champion", score.champion}, {"challenger", score.challenger}, {"items", score.items}};
}

Result<RewardUse> rewardUse(const Store& store)
{
    RewardUse use;
    RATCHET_TRY(records, store.rewards());
    for (const RewardRecord& record : records) {
        RATCHET_TRY(work, RewardWork::from(record));
        use.spent = use.spent + record.spent;
        if (work.isModel())
            use.model = work;
        if (work.report)
            use.newest = *work.report;
        use.work.push_back(std::move(work));
    }
    if (use.model) {
        RATCHET_TRY(pairs, rewardPairs(store, use.model->record.id.value));
        use.signal = reliabilityOf(pairs);
        use.trust = trustIn(use.newest, use.signal);
    } else if (!use.work.empty()) {
        const RewardWork& last = use.work.back();
        use.trust.why = last.nothing.empty() ? last.failure : last.nothing;
    }
    return use;
}

RewardNeed rewardNeed(const RewardUse& use, const Hash& champion, std::int64_t deployment)
{
    const auto isDone = [&](const char* task, std::int64_t model) {
        int failures = 0;
        for (const RewardWork& work : use.work) {
            if (work.task != task || work.champion != champion || work.model != model)
                continue;
            if (work.failure.empty())
                return true;
            ++failures;
        }
        return failures >= rewardAttempts;
    };
    const bool learnt = isDone("learn", 0);
    if (!use.model)
        return learnt ? RewardNeed::Nothing : RewardNeed::Learn;
    if (use.model->champion != champion && !isDone("grade", use.model->record.id.value))
        return RewardNeed::Grade;
    const bool stale = deployment - use.model->deployment >= rewardPromotions;
    return !learnt && (stale || !use.trust.on) ? RewardNeed::Learn : RewardNeed::Nothing;
}

Json toJson(const RewardUse& use)
{
    Json work = Json::array();
    for (const RewardWork& one : use.work) {
        Json entry = one.toJson();
        entry["id"] = one.record.id.value;
        entry["flops"] = one.record.spent.value;
        work.push_back(std::move(entry));
    }
    const Reliability& r = use.signal;
    return {{"on", use.isOn()}, {"useful", use.isUseful()}, {"why", use.trust.why}, {"spentFlops", use.spent.value},
            {"newest", use.model ? use.newest.toJson() : Json()},
            {"signal", {{"pairs", r.pairs}, {"rankCorrelation", r.rank}, {"low", r.rankLow}, {"high", r.rankHigh}, {"drift", r.largestDrift}}},
            {"work", work}};
}

std::string rewardLine(const RewardUse& use)
{
    if (use.work.empty())
        return {};
    return fmt::format("{}. {} Cost so far: {}.", use.isOn() ? "on" : "off", use.trust.why, toText(use.spent));
}

std::string rewardText(const RewardUse& use)
{
    if (use.work.empty())
        return {};
    std::string text = rewardLine(use) + "\n";
    std::vector<std::vector<std::string>> rows;
    for (const RewardWork& work : use.work)
        if (work.report) {
            const RewardReport& r = *work.report;
            const Calibration& c = r.calibration;
            rows.push_back({work.task == "learn" ? "held out" : "later champion", work.champion.brief(), std::to_string(r.answers),
                            toTextPercent(static_cast<double>(r.right) / r.answers),
                            fmt::format("{:.1f} [{:.1f}, {:.1f}]", 100 * r.accuracy, 100 * r.accuracyLow, 100 * r.accuracyHigh),
                            fmt::format("{:.1f}", 100 * r.majority), fmt::format("{:.3f} [{:.3f}, {:.3f}]", r.area, r.areaLow, r.areaHigh),
                            fmt::format("{:.3f} [{:.3f}, {:.3f}]", r.confidenceArea, r.confidenceLow, r.confidenceHigh),
                            fmt::format("{:.1f} ({:.1f})", 100 * c.error, 100 * c.byChance), fmt::format("{:.3f} ({:.3f})", c.brier, r.brierOfShare)});
        }
    if (!rows.empty()) {
        constexpr auto right = Column::Align::Right;
        text += textTable({{"answers"}, {"champion"}, {"graded", right}, {"right", right}, {"accuracy, % [95 %]", right}, {"majority", right},
                           {"area under ROC [95 %]", right}, {"of own confidence", right}, {"ECE, points (by chance)", right}, {"Brier (of the share)", right}}, rows);
        rows.clear();
        for (const RewardClass& one : use.newest.classes)
            rows.push_back({one.name, fmt::format("{} of {}", one.caught, one.answers), toTextPercent(one.predicted)});
        if (!rows.empty())
            text += textTable({{"wrong answers, newest"}, {"held for wrong", right}, {"mean probability", right}}, rows);
    }
    return text;
}

} // namespace ratchet
