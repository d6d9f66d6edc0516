// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/learner_talk.h"

#include <csignal>

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include "core/launch/frame.h"

namespace ratchet {

Result<std::unique_ptr<LearnerTalk>> LearnerTalk::start(std::vector<std::string> words, const std::string& role, const Message& first)
{
    SandboxSpec sandbox;
    sandbox.wanted = 1;
    const std::string program = words.front();
    words.erase(words.begin());
    words.push_back(role);
    RATCHET_TRY(command, wrapCommand(sandbox, program, words));
    RATCHET_TRY(spawned, spawn(command, {}));
    std::unique_ptr<LearnerTalk> talk(new LearnerTalk(std::move(spawned)));
    RATCHET_CHECK(talk->send(first));
    return talk;
}

LearnerTalk::~LearnerTalk()
{
    m_child.channel.reset();
    ::kill(m_child.pid, SIGKILL);
    ::waitpid(m_child.pid, nullptr, 0);
}

Status LearnerTalk::send(const Message& message) const
{
    const std::string frame = encodeFrame(message);
    for (std::size_t sent = 0; sent < frame.size();) {
        const ssize_t count = ::send(m_child.channel.get(), frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return fail(Code::Failed, "A learner of the bench has ended.");
        sent += static_cast<std::size_t>(count);
    }
    return {};
}

Json LearnerTalk::receive(const std::string& type, std::chrono::milliseconds patience)
{
    const auto deadline = std::chrono::steady_clock::now() + patience;
    for (;;) {
        if (const Json json = frame(); !json.is_null()) {
            if (json.value("type", "") == type)
                return json;
            continue;
        }
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
        pollfd waiting{m_child.channel.get(), POLLIN, 0};
        char bytes[1 << 16];
        const ssize_t count = left.count() > 0 && ::poll(&waiting, 1, static_cast<int>(left.count())) == 1
                                  ? ::recv(waiting.fd, bytes, sizeof bytes, 0) : 0;
        if (count <= 0)
            return nullptr;
        m_buffer.append(bytes, static_cast<std::size_t>(count));
    }
}

Result<Scores> LearnerTalk::answerTo(const Ask& ask)
{
    RATCHET_CHECK(send(ask));
    const Json json = receive("scores");
    if (json.is_null())
        return fail(Code::Failed, fmt::format("The judge did not answer about {}.", ask.suite));
    RATCHET_TRY(message, messageFromJson(json));
    return std::get<Scores>(std::move(message));
}

Json LearnerTalk::frame()
{
    std::size_t length = 0;
    for (std::size_t i = 0; i < 4 && m_buffer.size() >= 4; ++i)
        length |= std::size_t(static_cast<unsigned char>(m_buffer[i])) << (8 * i);
    if (m_buffer.size() < 4 || m_buffer.size() - 4 < length)
        return nullptr;
    Json json = Json::from_cbor(m_buffer.begin() + 4, m_buffer.begin() + 4 + static_cast<std::ptrdiff_t>(length));
    m_buffer.erase(0, 4 + length);
    return json;
}

} // namespace ratchet
