// SPDX-License-Identifier: GPL-3.0-or-later
#include "core/agent/crew.h"

#include <algorithm>

namespace ratchet {

using namespace std::chrono_literals;

namespace {

class Counted {
public:
    explicit Counted(int& count) : m_count(count) { ++m_count; }
    ~Counted() { --m_count; }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;

private:
    int& m_count;
};

} // namespace

Crew::~Crew()
{
    m_stopping = true;
    m_waiting.clear();
    m_running.clear();     // a Child's destructor kills
}

void Crew::add(std::unique_ptr<Job> job)
{
    auto place = m_waiting.end();
    if (job->isJudging())
        place = std::find_if(m_waiting.begin(), m_waiting.end(), [](const auto& other) { return !other->isJudging(); });
    m_waiting.insert(place, std::move(job));
}

Status Crew::start(std::unique_ptr<Job> job)
{
    auto spec = job->spec();
    if (!spec)
        return job->end(passOn(spec), 0ms, 0);
    Place& place = m_running.emplace_back();
    place.job = std::move(job);
    ChildEvents events;
    events.onMessage = [this, &place](const Message& message) {
        if (place.fault && !place.ended) {
            place.fault = place.job->receive(message, *place.child);
            if (!place.fault)
                place.child->kill();
        }
    };
    events.onEnd = [this, &place](Status how, std::chrono::milliseconds wall, double peakBytes) {
        place.ended = true;
        if (m_stopping)      // whatever the child says of it: it was not allowed to finish
            how = fail(Code::Cancelled, "The engine was stopped.");
        const Status written = place.job->end(place.fault ? how : place.fault, wall, peakBytes);
        if (!written && m_fault)
            m_fault = written;
    };
    auto child = m_supervisor.start(std::move(*spec), std::move(events));
    if (!child) {
        const Status written = place.job->end(passOn(child), 0ms, 0);
        m_running.pop_back();
        return written;
    }
    place.child = std::move(*child);
    return {};
}

Status Crew::pump(std::chrono::milliseconds time, bool hold)
{
    while (!hold && !m_stopping && static_cast<int>(m_running.size()) < m_places && !m_waiting.empty()) {
        auto job = std::move(m_waiting.front());
        m_waiting.pop_front();
        RATCHET_CHECK(start(std::move(job)));
    }
    const auto before = std::chrono::steady_clock::now();
    m_supervisor.runFor(time);
    if (isRunning())
        m_busy += std::chrono::steady_clock::now() - before;
    m_running.remove_if([](const Place& place) { return place.ended; });
    return std::exchange(m_fault, Status{});
}

std::vector<const Job*> Crew::running() const
{
    std::vector<const Job*> jobs;
    for (const Place& place : m_running)
        jobs.push_back(place.job.get());
    return jobs;
}

Status Crew::flush()
{
    for (Place& place : m_running)
        RATCHET_CHECK(place.job->flush());
    return {};
}

bool Crew::cancel(Id<ProposalRecord> proposal)
{
    for (Place& place : m_running)
        if (place.job->concerns(proposal)) {
            place.fault = fail(Code::Cancelled, "It was cancelled by a person.");
            place.child->kill();
            return true;
        }
    for (auto job = m_waiting.begin(); job != m_waiting.end(); ++job)
        if ((*job)->concerns(proposal)) {
            const auto taken = std::move(*job);
            m_waiting.erase(job);
            const Status written = taken->end(fail(Code::Cancelled, "It was cancelled by a person."), 0ms, 0);
            if (!written && m_fault)
                m_fault = written;
            return true;
        }
    return false;
}

void Crew::stop(std::chrono::milliseconds patience)
{
    m_stopping = true;
    m_waiting.clear();
    for (Place& place : m_running)
        place.child->send(Stop{});
    const auto deadline = std::chrono::steady_clock::now() + patience;
    const auto running = [&] { return std::any_of(m_running.begin(), m_running.end(), [](const Place& p) { return !p.ended; }); };
    while (running() && std::chrono::steady_clock::now() < deadline)
        m_supervisor.runFor(50ms);
    for (Place& place : m_running)
        if (!place.ended)
            place.child->kill();
    for (int i = 0; i < 40 && running(); ++i)
        m_supervisor.runFor(50ms);
    m_running.clear();
    m_stopping = false;
    m_fault = {};
}

Status Crew::runNow(std::unique_ptr<Job> job)
{
    const std::size_t before = m_running.size();
    RATCHET_CHECK(start(std::move(job)));
    if (m_running.size() == before)      // it could not be started, and has been told
        return {};
    Place* mine = &m_running.back();
    const auto present = [&] { return std::any_of(m_running.begin(), m_running.end(), [&](const Place& p) { return &p == mine; }); };
    const Counted counted(m_runningNow);
    while (present()) {
        RATCHET_CHECK(pump(100ms, true));
        if (!m_heed || !present() || !mine->fault)
            continue;
        if (const Status heeded = m_heed(); !heeded && present() && !mine->ended) {
            mine->fault = heeded;
            mine->child->kill();
        }
    }
    return {};
}

} // namespace ratchet
