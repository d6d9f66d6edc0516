// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/reward.h"

#include <algorithm>
#include <array>
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

using Features = std::array<double, 3>;          // logit, log odds of the confidence, 1

Features featuresOf(double logit, double confidence)
{
    const double sure = std::clamp(confidence, 1e-6, 1 - 1e-6);
    return {logit, std::log(sure / (1 - sure)), 1};
}

double dot(const Features& a, const Features& b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }

// x with matrix x = right, the matrix positive definite (Gaussian elimination).
Features solved(std::array<Features, 3> matrix, Features right)
{
    for (std::size_t i = 0; i < 3; ++i)
        for (std::size_t j = i + 1; j < 3; ++j) {
            const double factor = matrix[j][i] / matrix[i][i];
            for (std::size_t k = i; k < 3; ++k)
                matrix[j][k] -= factor * matrix[i][k];
            right[j] -= factor * right[i];
        }
    for (std::size_t i = 3; i-- > 0;) {
        for (std::size_t k = i + 1; k < 3; ++k)
            right[i] -= matrix[i][k] * right[k];
        right[i] /= matrix[i][i];
    }
    return right;
}

// Logistic regression on the features that are used, by Newton steps that are halved until they help.
Features fitted(const std::vector<PlattPoint>& points, const std::array<bool, 3>& isUsed)
{
    const auto right = static_cast<double>(std::count_if(points.begin(), points.end(), [](const PlattPoint& one) { return one.right; }));
    const double wrong = static_cast<double>(points.size()) - right;
    const double targets[2] = {1 / (wrong + 2), (right + 1) / (right + 2)};
    std::vector<Features> features;
    for (const PlattPoint& point : points) {
        features.push_back(featuresOf(point.logit, point.confidence));
        for (std::size_t i = 0; i < 3; ++i)
            features.back()[i] *= isUsed[i];
    }
    const auto loss = [&](const Features& weights) {
        double sum = 0;
        for (std::size_t n = 0; n < points.size(); ++n) {
            const double f = dot(weights, features[n]);
            sum += (f > 0 ? std::log1p(std::exp(-f)) : std::log1p(std::exp(f)) - f) + (1 - targets[points[n].right]) * f;
        }
        return sum;
    };
    Features weights{0, 0, std::log((right + 1) / (wrong + 1))};
    for (int step = 0; step < 100; ++step) {
        Features gradient{};
        std::array<Features, 3> curvature{{{1e-9, 0, 0}, {0, 1e-9, 0}, {0, 0, 1e-9}}};
        for (std::size_t n = 0; n < points.size(); ++n) {
            const double p = 1 / (1 + std::exp(-std::clamp(dot(weights, features[n]), -30.0, 30.0)));
            for (std::size_t i = 0; i < 3; ++i) {
                gradient[i] += (p - targets[points[n].right]) * features[n][i];
                for (std::size_t j = 0; j < 3; ++j)
                    curvature[i][j] += p * (1 - p) * features[n][i] * features[n][j];
            }
        }
        const Features direction = solved(curvature, gradient);
        const double before = loss(weights);
        double length = 1;
        Features next = weights;
        for (; length > 1e-10; length /= 2) {
            for (std::size_t i = 0; i < 3; ++i)
                next[i] = weights[i] - length * direction[i];
            if (loss(next) < before - 1e-9)
                break;
        }
        if (length <= 1e-10)
            break;
        weights = next;
    }
    return weights;
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

double Platt::probability(double logit, double sure) const
{
    const Features x = featuresOf(logit, sure);
    return 1 / (1 + std::exp(-std::clamp(slope * x[0] + confidence * x[1] + offset, -30.0, 30.0)));
}

Platt plattOf(const std::vector<PlattPoint>& points)
{
    std::array<bool, 3> isUsed{true, true, true};
    for (;;) {
        const Features weights = fitted(points, isUsed);
        const auto wrong = std::min_element(weights.begin(), weights.begin() + 2);
        if (*wrong >= 0)
            return {weights[0], weights[1], weights[2]};
        isUsed[static_cast<std::size_t>(wrong - weights.begin())] = false;
    }
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
    if (signal.drifted && signal.pairs >= RewardTrust::fewestToDrift)
        return {false, fmt::format("It has begun to promise more than the gate shows: cumulative sum {:.1f} over {} judged.", signal.largestDrift, signal.pairs)};
    return {true, seen()};
}

} // namespace ratchet
