// SPDX-License-Identifier: GPL-3.0-or-later
// The crew: a fixed number of places at which jobs (trials, judgings) run, each in a child process of its own. Everything
// happens on the thread that calls pump().
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <vector>

#include "core/agent/status.h"
#include "core/launch/child.h"

namespace ratchet {

class Job {
public:
    virtual ~Job() = default;
    [[nodiscard]] virtual Result<ChildSpec> spec() = 0;
    // An error ends the child; end() follows with that error.
    [[nodiscard]] virtual Status receive(const Message& message, Child& child) = 0;
    // The child is gone; writes what came of it to the store. An error here is the engine's own (disk full) and ends the run.
    [[nodiscard]] virtual Status end(const Status& how, std::chrono::milliseconds wall, double peakBytes) = 0;
    // Writes what was collected since the last call; inside a transaction.
    [[nodiscard]] virtual Status flush() { return {}; }
    [[nodiscard]] virtual EngineStatus::Running running() const = 0;
    [[nodiscard]] virtual bool isJudging() const { return false; }
    // Natural log of the evidence seen and of what it takes, of a judging; 0 and 0 otherwise.
    [[nodiscard]] virtual std::pair<double, double> evidence() const { return {0, 0}; }
    [[nodiscard]] virtual bool concerns(Id<ProposalRecord> proposal) const = 0;
};

class Crew {
public:
    Crew(Supervisor& supervisor, int places) : m_supervisor(supervisor), m_places(places) {}
    ~Crew();

    // Judgings go before trials, both in the order they came.
    void add(std::unique_ptr<Job> job);
    // Starts what fits (unless `hold`), handles events for up to `time`. The first error of a Job::end is handed on.
    [[nodiscard]] Status pump(std::chrono::milliseconds time, bool hold = false);
    [[nodiscard]] bool isIdle() const { return m_waiting.empty() && m_running.empty(); }
    [[nodiscard]] bool isRunning() const { return !m_running.empty(); }
    [[nodiscard]] std::vector<const Job*> running() const;
    [[nodiscard]] Status flush();
    // Ends the job of this proposal, waiting or running; false when there is none.
    bool cancel(Id<ProposalRecord> proposal);
    // Drops what waits, asks what runs to stop (workers keep a checkpoint), kills what has not ended after `patience`.
    void stop(std::chrono::milliseconds patience);
    // Runs one more job to its end, whatever the number of places. Meanwhile calls what heedWith() was given, some ten times a
    // second; an error of it ends this job with that error.
    [[nodiscard]] Status runNow(std::unique_ptr<Job> job);
    void heedWith(std::function<Status()> attend) { m_heed = std::move(attend); }
    [[nodiscard]] bool isRunningNow() const { return m_runningNow > 0; }
    void wake() { m_supervisor.wake(); }
    // Time since the crew was made during which at least one job ran.
    [[nodiscard]] std::chrono::milliseconds busyTime() const { return std::chrono::duration_cast<std::chrono::milliseconds>(m_busy); }

private:
    struct Place { std::unique_ptr<Job> job; std::unique_ptr<Child> child; Status fault; bool ended = false; };
    [[nodiscard]] Status start(std::unique_ptr<Job> job);
    void remove(Place& place);
    Supervisor& m_supervisor;
    int m_places;
    bool m_stopping = false;
    int m_runningNow = 0;                   // calls of runNow()
    std::function<Status()> m_heed;
    std::chrono::steady_clock::duration m_busy{0};
    std::list<std::unique_ptr<Job>> m_waiting;
    std::list<Place> m_running;
    Status m_fault;
};

} // namespace ratchet
