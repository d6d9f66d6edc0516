// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/calibration.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <span>

#include "core/selector/rules.h"

namespace ratchet {
namespace {

// The spread that the mean of these answers has when each is right with the probability that it states.
double chanceDeviation(std::span<const SureAnswer> answers)
{
    double variance = 0;
    for (const SureAnswer& answer : answers)
        variance += answer.confidence * (1 - answer.confidence);
    return std::sqrt(variance) / static_cast<double>(answers.size());
}

ReliabilityBin binOf(std::span<const SureAnswer> answers)
{
    ReliabilityBin bin;
    bin.items = static_cast<int>(answers.size());
    int right = 0;
    for (const SureAnswer& answer : answers) {
        bin.confidence += answer.confidence / bin.items;
        right += answer.right ? 1 : 0;
    }
    bin.accuracy = static_cast<double>(right) / bin.items;
    std::tie(bin.low, bin.high) = clopperPearson(right, bin.items);
    return bin;
}

// `answers` by falling confidence.
void addSelection(std::span<const SureAnswer> answers, Calibration& result)
{
    const std::size_t half = (answers.size() + 1) / 2;
    double wrong = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
        wrong += answers[i].right ? 0 : 1;
        result.riskArea += wrong / static_cast<double>(i + 1) / static_cast<double>(answers.size());
        if (i + 1 == half)
            result.surestHalf = 1 - wrong / static_cast<double>(half);
    }
}

// Where the bin from `begin` ends: at that change of confidence which leaves it nearest to its share of all.
std::size_t binEnd(std::span<const SureAnswer> answers, std::size_t begin, std::size_t bins)
{
    const std::size_t wanted = std::min(answers.size(), begin + (answers.size() + bins - 1) / bins);
    std::size_t below = wanted, above = wanted;
    while (below > begin && below < answers.size() && answers[below].confidence == answers[below - 1].confidence)
        --below;
    while (above < answers.size() && answers[above].confidence == answers[above - 1].confidence)
        ++above;
    return below > begin && wanted - below <= above - wanted ? below : above;
}

} // namespace

Calibration calibrationOf(std::vector<SureAnswer> answers, int bins)
{
    Calibration result;
    result.items = static_cast<int>(answers.size());
    result.sureWrong = static_cast<int>(std::count_if(answers.begin(), answers.end(), [](const SureAnswer& answer) {
        return !answer.right && answer.confidence >= Calibration::sure;
    }));
    if (answers.empty())
        return result;
    for (SureAnswer& answer : answers) {
        answer.confidence = std::clamp(answer.confidence, 0.0, 1.0);
        result.accuracy += (answer.right ? 1.0 : 0.0) / result.items;
        result.confidence += answer.confidence / result.items;
        const double miss = answer.confidence - (answer.right ? 1 : 0);
        result.brier += miss * miss / result.items;
    }
    std::sort(answers.begin(), answers.end(), [](const SureAnswer& a, const SureAnswer& b) {
        return a.confidence != b.confidence ? a.confidence > b.confidence : a.right < b.right;
    });
    addSelection(answers, result);
    std::reverse(answers.begin(), answers.end());
    for (std::size_t begin = 0; begin < answers.size();) {
        const std::size_t end = binEnd(answers, begin, static_cast<std::size_t>(std::max(bins, 1)));
        const std::span<const SureAnswer> members(answers.data() + begin, end - begin);
        const ReliabilityBin bin = binOf(members);
        const double share = static_cast<double>(bin.items) / result.items;
        result.error += share * std::abs(bin.accuracy - bin.confidence);
        result.byChance += share * std::sqrt(2 / std::numbers::pi) * chanceDeviation(members);
        result.bins.push_back(bin);
        begin = end;
    }
    return result;
}

Json Calibration::toJson() const
{
    Json list = Json::array();
    for (const ReliabilityBin& bin : bins)
        list.push_back({{"confidence", bin.confidence}, {"accuracy", bin.accuracy}, {"low", bin.low}, {"high", bin.high}, {"items", bin.items}});
    return {{"items", items}, {"accuracy", accuracy}, {"confidence", confidence}, {"error", error}, {"byChance", byChance},
            {"brier", brier}, {"surestHalf", surestHalf}, {"riskArea", riskArea},
            {"sureWrong", sureWrong ? Json(*sureWrong) : Json()}, {"bins", list}};
}

Result<Calibration> Calibration::fromJson(const Json& json)
{
    Calibration result;
    Json list, sureWrong;
    Fields in(json, "a calibration");
    in.read("items", result.items).read("accuracy", result.accuracy).read("confidence", result.confidence).read("error", result.error);
    in.read("byChance", result.byChance).read("brier", result.brier).read("surestHalf", result.surestHalf).read("riskArea", result.riskArea);
    in.readIf("sureWrong", sureWrong).read("bins", list).onlyKnown();
    if (!sureWrong.is_null() && !sureWrong.is_number_integer())
        in.fault("\"sureWrong\" is no count");
    RATCHET_CHECK(in.status());
    if (!sureWrong.is_null())
        result.sureWrong = sureWrong.get<int>();
    for (const Json& entry : list) {
        ReliabilityBin bin;
        Fields fields(entry, "a bin of a calibration");
        fields.read("confidence", bin.confidence).read("accuracy", bin.accuracy).read("low", bin.low).read("high", bin.high).read("items", bin.items);
        RATCHET_CHECK(fields.status());
        result.bins.push_back(bin);
    }
    return result;
}

} // namespace ratchet
