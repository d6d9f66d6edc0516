// SPDX-License-Identifier: GPL-3.0-or-later
// Turns SIGINT and SIGTERM into a stop request: the first one asks politely, a second one ends the program at once.
// One at a time in a program; made and destroyed on the main thread.
#pragma once

#include <functional>
#include <stop_token>
#include <thread>

namespace ratchet {

class StopOnSignal {
public:
    // `onStop` runs on a thread of its own after the stop was requested; may be empty.
    explicit StopOnSignal(std::function<void()> onStop = {});
    ~StopOnSignal();
    StopOnSignal(const StopOnSignal&) = delete;
    StopOnSignal& operator=(const StopOnSignal&) = delete;
    [[nodiscard]] std::stop_token token() const { return m_source.get_token(); }

private:
    std::stop_source m_source;
    std::jthread m_thread;
};

} // namespace ratchet
