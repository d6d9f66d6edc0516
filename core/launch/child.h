// SPDX-License-Identifier: GPL-3.0-or-later
// Supervision of ratchet-learner children: posix_spawn in a sandbox, frames over a socket pair, exit through a pidfd,
// limits on wall time, memory and silence enforced from outside. Boost.Asio stays in the .cpp.
// All callbacks run on the thread that calls Supervisor::run*().
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/guard/sandbox.h"
#include "core/launch/device.h"
#include "core/launch/messages.h"

namespace ratchet {

struct ChildLimits {
    std::chrono::milliseconds wall{std::chrono::hours(1)};
    std::chrono::milliseconds silence{std::chrono::seconds(60)};   // longest time without a frame
    double memoryBytes = 4e9;                                      // resident set, polled every 200 ms
    std::size_t frames = 10'000'000;                               // flood limit
};

struct ChildSpec {
    std::string role;                        // worker | judge | reward | serve
    Message first;                           // sent as soon as the child says Hello
    ChildLimits limits;
    SandboxSpec sandbox;
    std::filesystem::path log;               // stderr goes here
};

class Child {
public:
    virtual ~Child() = default;              // kills the child if it still runs; no callback follows
    virtual void send(const Message& message) = 0;
    virtual void kill() = 0;                 // onEnd follows with Cancelled
    [[nodiscard]] virtual int pid() const = 0;
};

// May send to, kill or destroy their child and start others; must not throw.
struct ChildEvents {
    std::function<void(const Message&)> onMessage;
    // Exactly once: success when it exited with 0, else what happened (crashed by signal 9, silent for 60 s, sent
    // nonsense, over its memory limit ...) in one sentence.
    std::function<void(Status, std::chrono::milliseconds wall, double peakBytes)> onEnd;
};

class Supervisor {
public:
    // `learner`: path of ratchet-learner; `arguments` come before the role, for a learner that is reached through another
    // program. Environment when missing. Children die with the thread that started them. On CUDA they see the device, and may
    // hold what its driver maps beside their memory limit.
    [[nodiscard]] static Result<std::unique_ptr<Supervisor>> create(std::filesystem::path learner, std::vector<std::string> arguments = {},
                                                                    const LearnerDevice& device = {});
    virtual ~Supervisor() = default;         // kills what still runs
    [[nodiscard]] virtual Result<std::unique_ptr<Child>> start(ChildSpec spec, ChildEvents events) = 0;
    // Handles events for up to `time`; returns earlier after at least one callback ran or wake() was called. False when
    // there was nothing.
    virtual bool runFor(std::chrono::milliseconds time) = 0;
    // Wakes runFor() from another thread (also from a signal handler's thread).
    virtual void wake() = 0;
};

// The ratchet-learner beside the running program, or RATCHET_LEARNER.
[[nodiscard]] std::filesystem::path defaultLearner();

} // namespace ratchet
