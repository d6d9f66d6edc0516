// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet-learner: the only program with tensors inside. The engine starts it as worker, judge, reward model or server, `ratchet bench`
// to be measured, with a socket on descriptor 3; by hand it has nothing to do. Settings that must be there before the process starts (threads, memory,
// instruction set) are set by running itself again.
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "core/critic/tensor/judge.h"
#include "core/critic/tensor/reward.h"
#include "core/deploy/tensor/server.h"
#include "core/guard/sandbox.h"
#include "core/launch/frame.h"
#include "core/model/placement.h"
#include "core/model/platform.h"
#include "core/trainer/bench.h"
#include "core/trainer/replay_main.h"
#include "core/trainer/rounds_main.h"
#include "core/trainer/worker.h"

using namespace ratchet;

namespace {

int complain(const Error& error)
{
    fmt::print(stderr, "ratchet-learner: {}{}{}\n", error.text, error.hint.empty() ? "" : " ", error.hint);
    return exitStatus(error.code);
}

// Runs this program again when a setting of learnerEnvironment() is missing; returns when nothing is.
Status restartWithSettings(char** arguments)
{
    bool complete = true;
    for (const std::string& setting : learnerEnvironment()) {
        const std::string name = setting.substr(0, setting.find('='));
        if (std::getenv(name.c_str()))
            continue;
        ::setenv(name.c_str(), setting.c_str() + name.size() + 1, 1);
        complete = false;
    }
    if (complete)
        return {};
    ::execv("/proc/self/exe", arguments);
    return fail(Code::Environment, fmt::format("It cannot start itself again: {}.", std::strerror(errno)));
}

bool isConnected()
{
    int type = 0;
    socklen_t size = sizeof type;
    return ::getsockopt(3, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

// Run by `ratchet bench self-training` and `ratchet replay`; works by hand too.
int runFile(const std::function<int()>& run, char** arguments)
{
    if (const Status restarted = restartWithSettings(arguments); !restarted)
        return complain(restarted.error());
    return run();
}

// For the engine, which has no libtorch to ask (core/launch/device.h).
int tellDevices(const std::string& device, const std::string& precision)
{
    const auto placement = placementOf(device, precision);
    Json answer{{"error", placement ? "" : placement.error().text}, {"hint", placement ? "" : placement.error().hint}};
    if (placement) {
        answer = describeDevices();
        answer["device"] = placement->device.str();
        answer["precision"] = placement->precision == Precision::BFloat16 ? "bf16" : "fp32";
    }
    fmt::print("{}\n", answer.dump());
    return placement ? 0 : exitStatus(placement.error().code);
}

struct Wanted {
    std::string device = "cpu", precision = "fp32", kernels = "own";
    int threads = 1;
};

// The threads are those of a training.
Result<Placement> placementFor(const Wanted& wanted, const std::string& role)
{
    RATCHET_TRY(placement, placementOf(wanted.device, wanted.precision));
    RATCHET_TRY(kernels, kernelsOf(wanted.kernels));
    placement.kernels = kernels;
    placement.threads = placement.device.is_cpu() && (role == "worker" || role == "replay") ? wanted.threads : 1;
    return placement;
}

int serveRole(const std::string& role, const Wanted& wanted, char** arguments)
{
    if (!isConnected())
        return complain({Code::Usage, fmt::format("\"{}\" is started by the engine and speaks with it over a socket.", role),
                         "Use `ratchet run`, `ratchet serve` or `ratchet bench` instead."});
    if (const Status restarted = restartWithSettings(arguments); !restarted)
        return complain(restarted.error());
    if (role == "bench")
        return benchMain(3);
    if (const Status entered = enterSandbox(); !entered)
        return complain(entered.error());
    FrameChannel channel;
    const Json sandbox = measureSandbox(); // before a driver opens descriptors of its own
    const auto placement = placementFor(wanted, role);
    if (!placement)
        return complain(placement.error());
    const Hello hello{protocolVersion, RATCHET_VERSION, role, ::getpid(), sandbox, describePlatform(*placement)};
    if (const Status sent = channel.send(hello); !sent)
        return complain(sent.error());
    if (role == "worker")
        return workerMain(channel, *placement);
    if (role == "judge")
        return judgeMain(channel, *placement);
    return role == "reward" ? rewardMain(channel, *placement) : serverMain(channel, *placement);
}

} // namespace

int main(int argc, char** argv)
{
    CLI::App app("Builds, judges and serves the models of a Ratchet lab; started by `ratchet` and `ratchet-lab`.", "ratchet-learner");
    app.set_version_flag("--version", [] { return "ratchet-learner " RATCHET_VERSION ", " + describePlatform()["text"].get<std::string>(); });
    app.require_subcommand(1);
    Wanted wanted;
    app.add_option("--device", wanted.device, "Where to compute: auto, cpu, cuda or cuda:N; the CPU unless given")->type_name("DEVICE");
    app.add_option("--precision", wanted.precision, "Of training: auto, fp32 or bf16; fp32 unless given")->type_name("PRECISION");
    app.add_option("--kernels", wanted.kernels, "On the CPU: own or library; own unless given")->type_name("KERNELS");
    app.add_option("--threads", wanted.threads, "Of training on the CPU; one unless given")->type_name("N")->check(CLI::Range(1, 1024).description(""));
    app.add_subcommand("worker", "Build and train one candidate");
    app.add_subcommand("judge", "Compare a challenger with the champion");
    app.add_subcommand("reward", "Learn what a right answer is, or say how right answers look");
    app.add_subcommand("serve", "Serve the champion over HTTP on this machine");
    app.add_subcommand("bench", "Be measured by ratchet bench");
    const CLI::App* devices = app.add_subcommand("devices", "Print the devices that libtorch sees, and which of them the options come to");
    std::string spec;
    CLI::App* rounds = app.add_subcommand("rounds", "Run rounds of self-training as a file describes them");
    rounds->add_option("SPEC", spec, "JSON file")->required();
    CLI::App* replay = app.add_subcommand("replay", "Train the winner of a population again as a file describes it");
    replay->add_option("SPEC", spec, "JSON file")->required();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : exitStatus(Code::Usage);
    }
    if (rounds->parsed())
        return runFile([&] { return roundsMain(spec); }, argv);
    if (replay->parsed())
        return runFile([&] {
            const auto placement = placementFor(wanted, "replay");
            return placement ? replayMain(spec, *placement) : complain(placement.error());
        }, argv);
    if (devices->parsed())
        return tellDevices(wanted.device, wanted.precision);
    const int status = serveRole(app.get_subcommands().front()->get_name(), wanted, argv);
    // The channel is closed and every file is written. What is left is to take libtorch's own state down, which takes seconds on a
    // busy machine and longer than the engine waits.
    std::fflush(nullptr);
    std::_Exit(status);
}
