// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/panels/curve_feed.h"

#include <algorithm>
#include <cmath>

namespace ratchet {

namespace {

constexpr int mostPoints = 100'000;               // of a whole run at once; longer ones come as extremes of buckets
constexpr std::int64_t noEnd = std::int64_t(1) << 60;

bool hasEnded(const Snapshot& snapshot, Id<TrialRecord> id)
{
    const TrialRecord* trial = snapshot.trial(id);
    return trial && trial->state != TrialState::Pending && trial->state != TrialState::Running;
}

} // namespace

bool RunPoints::isRaw() const
{
    return std::all_of(counts.begin(), counts.end(), [](double count) { return count <= 1; });
}

void RunPoints::append(const SeriesBucket& bucket)
{
    if (!step.empty() && double(bucket.step) <= step.back())
        return;
    step.push_back(double(bucket.step));
    value.push_back(bucket.last);
    low.push_back(bucket.low);
    high.push_back(bucket.high);
    counts.push_back(double(bucket.count));
}

RunPoints RunPoints::with(const RunPoints& finer, double from, double to) const
{
    RunPoints result;
    const auto take = [&result](const RunPoints& source, std::size_t i) {
        result.step.push_back(source.step[i]);
        result.value.push_back(source.value[i]);
        result.low.push_back(source.low[i]);
        result.high.push_back(source.high[i]);
        result.counts.push_back(source.counts[i]);
    };
    std::size_t i = 0;
    for (; i < step.size() && step[i] < from; ++i)
        take(*this, i);
    for (std::size_t k = 0; k < finer.step.size(); ++k)
        if (finer.step[k] >= from && finer.step[k] <= to)
            take(finer, k);
    for (; i < step.size(); ++i)
        if (step[i] > to)
            take(*this, i);
    return result;
}

CurveFeed::CurveFeed(QObject* parent) : QObject(parent) {}

void CurveFeed::setSession(LabSession* session)
{
    if (session == m_session)
        return;
    m_session = session;
    m_runs.clear();
    m_pending = 0;
    ++m_generation;
}

void CurveFeed::want(const std::set<Id<TrialRecord>>& trials, const std::string& metric)
{
    if (metric != m_metric) {
        for (auto& [id, run] : m_runs)
            run = Run{run.series, {}, {}, 0, -1, 0, false, false};
        m_metric = metric;
        m_pending = 0;
        ++m_generation;
    }
    m_wanted = trials;
    if (!m_session || !m_session->snapshot())
        return;
    for (const auto id : trials)
        if (Run& run = m_runs[id]; !run.asked && !run.ended)
            askFor(id);
}

void CurveFeed::askFor(Id<TrialRecord> id)
{
    Run& run = m_runs[id];
    run.asked = true;
    if (run.series.count(m_metric))
        return askPoints(id);
    ++m_pending;
    // Read before asking: what is added between the two is fetched the next time.
    const bool ended = hasEnded(*m_session->snapshot(), id);
    m_session->askSeries(id, this, [this, id, ended, generation = m_generation](const std::vector<SeriesInfo>& list) {
        if (generation != m_generation)
            return;
        --m_pending;
        Run& here = m_runs[id];
        for (const auto& info : list)
            here.series[info.name] = info.id;
        here.asked = false;
        if (here.series.count(m_metric))
            askPoints(id);
        else
            here.ended = ended;
        answered();
    });
}

void CurveFeed::askPoints(Id<TrialRecord> id)
{
    Run& run = m_runs[id];
    run.asked = true;
    ++m_pending;
    const bool ended = hasEnded(*m_session->snapshot(), id);
    m_session->askPoints(run.series[m_metric], run.next, noEnd, mostPoints, this,
                         [this, id, ended, generation = m_generation](const std::vector<SeriesBucket>& buckets) {
                             if (generation != m_generation)
                                 return;
                             --m_pending;
                             Run& here = m_runs[id];
                             here.asked = false;
                             here.ended = ended;
                             for (const auto& bucket : buckets) {
                                 here.full.append(bucket);
                                 here.next = std::max(here.next, bucket.step + bucket.width);
                             }
                             answered();
                         });
}

void CurveFeed::wantDetail(double from, double to, int columns)
{
    if (!m_session || !(to > from))
        return;
    for (const auto id : m_wanted) {
        Run& run = m_runs[id];
        if (run.full.isRaw() || !run.series.count(m_metric))
            continue;
        // Some of the past as well, so that smoothing has warmed up where the picture begins.
        const auto first = std::int64_t(std::max(0.0, from - (to - from) * 0.5)), last = std::int64_t(std::ceil(to));
        ++m_pending;
        m_session->askPoints(run.series[m_metric], first, last, std::max(columns * 16, 4096), this,
                             [this, id, first, last, generation = m_generation](const std::vector<SeriesBucket>& buckets) {
                                 if (generation != m_generation)
                                     return;
                                 --m_pending;
                                 Run& here = m_runs[id];
                                 here.finer = {};
                                 for (const auto& bucket : buckets)
                                     here.finer.append(bucket);
                                 here.finerFrom = double(first);
                                 here.finerTo = double(last);
                                 answered();
                             });
    }
}

void CurveFeed::answered()
{
    Q_EMIT changed();
}

RunPoints CurveFeed::points(Id<TrialRecord> trial) const
{
    const auto run = m_runs.find(trial);
    if (run == m_runs.end())
        return {};
    return run->second.finer.step.empty() ? run->second.full
                                          : run->second.full.with(run->second.finer, run->second.finerFrom, run->second.finerTo);
}

std::set<std::string> CurveFeed::metrics() const
{
    std::set<std::string> names;
    for (const auto id : m_wanted)
        if (const auto run = m_runs.find(id); run != m_runs.end())
            for (const auto& [name, series] : run->second.series)
                names.insert(name);
    return names;
}

} // namespace ratchet
