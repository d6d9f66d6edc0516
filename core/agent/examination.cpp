// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/examination.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/selector/rules.h"

namespace ratchet {
namespace {

std::optional<Calibration> calibrationIn(const Json& both, const char* who)
{
    if (!both.is_object() || !both.contains(who))
        return std::nullopt;
    auto read = Calibration::fromJson(both.at(who));
    return read ? std::optional(std::move(*read)) : std::nullopt;
}

std::optional<FailureShare> sureAndWrongIn(const ScorecardRecord& card, Beside beside)
{
    const auto own = calibrationIn(card.calibration, beside == Beside::Champion ? "challenger" : "champion");
    if (!own || !own->sureWrong)
        return std::nullopt;
    FailureShare failure;
    failure.name = sureAndWrong;
    failure.items = *own->sureWrong;
    std::tie(failure.low, failure.high) = clopperPearson(failure.items, card.items);
    const auto champions = beside == Beside::Champion ? calibrationIn(card.calibration, "champion") : std::nullopt;
    if (champions && champions->sureWrong) {
        failure.champions = champions->sureWrong;
        std::tie(failure.championsLow, failure.championsHigh) = clopperPearson(*failure.champions, card.items);
    }
    return failure;
}

SuiteResult resultOf(const ScorecardRecord& card, bool paired)
{
    SuiteResult result;
    result.suite = card.suite;
    result.split = card.split;
    result.retained = card.retained;
    result.probe = card.probe;
    result.items = card.items;
    result.score = paired ? card.challengerMean : card.championMean;
    std::tie(result.low, result.high) = clopperPearson(std::llround(result.score * card.items), card.items);
    if (paired)
        result.against = SuiteResult::Paired{card.champion, card.championMean, card.difference, card.low, card.high};
    result.failures = failuresIn(card, paired ? Beside::Champion : Beside::Nobody);
    result.calibration = calibrationIn(card.calibration, paired ? "challenger" : "champion");
    if (paired)
        result.championCalibration = calibrationIn(card.calibration, "champion");
    return result;
}

int order(const SuiteResult& result)
{
    const int split = result.split == "gate" ? 0 : result.split == "guide" ? 1 : 2;
    return (result.probe ? 20 : result.retained ? 10 : 0) + split;
}

} // namespace

std::vector<FailureShare> failuresIn(const ScorecardRecord& card, Beside beside)
{
    const bool paired = beside == Beside::Champion;
    const Json classes = card.classes.is_object() ? card.classes : Json::object();
    const Json own = classes.value(paired ? "challenger" : "champion", Json::object());
    const Json champions = paired ? classes.value("champion", Json::object()) : Json::object();
    std::map<std::string, FailureShare> byName;
    for (const auto& [name, count] : own.items())
        byName[name].items = count.is_number_integer() ? count.get<int>() : 0;
    for (const auto& [name, count] : champions.items())
        byName[name].champions = count.is_number_integer() ? count.get<int>() : 0;
    std::vector<FailureShare> list;
    for (auto& [name, failure] : byName) {
        failure.name = name;
        std::tie(failure.low, failure.high) = clopperPearson(failure.items, card.items);
        if (paired) {
            failure.champions = failure.champions.value_or(0);
            std::tie(failure.championsLow, failure.championsHigh) = clopperPearson(*failure.champions, card.items);
        }
        list.push_back(failure);
    }
    std::stable_sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.items > b.items; });
    if (auto sure = sureAndWrongIn(card, beside))
        list.push_back(std::move(*sure));
    return list;
}

std::vector<SuiteResult> examination(const std::vector<ScorecardRecord>& cards, const Hash& version)
{
    std::map<std::pair<std::string, std::string>, SuiteResult> newest;
    for (const bool paired : {false, true})          // a comparison tells more than a score alone
        for (const ScorecardRecord& card : cards)
            if (card.items > 0 && (paired ? card.challenger == version && card.champion.isSet() && card.champion != version : card.champion == version && !card.challenger.isSet()))
                newest[{card.suite, card.split}] = resultOf(card, paired);
    std::vector<SuiteResult> results;
    for (auto& [key, result] : newest)
        results.push_back(std::move(result));
    std::stable_sort(results.begin(), results.end(), [](const auto& a, const auto& b) { return order(a) < order(b); });
    return results;
}

Result<std::vector<SuiteResult>> examinationOf(const Store& store, const Hash& version)
{
    RATCHET_TRY(known, store.version(version));
    if (!known)
        return fail(Code::NotFound, fmt::format("There is no version {} in this lab.", version.brief()), "`ratchet versions` lists them.");
    RATCHET_TRY(cards, store.scorecardsOf(version));
    return examination(cards, version);
}

Result<std::vector<Judging>> judgingsOf(const Store& store, const Hash& version)
{
    RATCHET_TRY(verdicts, store.verdicts());
    std::vector<Judging> judgings;
    for (VerdictRecord& verdict : verdicts) {
        if (verdict.challenger != version || verdict.champion == version)
            continue;
        RATCHET_TRY(cards, store.scorecards(verdict.proposal, verdict.k));
        judgings.push_back({std::move(verdict), examination(cards, version)});
    }
    return judgings;
}

std::string judgingText(const VerdictRecord& verdict)
{
    const std::string looks = verdict.looks == 0 ? "" : verdict.looks == 1 ? ", 1 look" : fmt::format(", {} looks", verdict.looks);
    return fmt::format("question {}: {} after {} pairs, {} discordant{}", verdict.k, toText(verdict.verdict), verdict.pairs, verdict.discordant, looks);
}

Json toJson(const VerdictRecord& verdict)
{
    return {{"verdict", toText(verdict.verdict)}, {"champion", verdict.champion.hex}, {"reason", verdict.reason},
            {"eValue", verdict.eValue}, {"threshold", verdict.threshold}, {"k", verdict.k}, {"alpha", verdict.alpha},
            {"pairs", verdict.pairs}, {"discordant", verdict.discordant}, {"looks", verdict.looks}};
}

Json toJson(const std::vector<SuiteResult>& results)
{
    Json list = Json::array();
    for (const SuiteResult& result : results) {
        Json failures = Json::array();
        for (const FailureShare& failure : result.failures)
            failures.push_back({{"class", failure.name}, {"items", failure.items}, {"low", failure.low}, {"high", failure.high},
                                {"champions", failure.champions ? Json(*failure.champions) : Json()},
                                {"championsLow", failure.champions ? Json(failure.championsLow) : Json()},
                                {"championsHigh", failure.champions ? Json(failure.championsHigh) : Json()}});
        Json one{{"suite", result.suite},
                 {"split", result.split},
                 {"role", result.probe ? "probe" : result.retained ? "retained" : "target"},
                 {"items", result.items},
                 {"score", result.score},
                 {"low", result.low},
                 {"high", result.high},
                 {"failures", failures},
                 {"calibration", result.calibration ? result.calibration->toJson() : Json()},
                 {"championCalibration", result.championCalibration ? result.championCalibration->toJson() : Json()}};
        if (const auto& against = result.against)
            one["against"] = {{"champion", against->champion.hex}, {"score", against->score}, {"difference", against->difference},
                              {"low", against->low}, {"high", against->high}};
        list.push_back(std::move(one));
    }
    return list;
}

} // namespace ratchet
