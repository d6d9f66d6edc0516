// SPDX-License-Identifier: GPL-3.0-or-later
// The threads in which a LabSession runs the engine and carries out requests, so that the window never waits for either.
// Members are for the user-interface thread; the callbacks come from the threads. Used by LabSession only.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/agent/engine.h"

namespace ratchet {

class LabRunner {
public:
    using Ended = std::function<void(const std::optional<Request>& first, const Result<RunEnd>&)>;
    using Refused = std::function<void(const Request&, const Error&)>;
    LabRunner(std::filesystem::path lab, Ended ended, Refused refused);
    ~LabRunner();                                  // stops and joins both

    // `first`: a request that the engine is handed before it runs. Nothing happens while one runs.
    void start(const RunLimits& limits, const std::optional<Request>& first = {});
    void stop();
    [[nodiscard]] bool isRunning() const;
    void carry(const Request& request);            // to the engine of this program, else by carryOut()

private:
    void runEngine(const std::stop_token& stop, const RunLimits& limits, const std::optional<Request>& first);
    void carryRequests(const std::stop_token& stop);

    std::filesystem::path m_lab;
    Ended m_ended;
    Refused m_refused;
    mutable std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::unique_ptr<Engine> m_engine;              // guarded by m_mutex; set while run() goes on
    bool m_running = false;                        // guarded by m_mutex
    std::deque<Request> m_requests;                // guarded by m_mutex
    std::jthread m_engineThread, m_requestThread;
};

} // namespace ratchet
