// SPDX-License-Identifier: GPL-3.0-or-later
// The programs that `ratchet bench` measures against each other: ratchet-learner and a PyTorch peer, each a child that
// answers JSON lines (core/trainer/bench.h) over a socket. Used by the bench command. One thread; blocking.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/launch/spawn.h"

namespace ratchet {

// Ours, PyTorch with the settings it has on a fresh Debian, PyTorch with the best settings known, and the same through torch.compile,
// on a GPU.
enum class Contender { Ratchet, EagerAsInstalled, EagerTuned, Compiled };

struct BenchPrograms {
    std::filesystem::path learner, peerScript;
    std::filesystem::path peerPython;    // empty: Debian's
    std::filesystem::path peerBlas;      // folder of the BLAS that EagerAsInstalled shall use; empty: the system's choice
    [[nodiscard]] bool hasPeer() const;
    [[nodiscard]] SandboxCommand command(Contender contender, int threads) const;
};
// ratchet-learner beside this program, the peer's script of the source tree, Debian's default BLAS where it is installed.
[[nodiscard]] BenchPrograms benchPrograms();

class BenchChild {
public:
    // Starts the program with its case and waits until it is ready. `log` gets what it prints.
    [[nodiscard]] static Result<std::unique_ptr<BenchChild>> start(const SandboxCommand& command, const Json& given,
                                                                   const std::filesystem::path& log);
    ~BenchChild();      // ends it
    [[nodiscard]] const Json& facts() const { return m_facts; }
    // Run `count` times: ask() starts it, answer() waits for {"seconds", "cpu", "tokens", ...}; run() does both.
    [[nodiscard]] Status ask(int count);
    [[nodiscard]] Result<Json> answer();
    [[nodiscard]] Result<Json> run(int count);

private:
    BenchChild(Spawned spawned, std::filesystem::path log) : m_spawned(std::move(spawned)), m_log(std::move(log)) {}
    [[nodiscard]] Status send(const Json& line);
    Spawned m_spawned;
    std::filesystem::path m_log;
    std::string m_buffer;
    Json m_facts;
};

} // namespace ratchet
