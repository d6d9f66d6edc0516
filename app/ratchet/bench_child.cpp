// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/bench_child.h"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <fmt/format.h>

#include "core/launch/child.h"

namespace ratchet {
namespace {

using Path = std::filesystem::path;

constexpr const char* python = "/usr/bin/python3";      // Debian's, which sees Debian's torch
constexpr const char* pythonTorch = "/usr/lib/python3/dist-packages/torch/__init__.py";
constexpr int patience = 600'000;                       // milliseconds without an answer

// /usr/lib/<machine>/openblas-<kind>, or empty.
Path blasFolder(const std::string& kind)
{
    std::error_code error;
    for (const auto& folder : std::filesystem::directory_iterator("/usr/lib", error))
        if (const Path blas = folder.path() / ("openblas-" + kind); std::filesystem::exists(blas / "libblas.so.3", error))
            return blas;
    return {};
}

bool isSet(const std::string& setting, const std::string& name)
{
    return setting.starts_with(name + "=");
}

std::vector<std::string> learnerSettings(int threads)
{
    std::vector<std::string> settings = learnerEnvironment();
    for (std::string& setting : settings)
        for (const char* name : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"})
            if (isSet(setting, name))
                setting = fmt::format("{}={}", name, threads);
    return settings;
}

} // namespace

bool BenchPrograms::hasPeer() const
{
    std::error_code error;
    return (!peerPython.empty() || std::filesystem::exists(pythonTorch, error)) && std::filesystem::exists(peerScript, error);
}

SandboxCommand BenchPrograms::command(Contender contender, int threads) const
{
    SandboxCommand command{{}, {"PATH=/usr/bin:/bin", "HOME=/tmp"}, 0};
    if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES"))
        command.environment.push_back(fmt::format("CUDA_VISIBLE_DEVICES={}", visible));
    if (contender == Contender::Ratchet) {
        command.arguments = {learner.string(), "bench"};
        for (const char* name : {"LD_LIBRARY_PATH", "RATCHET_PLUGIN_PATH"})
            if (const char* value = std::getenv(name))
                command.environment.push_back(fmt::format("{}={}", name, value));
        for (std::string& setting : learnerSettings(threads))
            command.environment.push_back(std::move(setting));
        return command;
    }
    command.arguments = {peerPython.empty() ? python : peerPython.string(), peerScript.string()};
    const bool tuned = contender != Contender::EagerAsInstalled;
    if (tuned)
        for (std::string& setting : learnerSettings(threads))
            command.environment.push_back(std::move(setting));
    else if (threads == 1)
        command.environment.push_back("OMP_NUM_THREADS=1");
    if (const Path blas = tuned ? blasFolder("openmp") : peerBlas; !blas.empty())
        command.environment.push_back("LD_LIBRARY_PATH=" + blas.string());
    return command;
}

BenchPrograms benchPrograms()
{
    return {defaultLearner(), Path(RATCHET_SOURCE_DIR) / "tests" / "bench" / "pytorch_peer.py", {}, blasFolder("pthread")};
}

Result<std::unique_ptr<BenchChild>> BenchChild::start(const SandboxCommand& command, const Json& given, const Path& log)
{
    RATCHET_TRY(spawned, spawn(command, log));
    auto child = std::unique_ptr<BenchChild>(new BenchChild(std::move(spawned), log));
    RATCHET_CHECK(child->send(given));
    RATCHET_TRY(facts, child->answer());
    child->m_facts = std::move(facts);
    return child;
}

BenchChild::~BenchChild()
{
    ::kill(m_spawned.pid, SIGKILL);
    ::waitpid(m_spawned.pid, nullptr, 0);
}

Status BenchChild::send(const Json& line)
{
    const std::string text = line.dump() + "\n";
    for (std::size_t sent = 0; sent < text.size();) {
        const ssize_t count = ::send(m_spawned.channel.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
        if (count <= 0)
            return fail(Code::Failed, "A program of the bench has ended.", fmt::format("Its last words are in {}.", m_log.string()));
        sent += static_cast<std::size_t>(count);
    }
    return {};
}

Status BenchChild::ask(int count)
{
    return send({{"run", count}});
}

Result<Json> BenchChild::answer()
{
    while (m_buffer.find('\n') == std::string::npos) {
        pollfd waiting{m_spawned.channel.get(), POLLIN, 0};
        char bytes[8192];
        const ssize_t count = ::poll(&waiting, 1, patience) == 1 ? ::recv(waiting.fd, bytes, sizeof bytes, 0) : -1;
        if (count <= 0)
            return fail(Code::Failed, count == 0 ? "A program of the bench has ended." : "A program of the bench does not answer.",
                        fmt::format("Its last words are in {}.", m_log.string()));
        m_buffer.append(bytes, static_cast<std::size_t>(count));
    }
    const std::string line = m_buffer.substr(0, m_buffer.find('\n'));
    m_buffer.erase(0, line.size() + 1);
    RATCHET_TRY(json, parseJson(line, "An answer of the bench"));
    if (json.contains("error"))
        return fail(Code::Failed, fmt::format("The bench failed: {}", json["error"].dump()));
    return json;
}

Result<Json> BenchChild::run(int count)
{
    RATCHET_CHECK(ask(count));
    return answer();
}

} // namespace ratchet
