// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet scorecard: what was measured of a version, suite by suite, with its calibration and its failures.
#include <algorithm>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/agent/examination.h"
#include "core/agent/summary.h"
#include "core/agent/text_table.h"

namespace ratchet {
namespace {

constexpr auto right = Column::Align::Right;

struct Options {
    std::string folder, version;
    bool json = false;
};

std::string suiteTable(const Summary& summary, const std::vector<SuiteResult>& results)
{
    std::vector<std::vector<std::string>> rows;
    for (const SuiteResult& result : results) {
        const std::string score = summary.bitsPerByte ? scoreText(summary, result.score)
                                                      : fmt::format("{} [{:.1f}, {:.1f}]", scoreText(summary, result.score), 100 * result.low, 100 * result.high);
        const auto& against = result.against;
        rows.push_back({result.suite, result.probe ? "probe" : result.retained ? "retained" : "target", result.split, std::to_string(result.items), score,
                        against ? scoreText(summary, against->score) : "",
                        against ? fmt::format("{} [{}, {}]", gainText(summary, against->difference), gainText(summary, against->low), gainText(summary, against->high)) : ""});
    }
    return textTable({{"suite"}, {"role"}, {"items of"}, {"items", right}, {"score [95 %]", right}, {"champion", right}, {"difference", right}}, rows);
}

std::string calibrationTable(const std::vector<SuiteResult>& results)
{
    std::vector<std::vector<std::string>> rows;
    for (const SuiteResult& result : results)
        for (const auto& [who, one] : {std::pair("", &result.calibration), std::pair("champion", &result.championCalibration)})
            if (*one)
                rows.push_back({fmt::format("{} {}", result.suite, who), result.split, std::to_string((*one)->items), toTextPercent((*one)->accuracy),
                                toTextPercent((*one)->confidence), fmt::format("{:.1f} ({:.1f})", 100 * (*one)->error, 100 * (*one)->byChance),
                                fmt::format("{:.3f}", (*one)->brier), toTextPercent((*one)->surestHalf), fmt::format("{:.3f}", (*one)->riskArea)});
    return rows.empty() ? std::string()
                        : textTable({{"calibration"}, {"items of"}, {"items", right}, {"right", right}, {"sure", right},
                                     {"ECE, points (by chance)", right}, {"Brier", right}, {"surest half", right}, {"risk area", right}}, rows);
}

std::string failureTable(const std::vector<SuiteResult>& results)
{
    std::vector<std::vector<std::string>> rows;
    for (const SuiteResult& result : results) {
        const auto share = [&](int items, double low, double high) {
            return fmt::format("{:.1f} % [{:.1f}, {:.1f}]", 100.0 * items / result.items, 100 * low, 100 * high);
        };
        for (const FailureShare& failure : result.failures)
            rows.push_back({result.suite, result.split, failure.name, fmt::format("{} of {}", failure.items, result.items),
                            share(failure.items, failure.low, failure.high),
                            failure.champions ? share(*failure.champions, failure.championsLow, failure.championsHigh) : ""});
    }
    return rows.empty() ? std::string()
                        : textTable({{"failures"}, {"items of"}, {"class"}, {"", right}, {"share [95 %]", right}, {"champion [95 %]", right}}, rows);
}

std::string judgingTable(const Summary& summary, const std::vector<Judging>& judgings)
{
    std::vector<std::vector<std::string>> rows;
    for (const auto& [verdict, suites] : judgings) {
        const auto target = std::find_if(suites.begin(), suites.end(), [](const SuiteResult& s) { return s.split == "gate" && !s.retained && s.against; });
        rows.push_back({std::to_string(verdict.k), toText(verdict.verdict), verdict.champion.brief(), std::to_string(verdict.pairs),
                        std::to_string(verdict.discordant), verdict.looks > 0 ? std::to_string(verdict.looks) : "", eValueText(verdict.eValue), eValueText(verdict.threshold),
                        target == suites.end() ? "" : gainText(summary, target->against->difference)});
    }
    return rows.empty() ? std::string()
                        : textTable({{"question", right}, {"verdict"}, {"against"}, {"pairs", right}, {"discordant", right}, {"looks", right},
                                     {"E", right}, {"needed", right}, {"difference", right}}, rows);
}

Result<int> showScorecard(const Options& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    Hash version;
    if (options.version.empty()) {
        if (!summary.live)
            return fail(Code::NotFound, "This lab has no version yet.", "`ratchet run` trains the seed model first.");
        version = summary.live->hash;
    } else {
        RATCHET_TRY(named, lab.store->findVersion(options.version));
        version = named.hash;
    }
    RATCHET_TRY(results, examinationOf(*lab.store, version));
    RATCHET_TRY(judgings, judgingsOf(*lab.store, version));
    if (options.json) {
        Json asked = Json::array();
        for (const auto& [verdict, suites] : judgings) {
            asked.push_back(toJson(verdict));
            asked.back()["suites"] = toJson(suites);
        }
        printJson({{"version", version.hex}, {"suites", toJson(results)}, {"judgings", asked}, {"reward", summary.reward.work.empty() ? Json() : toJson(summary.reward)}});
        return 0;
    }
    fmt::print("Version {}{}\n\n", version.brief(), summary.live && summary.live->hash == version ? ", live" : "");
    if (results.empty())
        fmt::print("Nothing was measured of it yet.\n");
    for (const std::string& table : {judgingTable(summary, judgings), suiteTable(summary, results), calibrationTable(results), failureTable(results)})
        if (!table.empty())
            fmt::print("{}\n", table);
    if (const std::string reward = rewardText(summary.reward); !reward.empty())
        fmt::print("Reward model: {}", reward);
    return 0;
}

} // namespace

void addScorecardCommand(Commands& commands)
{
    const auto options = std::make_shared<Options>();
    CLI::App* command = commands.add("scorecard", "What was measured of a version: suites, calibration, failures", [options] { return showScorecard(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("VERSION", options->version, "Version, or the beginning of its hash; the live one unless given")->type_name("");
    command->add_flag("--json", options->json, "Print JSON");
}

} // namespace ratchet
