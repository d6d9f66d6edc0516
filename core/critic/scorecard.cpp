// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/critic/scorecard.h"

#include <cmath>
#include <numbers>

#include "core/selector/boundary.h"

namespace ratchet {
namespace {

constexpr std::size_t mostPathPoints = 200;

double capped(double logE)
{
    return std::min(std::exp(std::min(logE, 700.0)), 1e300);
}

bool areScores(const std::vector<double>& scores)
{
    return std::all_of(scores.begin(), scores.end(), [](double score) { return score >= 0 && score <= 1; });
}

// Counts of failure classes: an object of whole numbers that do not exceed the items.
bool areClasses(const Json& classes, std::size_t items)
{
    if (!classes.is_object())
        return false;
    std::int64_t left = static_cast<std::int64_t>(items);
    for (const auto& count : classes) {
        if (!count.is_number_integer() || count.get<std::int64_t>() < 0 || count.get<std::int64_t>() > left)
            return false;
        left -= count.get<std::int64_t>();
    }
    return true;
}

void addClasses(Json& sum, const Json& classes)
{
    for (const auto& entry : classes.items())
        sum[entry.key()] = sum.value(entry.key(), std::int64_t(0)) + entry.value().get<std::int64_t>();
}

Json toJsonSample(const Sample& sample)
{
    return {{"question", sample.question}, {"prompt", sample.prompt}, {"expected", sample.expected},
            {"champion", sample.champion}, {"challenger", sample.challenger},
            {"championClass", sample.championClass}, {"challengerClass", sample.challengerClass},
            {"championConfidence", sample.championConfidence}, {"challengerConfidence", sample.challengerConfidence}};
}

std::vector<double> decimated(const std::vector<double>& path)
{
    if (path.size() <= mostPathPoints)
        return path;
    std::vector<double> points;
    for (std::size_t i = 1; i <= mostPathPoints; ++i)
        points.push_back(path[i * path.size() / mostPathPoints - 1]);
    return points;
}

Gate::Options gateOptions(Measure measure, double logThreshold, double minEffect, int maxPairs)
{
    Gate::Options options;
    options.kind = measure == Measure::ExactMatch ? Gate::Kind::ExactMatch : Gate::Kind::Bounded;
    options.logThreshold = logThreshold;
    options.minEffect = minEffect;
    options.maxPairs = maxPairs;
    options.range = differenceRange(measure);
    return options;
}

std::string eText(double logE)
{
    const double power = logE / std::numbers::ln10;
    if (power >= 6)
        return fmt::format("1e{:.0f}", std::floor(power));
    return power >= 3 ? fmt::format("{:.0f}", std::exp(logE)) : fmt::format("{:.3g}", std::exp(logE));
}

} // namespace

Tally::Tally(SuiteSpec suite, std::string split, const Gate::Options& gate, std::optional<RetainedCheck> retained)
    : m_suite(std::move(suite)), m_split(std::move(split)), m_range(gate.range), m_gate(gate), m_retained(std::move(retained))
{
}

Status Tally::check(const Scores& scores) const
{
    const auto wrong = [&](const char* what) {
        return fail(Code::BadInput, fmt::format("The judge's answer about {} is no result: {}.", m_suite.name, what));
    };
    const std::size_t items = scores.champion.size();
    if (scores.suite != m_suite.name || scores.split != m_split)
        return wrong("it is about something else");
    if (items == 0 || (!scores.challenger.empty() && scores.challenger.size() != items))
        return wrong("scores are missing");
    for (const auto& [sure, scored] : {std::pair(&scores.championConfidence, &scores.champion), std::pair(&scores.challengerConfidence, &scores.challenger)})
        if (!sure->empty() && sure->size() != scored->size())
            return wrong("confidences are missing");
    if (!areScores(scores.champion) || !areScores(scores.challenger))
        return wrong("a score is not between 0 and 1");
    if (!areClasses(scores.championClasses, items) || !areClasses(scores.challengerClasses, items))
        return wrong("its failure classes are no counts");
    if (m_split == "gate" && !scores.samples.empty())
        return wrong("it shows items that must stay hidden");
    return {};
}

Status Tally::add(const Scores& scores)
{
    RATCHET_CHECK(check(scores));
    if (scores.challenger.empty()) {
        m_alone += static_cast<int>(scores.champion.size());
        for (const double score : scores.champion)
            m_aloneSum += score;
    }
    for (std::size_t i = 0; i < scores.challenger.size(); ++i) {
        static_cast<void>(m_gate.add(scores.champion[i], scores.challenger[i]));   // check() has seen them
        if (m_retained)
            static_cast<void>(m_retained->add(scores.champion[i], scores.challenger[i]));
        m_challengerScores.add(scores.challenger[i]);
        m_differences.add(std::clamp(scores.challenger[i] - scores.champion[i], -m_range, m_range));
        m_path.push_back(m_gate.logEValue() / std::numbers::ln10);
    }
    for (std::size_t i = 0; i < scores.championConfidence.size(); ++i)
        m_champion.push_back({scores.championConfidence[i], scores.champion[i] >= 1});
    for (std::size_t i = 0; i < scores.challengerConfidence.size(); ++i)
        m_challenger.push_back({scores.challengerConfidence[i], scores.challenger[i] >= 1});
    addClasses(m_classes["champion"], scores.championClasses);
    addClasses(m_classes["challenger"], scores.challengerClasses);
    for (const auto& sample : scores.samples)
        m_samples.push_back(toJsonSample(sample));
    return {};
}

ScorecardRecord Tally::record() const
{
    const auto& interval = m_retained ? m_retained->difference() : m_gate.difference();
    ScorecardRecord record;
    record.suite = m_suite.name;
    record.split = m_split;
    record.retained = m_suite.role == SuiteRole::Retained;
    record.probe = m_suite.role == SuiteRole::Probe;
    record.items = m_gate.pairs() + m_alone;
    record.wins = m_gate.wins();
    record.losses = m_gate.losses();
    record.ties = m_gate.pairs() - record.wins - record.losses;
    record.championMean = m_alone > 0 ? (m_aloneSum + m_gate.championMean() * m_gate.pairs()) / record.items : m_gate.championMean();
    record.challengerMean = m_gate.challengerMean();
    if (m_gate.pairs() > 0) {
        record.difference = record.challengerMean - m_gate.championMean();
        record.low = interval.low();
        record.high = interval.high();
        record.eValue = capped(m_gate.logEValue());
    }
    record.path = decimated(m_path);
    record.classes = m_classes;
    record.samples = m_samples;
    record.calibration = calibration();
    record.challengerDeviation = m_challengerScores.value();
    record.differenceDeviation = m_differences.value();
    return record;
}

Json Tally::calibration() const
{
    Json both = Json::object();
    for (const auto& [who, answers] : {std::pair("champion", &m_champion), std::pair("challenger", &m_challenger)})
        if (!answers->empty())
            both[who] = calibrationOf(*answers).toJson();
    return both.empty() ? Json() : both;
}

Result<ScorecardRecord> scorecardOf(const Scores& scores, const SuiteSpec& suite, Measure measure)
{
    Tally tally(suite, scores.split, gateOptions(measure, Gate::Options().logThreshold, 0, static_cast<int>(scores.champion.size())));
    RATCHET_CHECK(tally.add(scores));
    return tally.record();
}

double logThresholdOf(const Comparison::Options& options)
{
    if (options.logThreshold)
        return *options.logThreshold;
    return options.measure == Measure::ExactMatch ? Boundary::exact(options.alpha, options.maxPairs).logLevel() : -std::log(options.alpha);
}

Comparison::Comparison(const std::vector<SuiteSpec>& suites, const Options& options)
    : m_options(options), m_logThreshold(logThresholdOf(options))
{
    const auto gate = gateOptions(options.measure, m_logThreshold, options.minEffect, options.maxPairs);
    for (const auto& suite : suites) {
        if (suite.role == SuiteRole::Probe)
            continue;
        m_tallies.emplace_back(suite, "gate", gate,
                               suite.role == SuiteRole::Target
                                   ? std::nullopt
                                   : std::optional(RetainedCheck(suite.margin, options.retainedAlpha, options.retainedPairs, gate.range)));
    }
    if (m_tallies.empty())
        end("The domain has no suite to judge by.");
}

Status Comparison::addIntegrity(const Integrity& integrity)
{
    if (m_ended || m_checked || integrity.checks.empty()) {
        end("The judge's integrity report was missing or came twice.");
        return fail(Code::BadInput, m_ended->second);
    }
    for (const auto& check : integrity.checks) {
        m_integrity.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
        if (!check.ok && !m_ended)
            m_ended.emplace(Verdict::Reject, fmt::format("The integrity check \"{}\" failed: {}.", check.name, check.detail));
    }
    m_checked = true;
    return {};
}

std::optional<std::size_t> Comparison::current() const
{
    if (m_ended)
        return std::nullopt;
    const auto answer = m_tallies.front().gate().answer();
    if (answer == Gate::Answer::NeedMore)
        return m_futile ? std::nullopt : std::optional<std::size_t>(0);
    if (answer == Gate::Answer::Accept)
        for (std::size_t i = 1; i < m_tallies.size(); ++i) {
            const auto retained = m_tallies[i].retained() ? m_tallies[i].retained()->answer() : RetainedCheck::Answer::Pass;
            if (retained == RetainedCheck::Answer::NeedMore)
                return i;
            if (retained == RetainedCheck::Answer::Fail)
                return std::nullopt;
        }
    return std::nullopt;
}

std::optional<Ask> Comparison::next() const
{
    const auto index = current();
    if (!index)
        return std::nullopt;
    const Tally& tally = m_tallies[*index];
    const int seen = tally.gate().pairs();
    const int first = tally.retained() ? m_options.retainedBatch : m_options.firstBatch;
    const int most = tally.retained() ? m_options.retainedPairs : m_options.maxPairs;
    return Ask{tally.suite().name, "gate", std::min({seen == 0 ? first : seen, std::max(first, m_options.largestBatch), most - seen})};
}

Status Comparison::add(const Scores& scores)
{
    const auto ask = next();
    Status status;
    if (!m_checked || !ask)
        status = fail(Code::BadInput, "The judge sent scores that nobody asked for.");
    else if (static_cast<int>(scores.champion.size()) != ask->count || scores.challenger.size() != scores.champion.size())
        status = fail(Code::BadInput, fmt::format("The judge's answer about {} is no result: it holds {} and {} scores instead of {}.",
                                                  ask->suite, scores.champion.size(), scores.challenger.size(), ask->count));
    else if (const std::size_t suite = *current(); (status = m_tallies[suite].add(scores)))
        m_looks += suite == 0 ? 1 : 0;
    if (!status)
        end(status.error().text);
    else if (const Gate& target = m_tallies.front().gate(); target.answer() == Gate::Answer::NeedMore)
        m_futile = target.chanceOfAccept() < m_options.leastChance;
    return status;
}

void Comparison::abandon(const std::string& reason)
{
    if (!isFinished())
        end(reason);
}

void Comparison::end(const std::string& reason)
{
    m_ended.emplace(Verdict::NoResult, reason);
}

std::vector<ScorecardRecord> Comparison::scorecards() const
{
    std::vector<ScorecardRecord> records;
    for (const auto& tally : m_tallies)
        if (tally.gate().pairs() > 0)
            records.push_back(tally.record());
    return records;
}

std::string Comparison::figures(const Tally& tally) const
{
    const Gate& gate = tally.gate();
    if (m_options.measure == Measure::BitsPerByte)
        return fmt::format("{:.3f} bits per byte against {:.3f} over {} texts", 8 * (1 - gate.challengerMean()),
                           8 * (1 - gate.championMean()), gate.pairs());
    return fmt::format("{:.1f} % right against {:.1f} % over {} items", 100 * gate.challengerMean(), 100 * gate.championMean(), gate.pairs());
}

std::pair<Verdict, std::string> Comparison::decide() const
{
    if (m_ended)
        return *m_ended;
    if (!isFinished())
        return {Verdict::NoResult, "The comparison is not finished."};
    const Tally& target = m_tallies.front();
    const std::string about = fmt::format("on {}: {} (E = {}, needed {})", target.suite().name, figures(target), eText(logEValue()),
                                          eText(logThreshold()));
    const auto answer = target.gate().answer();
    if (answer == Gate::Answer::Reject)
        return {Verdict::Reject, fmt::format("No better {}.", about)};
    if (answer == Gate::Answer::NeedMore)
        return {Verdict::Inconclusive, fmt::format("Undecided {}; the items left would hardly have decided it.", about)};
    if (answer != Gate::Answer::Accept)
        return {Verdict::Inconclusive, fmt::format("Undecided {}.", about)};
    std::string kept;
    for (const auto& tally : m_tallies) {
        if (!tally.retained())
            continue;
        if (tally.retained()->answer() != RetainedCheck::Answer::Pass)
            return {Verdict::Reject, fmt::format("Better {}, but not shown to be as good on {}: {}.", about, tally.suite().name, figures(tally))};
        kept += (kept.empty() ? "; no worse on " : " and ") + tally.suite().name;
    }
    return {Verdict::Accept, fmt::format("Better {}{}.", about, kept)};
}

VerdictRecord Comparison::verdict() const
{
    VerdictRecord record;
    std::tie(record.verdict, record.reason) = decide();
    record.alpha = m_options.alpha;
    record.threshold = std::exp(std::min(m_logThreshold, 690.0));
    record.integrity = m_integrity;
    record.looks = m_looks;
    if (!m_tallies.empty()) {
        const Gate& gate = m_tallies.front().gate();
        record.eValue = capped(gate.logEValue());
        record.pairs = gate.pairs();
        record.discordant = gate.wins() + gate.losses();
    }
    return record;
}

double Comparison::logEValue() const
{
    return m_tallies.empty() ? 0 : m_tallies.front().gate().logEValue();
}

} // namespace ratchet
