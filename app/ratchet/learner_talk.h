// SPDX-License-Identifier: GPL-3.0-or-later
// A learner that no engine holds: started, told one message, heard frame by frame without any check. For benches that play
// a careless harness, or that ask a judge more than an engine would. One thread; blocking.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "core/launch/messages.h"
#include "core/launch/spawn.h"

namespace ratchet {

class LearnerTalk {
public:
    // Runs `words` with the role behind them and sends `first`.
    [[nodiscard]] static Result<std::unique_ptr<LearnerTalk>> start(std::vector<std::string> words, const std::string& role, const Message& first);
    ~LearnerTalk();      // ends it
    [[nodiscard]] Status send(const Message& message) const;
    // The next frame of this type, whatever is in it; others are passed over. Null when none comes.
    [[nodiscard]] Json receive(const std::string& type, std::chrono::milliseconds patience = std::chrono::minutes(5));
    // The judge's answer, as strictly read as the engine does. Failed when there is none.
    [[nodiscard]] Result<Scores> answerTo(const Ask& ask);

private:
    explicit LearnerTalk(Spawned child) : m_child(std::move(child)) {}
    [[nodiscard]] Json frame();
    Spawned m_child;
    std::string m_buffer;
};

} // namespace ratchet
