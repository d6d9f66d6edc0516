// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/reward.h"

#include <algorithm>
#include <cmath>
#include <map>

#include <fmt/format.h>

#include "core/base/hash.h"
#include "core/selector/rules.h"

namespace ratchet {
namespace {

// Mann and Whitney's statistic: right answers above wrong ones, ties for half.
double areaOf(const std::vector<Verified>& answers, double Verified::*score, double right, double wrong)
{
    std::vector<std::pair<double, bool>> sorted;
    for (const Verified& answer : answers)
        sorted.emplace_back(answer.*score, answer.right);
    std::sort(sorted.begin(), sorted.end());
    double above = 0, below = 0;             // pairs won; wrong answers below what is looked at
    for (std::size_t begin = 0; begin < sorted.size();) {
        double rights = 0, wrongs = 0;
        std::size_t end = begin;
        for (; end < sorted.size() && sorted[end].first == sorted[begin].first; ++end)
            (sorted[end].second ? rights : wrongs) += 1;
        above += rights * (below + wrongs / 2);
        below += wrongs;
        begin = end;
    }
    return above / (right * wrong);
}

// Where |area - seen| is z standard errors at `area`, between `seen` and `end`, by bisection.
double areaBound(double seen, double end, double right, double wrong)
{
    constexpr double z = 1.959963984540054;
    const double extra = (right + wrong) / 2 - 1;
    double inside = seen, outside = end;
    for (int i = 0; i < 60; ++i) {
        const double area = (inside + outside) / 2;
        const double variance = area * (1 - area) * (1 + extra * (1 - area) / (2 - area) + extra * area / (1 + area)) / (right * wrong);
        (std::abs(area - seen) <= z * std::sqrt(variance) ? inside : outside) = area;
    }
    return inside;
}

std::vector<RewardClass> classesOf(const std::vector<Verified>& answers)
{
    std::map<std::string, RewardClass> byName;
    for (const Verified& answer : answers) {
        if (answer.right)
            continue;
        RewardClass& one = byName[answer.failureClass];
        ++one.answers;
        one.caught += answer.predicted < 0.5;
        one.predicted += answer.predicted;
    }
    std::vector<RewardClass> classes;
    for (auto& [name, one] : byName)
        classes.push_back({name, one.answers, one.caught, one.predicted / one.answers});
    return classes;
}

} // namespace

RewardPart rewardPartOf(const std::string& item)
{
    const auto tenth = std::stoull(hashOf("reward " + item).hex.substr(0, 15), nullptr, 16) % 10;
    return tenth < 2 ? RewardPart::HeldOut : tenth == 2 ? RewardPart::Calibrate : RewardPart::Learn;
}

double Platt::probability(double logit) const
{
    return 1 / (1 + std::exp(-std::clamp(slope * logit + offset, -30.0, 30.0)));
}

Platt plattOf(const std::vector<std::pair<double, bool>>& logits)
{
    const auto right = static_cast<double>(std::count_if(logits.begin(), logits.end(), [](const auto& one) { return one.second; }));
    const double wrong = static_cast<double>(logits.size()) - right;
    const double whenRight = (right + 1) / (right + 2), whenWrong = 1 / (wrong + 2);
    const double share = std::log((right + 1) / (wrong + 1));
    const auto loss = [&](const Platt& fit) {
        double sum = 0;
        for (const auto& [logit, isRight] : logits) {
            const double f = fit.slope * logit + fit.offset, target = isRight ? whenRight : whenWrong;
            sum += (f > 0 ? std::log1p(std::exp(-f)) : std::log1p(std::exp(f)) - f) + (1 - target) * f;
        }
        return sum;
    };
    Platt fit{0, share};
    for (int step = 0; step < 100; ++step) {
        double g0 = 0, g1 = 0, h00 = 1e-9, h01 = 0, h11 = 1e-9;      // of slope and offset
        for (const auto& [logit, isRight] : logits) {
            const double p = fit.probability(logit), miss = p - (isRight ? whenRight : whenWrong), weight = p * (1 - p);
            g0 += miss * logit;
            g1 += miss;
            h00 += weight * logit * logit;
            h01 += weight * logit;
            h11 += weight;
        }
        if (std::abs(g0) < 1e-6 && std::abs(g1) < 1e-6)
            break;
        const double determinant = h00 * h11 - h01 * h01;
        const Platt direction{-(h11 * g0 - h01 * g1) / determinant, -(h00 * g1 - h01 * g0) / determinant};
        const double before = loss(fit);
        double length = 1;
        Platt next = fit;
        for (; length > 1e-10; length /= 2) {
            next = {fit.slope + length * direction.slope, fit.offset + length * direction.offset};
            if (loss(next) < before)
                break;
        }
        if (length <= 1e-10)
            break;
        fit = next;
    }
    return fit.slope > 0 ? fit : Platt{0, share};
}

RewardReport rewardReportOf(const std::vector<Verified>& answers)
{
    RewardReport report;
    report.answers = static_cast<int>(answers.size());
    if (answers.empty())
        return report;
    int hits = 0;
    std::vector<SureAnswer> sure;
    for (const Verified& answer : answers) {
        report.right += answer.right;
        hits += (answer.predicted >= 0.5) == answer.right;
        sure.push_back({answer.predicted, answer.right});
    }
    const double n = report.answers, right = report.right, wrong = n - right;
    report.accuracy = hits / n;
    std::tie(report.accuracyLow, report.accuracyHigh) = clopperPearson(hits, report.answers);
    report.majority = std::max(right, wrong) / n;
    if (right > 0 && wrong > 0) {
        report.area = areaOf(answers, &Verified::predicted, right, wrong);
        report.areaLow = areaBound(report.area, 0, right, wrong);
        report.areaHigh = areaBound(report.area, 1, right, wrong);
        report.confidenceArea = areaOf(answers, &Verified::confidence, right, wrong);
        report.confidenceLow = areaBound(report.confidenceArea, 0, right, wrong);
        report.confidenceHigh = areaBound(report.confidenceArea, 1, right, wrong);
    }
    report.calibration = calibrationOf(std::move(sure));
    report.brierOfShare = right * wrong / (n * n);
    report.classes = classesOf(answers);
    return report;
}

Json RewardReport::toJson() const
{
    Json list = Json::array();
    for (const RewardClass& one : classes)
        list.push_back({{"name", one.name}, {"answers", one.answers}, {"caught", one.caught}, {"predicted", one.predicted}});
    return {{"answers", answers}, {"right", right}, {"accuracy", accuracy}, {"accuracyLow", accuracyLow}, {"accuracyHigh", accuracyHigh},
            {"majority", majority}, {"area", area}, {"areaLow", areaLow}, {"areaHigh", areaHigh}, {"confidenceArea", confidenceArea},
            {"confidenceLow", confidenceLow}, {"confidenceHigh", confidenceHigh}, {"brierOfShare", brierOfShare},
            {"calibration", calibration.toJson()}, {"classes", list}};
}

Result<RewardReport> RewardReport::fromJson(const Json& json)
{
    RewardReport report;
    Json calibration, list;
    Fields in(json, "the report of a reward model");
    in.read("answers", report.answers).read("right", report.right).read("accuracy", report.accuracy).read("accuracyLow", report.accuracyLow);
    in.read("accuracyHigh", report.accuracyHigh).read("majority", report.majority).read("area", report.area).read("areaLow", report.areaLow);
    in.read("areaHigh", report.areaHigh).read("brierOfShare", report.brierOfShare).read("calibration", calibration).read("classes", list);
    in.read("confidenceArea", report.confidenceArea).read("confidenceLow", report.confidenceLow).read("confidenceHigh", report.confidenceHigh);
    RATCHET_CHECK(in.onlyKnown().status());
    RATCHET_TRY(read, Calibration::fromJson(calibration));
    report.calibration = std::move(read);
    for (const Json& entry : list) {
        RewardClass one;
        Fields fields(entry, "a failure class of a reward model");
        fields.read("name", one.name).read("answers", one.answers).read("caught", one.caught).read("predicted", one.predicted);
        RATCHET_CHECK(fields.status());
        report.classes.push_back(std::move(one));
    }
    return report;
}

RewardTrust trustIn(const RewardReport& newest, const Reliability& signal)
{
    const auto seen = [&] {
        return fmt::format("Right answers are above wrong ones {:.0f} % of the time [{:.0f}, {:.0f}], of {} graded.", 100 * newest.area,
                           100 * newest.areaLow, 100 * newest.areaHigh, newest.answers);
    };
    if (newest.answers < RewardTrust::fewest)
        return {false, fmt::format("Only {} answers that it has not learnt from are graded, fewer than {}.", newest.answers, RewardTrust::fewest)};
    if (newest.right == 0 || newest.right == newest.answers)
        return {false, fmt::format("All {} graded answers are {}: whether it tells them apart cannot be seen.", newest.answers, newest.right == 0 ? "wrong" : "right")};
    if (newest.areaLow <= 0.5)
        return {false, fmt::format("It is no better than chance. {}", seen())};
    if (newest.accuracyHigh < newest.majority)
        return {false, fmt::format("Its accuracy of {:.0f} % is below the {:.0f} % of always saying the same.", 100 * newest.accuracy, 100 * newest.majority)};
    if (signal.misleads)
        return {false, fmt::format("It orders challengers the wrong way round: rank correlation {:.2f} [{:.2f}, {:.2f}] over {} judged.", signal.rank,
                                   signal.rankLow, signal.rankHigh, signal.pairs)};
    if (signal.drifted)
        return {false, fmt::format("It has begun to promise more than the gate shows: cumulative sum {:.1f} over {} judged.", signal.largestDrift, signal.pairs)};
    return {true, seen()};
}

} // namespace ratchet
