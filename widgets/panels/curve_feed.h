// SPDX-License-Identifier: GPL-3.0-or-later
// Keeps the points of one metric of some trials: everything once, then only what is new, and on zoom the finest points of the
// visible range. Used by the curves panel. User-interface thread only; the store is read on the session's reader thread.
#pragma once

#include <map>
#include <set>

#include <QObject>
#include <QPointer>
#include <QStringList>

#include "widgets/bridge/lab_session.h"
#include "widgets/plot/curve_math.h"

namespace ratchet {

// Points of one run over steps. `counts`: raw points behind each; `low` and `high`: their extremes.
struct RunPoints {
    std::vector<double> step, value, low, high, counts;
    [[nodiscard]] bool isRaw() const;             // every point as it was recorded
    void append(const SeriesBucket& bucket);
    // These points with those of `finer` in place of what lies in [from, to].
    [[nodiscard]] RunPoints with(const RunPoints& finer, double from, double to) const;
};

class CurveFeed : public QObject {
    Q_OBJECT
public:
    explicit CurveFeed(QObject* parent = nullptr);
    void setSession(LabSession* session);
    // Asks for what is missing of these trials; call again whenever the snapshot changed.
    void want(const std::set<Id<TrialRecord>>& trials, const std::string& metric);
    // Finer points of [from, to] (steps) for runs that hold only extremes of buckets there.
    void wantDetail(double from, double to, int columns);
    [[nodiscard]] RunPoints points(Id<TrialRecord> trial) const;   // empty while nothing is there
    [[nodiscard]] std::set<std::string> metrics() const;           // of the wanted trials
    [[nodiscard]] bool isSettled() const { return m_pending == 0; }

Q_SIGNALS:
    void changed();

private:
    struct Run {
        std::map<std::string, std::int64_t> series;
        RunPoints full, finer;
        double finerFrom = 0, finerTo = -1;
        std::int64_t next = 0;                    // first step not asked for yet
        bool asked = false, ended = false;        // ended: nothing will be added any more
    };
    void askFor(Id<TrialRecord> trial);
    void askPoints(Id<TrialRecord> trial);
    void answered();
    QPointer<LabSession> m_session;
    std::map<Id<TrialRecord>, Run> m_runs;
    std::set<Id<TrialRecord>> m_wanted;
    std::string m_metric;
    int m_pending = 0;
    int m_generation = 0;                         // answers to an older metric or session are dropped
};

} // namespace ratchet
