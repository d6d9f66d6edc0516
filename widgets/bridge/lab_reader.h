// SPDX-License-Identifier: GPL-3.0-or-later
// The reader thread of a LabSession: the only place of the window where a Store is open. Polls the change count four times a
// second, re-reads the tables and files that changed, and answers questions in between; what the gate can see takes longer to find and
// has a thread of its own. Used by LabSession only.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "core/store/lab.h"
#include "core/store/store.h"

namespace ratchet {

struct Snapshot;

class LabReader {
public:
    using Publish = std::function<void(std::shared_ptr<const Snapshot>)>;   // called on the reader's thread
    using Problem = std::function<void(const Error&)>;                      // likewise
    using Job = std::function<void(const Store&)>;

    // Blocks until the first snapshot is there or the store could not be opened.
    [[nodiscard]] static Result<std::unique_ptr<LabReader>> start(const LabPaths& paths, Publish publish, Problem problem);
    ~LabReader() = default;   // stops and joins

    void ask(Job job);        // any thread; run in order
    [[nodiscard]] std::shared_ptr<const Snapshot> first() const { return m_first; }

private:
    LabReader() = default;
    void run(const std::stop_token& stop, const Store& store, class SnapshotBuilder& builder);

    Publish m_publish;
    Problem m_problem;
    std::shared_ptr<const Snapshot> m_first;
    std::mutex m_mutex;
    std::condition_variable_any m_wake;
    std::deque<Job> m_jobs;   // guarded by m_mutex
    std::jthread m_thread;    // last: joins before the rest goes
};

} // namespace ratchet
