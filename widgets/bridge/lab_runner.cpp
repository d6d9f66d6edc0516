// SPDX-License-Identifier: GPL-3.0-or-later
#include "widgets/bridge/lab_runner.h"

namespace ratchet {

LabRunner::LabRunner(std::filesystem::path lab, Ended ended, Refused refused)
    : m_lab(std::move(lab)), m_ended(std::move(ended)), m_refused(std::move(refused)),
      m_requestThread([this](const std::stop_token& stop) { carryRequests(stop); })
{
}

LabRunner::~LabRunner()
{
    m_engineThread.request_stop();
    m_requestThread.request_stop();
    if (m_engineThread.joinable())
        m_engineThread.join();
    m_requestThread.join();
}

void LabRunner::start(const RunLimits& limits, const std::optional<Request>& first)
{
    {
        const std::scoped_lock lock(m_mutex);
        if (m_running)
            return;
        m_running = true;
    }
    m_engineThread = std::jthread([this, limits, first](const std::stop_token& stop) { runEngine(stop, limits, first); });
}

void LabRunner::stop()
{
    m_engineThread.request_stop();
}

bool LabRunner::isRunning() const
{
    const std::scoped_lock lock(m_mutex);
    return m_running;
}

void LabRunner::runEngine(const std::stop_token& stop, const RunLimits& limits, const std::optional<Request>& first)
{
    Result<RunEnd> end = RunEnd::Stopped;
    EngineOptions options;
    auto policy = writtenPolicy({m_lab});
    if (policy)
        options.policy = std::move(*policy);
    if (auto engine = policy ? Engine::open(m_lab, std::move(options)) : passOn(policy); !engine) {
        end = passOn(engine);
    } else {
        Engine* running = engine->get();
        if (first)
            running->post(*first);
        {
            const std::scoped_lock lock(m_mutex);
            m_engine = std::move(*engine);
        }
        end = running->run(limits, stop);
    }
    {
        const std::scoped_lock lock(m_mutex);
        m_engine.reset();
        m_running = false;
    }
    m_ended(first, end);
}

void LabRunner::carry(const Request& request)
{
    const std::scoped_lock lock(m_mutex);
    m_requests.push_back(request);
    m_wake.notify_one();
}

void LabRunner::carryRequests(const std::stop_token& stop)
{
    while (true) {
        Request request;
        {
            std::unique_lock lock(m_mutex);
            if (!m_wake.wait(lock, stop, [this] { return !m_requests.empty(); }))
                return;
            request = std::move(m_requests.front());
            m_requests.pop_front();
            if (m_engine) {
                m_engine->post(request);
                continue;
            }
        }
        if (const auto carried = carryOut(m_lab, request); !carried)
            m_refused(request, carried.error());
    }
}

} // namespace ratchet
