// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/outcomes.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "core/selector/gate.h"

namespace ratchet {
namespace {

struct Outcomes { std::string proposal; std::vector<std::pair<double, double>> pairs; };

std::string_view trimmed(std::string_view text)
{
    const auto first = text.find_first_not_of(" \t\r");
    return first == text.npos ? std::string_view() : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

std::vector<std::string_view> fieldsOf(std::string_view line)
{
    std::vector<std::string_view> fields;
    for (;;) {
        const auto comma = line.find(',');
        fields.push_back(trimmed(line.substr(0, comma)));
        if (comma == line.npos)
            return fields;
        line.remove_prefix(comma + 1);
    }
}

Result<double> scoreFrom(std::string_view text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || !(value >= 0 && value <= 1))
        return fail(Code::BadInput, fmt::format("\"{}\" is no score between 0 and 1", text));
    return value;
}

Result<std::pair<double, double>> pairFrom(const std::vector<std::string_view>& fields)
{
    if (fields.front().empty())
        return fail(Code::BadInput, "the proposal has no name");
    if (fields.size() == 3) {
        RATCHET_TRY(champion, scoreFrom(fields[1]));
        RATCHET_TRY(challenger, scoreFrom(fields[2]));
        return std::pair{champion, challenger};
    }
    if (fields.size() != 2)
        return fail(Code::BadInput, fmt::format("it has {} fields, not 2 or 3", fields.size()));
    if (fields[1] == "win")
        return std::pair{0.0, 1.0};
    if (fields[1] == "loss")
        return std::pair{1.0, 0.0};
    if (fields[1] == "tie")
        return std::pair{1.0, 1.0};
    return fail(Code::BadInput, fmt::format("\"{}\" is none of win, loss and tie", fields[1]));
}

Result<std::vector<Outcomes>> readOutcomes(std::string_view text)
{
    std::vector<Outcomes> all;
    std::map<std::string, std::size_t, std::less<>> places;
    bool header = true;        // may still come
    for (int number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = trimmed(text.substr(0, end));
        text.remove_prefix(end == text.npos ? text.size() : end + 1);
        if (line.empty() || line.front() == '#')
            continue;
        if (std::exchange(header, false) && line.starts_with("proposal,"))
            continue;
        const auto fields = fieldsOf(line);
        const auto pair = pairFrom(fields);
        if (!pair)
            return fail(Code::BadInput, fmt::format("Line {} is no outcome: {}.", number, pair.error().text),
                        "A line is proposal,win|loss|tie or proposal,scoreA,scoreB with scores in 0 .. 1.");
        const auto [place, isNew] = places.try_emplace(std::string(fields.front()), all.size());
        if (isNew)
            all.push_back({place->first, {}});
        all[place->second].pairs.push_back(*pair);
    }
    if (all.empty())
        return fail(Code::BadInput, "The file holds no outcome.", "A line is proposal,win|loss|tie or proposal,scoreA,scoreB.");
    return all;
}

bool isWhole(const std::pair<double, double>& pair)
{
    return (pair.first == 0 || pair.first == 1) && (pair.second == 0 || pair.second == 1);
}

} // namespace

Result<std::vector<OutcomeVerdict>> judgeOutcomes(std::string_view text, double alpha, double minEffect)
{
    if (!(alpha > 0 && alpha < 1))
        return fail(Code::BadInput, fmt::format("alpha {} is not between 0 and 1.", alpha));
    if (!(minEffect >= 0 && minEffect < 1))
        return fail(Code::BadInput, fmt::format("A smallest effect of {} is not between 0 and 1.", minEffect));
    RATCHET_TRY(all, readOutcomes(text));
    std::vector<OutcomeVerdict> verdicts;
    int accepted = 0;
    for (const Outcomes& outcomes : all) {
        OutcomeVerdict one;
        one.proposal = outcomes.proposal;
        one.k = static_cast<int>(verdicts.size()) + 1;
        one.alpha = elondAlpha(alpha, one.k, accepted);
        one.given = static_cast<int>(outcomes.pairs.size());
        Gate::Options options;
        options.logThreshold = -std::log(one.alpha);    // who counts pairs elsewhere may stop when they like
        options.minEffect = minEffect;
        options.maxPairs = one.given;
        options.kind = std::all_of(outcomes.pairs.begin(), outcomes.pairs.end(), isWhole) ? Gate::Kind::ExactMatch : Gate::Kind::Bounded;
        Gate gate(options);
        for (auto pair = outcomes.pairs.begin(); gate.answer() == Gate::Answer::NeedMore; ++pair)
            if (!gate.add(pair->first, pair->second))
                return fail(Code::BadInput, fmt::format("A score of {} is none.", outcomes.proposal));
        one.verdict = gate.answer() == Gate::Answer::Accept   ? Verdict::Accept
                      : gate.answer() == Gate::Answer::Reject ? Verdict::Reject
                                                              : Verdict::Inconclusive;
        accepted += one.verdict == Verdict::Accept ? 1 : 0;
        one.wins = gate.wins();
        one.losses = gate.losses();
        one.ties = gate.pairs() - gate.wins() - gate.losses();
        one.logEValue = gate.logEValue();
        one.difference = gate.difference().mean();
        one.low = gate.difference().low();
        one.high = gate.difference().high();
        verdicts.push_back(one);
    }
    return verdicts;
}

} // namespace ratchet
