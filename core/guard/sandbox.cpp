// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's side of the sandbox: what the machine can give, and the command that gives it.
#include "core/guard/sandbox.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/guard/runpath.h"

namespace ratchet {
namespace {

using Path = std::filesystem::path;
using Words = std::vector<std::string>;

// Only the system's bubblewrap: distributions allow it, by its path, to make user namespaces.
constexpr const char* bubblewrap = "/usr/bin/bwrap";
constexpr const char* scratchBytes = "268435456";

void add(Words& words, std::initializer_list<std::string> more)
{
    words.insert(words.end(), more);
}

bool isThere(const Path& path)
{
    std::error_code error;
    return std::filesystem::exists(path, error);
}

// A root of its own: the system's programs and libraries, nothing of anyone's home, sized scratch, no capability.
Words emptyRoot(bool network)
{
    Words words{bubblewrap, "--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL", "--ro-bind", "/usr", "/usr"};
    if (network)
        words.push_back("--share-net");
    for (const char* folder : {"/lib", "/lib32", "/lib64", "/bin", "/sbin"}) {
        std::error_code error;
        if (std::filesystem::is_symlink(folder, error))
            add(words, {"--symlink", std::filesystem::read_symlink(folder, error).string(), folder});
        else if (isThere(folder))
            add(words, {"--ro-bind", folder, folder});
    }
    for (const char* file : {"/etc/ld.so.cache", "/etc/alternatives", "/etc/localtime"})
        add(words, {"--ro-bind-try", file, file});
    add(words, {"--proc", "/proc", "--dev", "/dev", "--size", scratchBytes, "--tmpfs", "/dev/shm", "--size", scratchBytes,
                "--tmpfs", "/tmp"});
    // Without the processor's description libtorch falls back to other kernels, with other last digits.
    add(words, {"--ro-bind", "/sys/devices/system/cpu", "/sys/devices/system/cpu"});
    return words;
}

// What CUDA's driver opens. /proc/driver/nvidia is part of the child's own /proc.
void addCuda(Words& words)
{
    for (const char* device : {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-caps"})
        add(words, {"--dev-bind-try", device, device});
    for (int i = 0; i < 16; ++i)
        add(words, {"--dev-bind-try", fmt::format("/dev/nvidia{}", i), fmt::format("/dev/nvidia{}", i)});
    add(words, {"--ro-bind", "/sys", "/sys"});
}

void addPath(Words& words, const char* how, const Path& path)
{
    add(words, {how, path.string(), path.string()});
}

std::vector<Path> splitPaths(const char* list)
{
    std::vector<Path> paths;
    for (std::string rest = list ? list : ""; !rest.empty();) {
        const std::string first = rest.substr(0, rest.find(':'));
        rest.erase(0, first.size() + 1);
        if (!first.empty() && isThere(first))
            paths.emplace_back(std::filesystem::absolute(first));
    }
    return paths;
}

// The program, its libraries and its plugins, where they are not the system's.
std::vector<Path> programPaths(const Path& program)
{
    std::vector<Path> paths = runpathOf(program);
    paths.push_back(program.parent_path());
    if (const Path libraries = (program.parent_path() / ".." / "lib").lexically_normal(); isThere(libraries))
        paths.push_back(libraries);
    for (const char* variable : {"LD_LIBRARY_PATH", "RATCHET_PLUGIN_PATH"})
        for (const Path& path : splitPaths(std::getenv(variable)))
            paths.push_back(path);
    std::erase_if(paths, [](const Path& path) { return path.string().starts_with("/usr/"); });
    return paths;
}

// The instruction set libtorch may use, pinned so that a sandbox cannot change it; empty where it has no choice.
std::string cpuCapability()
{
    if (const char* chosen = std::getenv("ATEN_CPU_CAPABILITY"))
        return chosen;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw")
        && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("fma"))
        return "avx512";
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "avx2" : "default";
#else
    return {};
#endif
}

Words cleanEnvironment(const SandboxSpec& spec)
{
    Words environment{"PATH=/usr/bin:/bin", "HOME=/tmp"};
    for (const char* name : {"LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "RATCHET_PLUGIN_PATH", "CUDA_VISIBLE_DEVICES"})
        if (const char* value = std::getenv(name))
            environment.push_back(fmt::format("{}={}", name, value));
    for (const std::string& setting : learnerEnvironment())
        environment.push_back(setting);
    std::string forbidden;
    for (const Path& path : spec.forbidden)
        forbidden += fmt::format("{}:", std::filesystem::absolute(path).string());
    environment.push_back(fmt::format("RATCHET_PROBE_PATHS={}", forbidden));
    std::error_code error;
    environment.push_back(fmt::format("RATCHET_PROBE_PID={}", ::getpid()));
    environment.push_back(fmt::format("RATCHET_PROBE_PROCESSES={}", std::filesystem::read_symlink("/proc/self/ns/pid", error).string()));
    environment.push_back(fmt::format("RATCHET_PROBE_NETWORK={}", spec.network ? "allowed" : "refused"));
    return environment;
}

// Runs a command to its end with all its output collected; the exit status, or -1 when it did not start or crashed.
int runAndCollect(const Words& words, std::string& output)
{
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return -1;
    UniqueFd reading(ends[0]), writing(ends[1]);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), 1);
    ::posix_spawn_file_actions_adddup2(&actions, writing.get(), 2);
    std::vector<char*> arguments;
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    char* environment[] = {nullptr};
    pid_t pid = 0;
    const int error = ::posix_spawn(&pid, arguments[0], &actions, nullptr, arguments.data(), environment);
    ::posix_spawn_file_actions_destroy(&actions);
    writing.reset();
    if (error != 0) {
        output = std::strerror(error);
        return -1;
    }
    char bytes[4096];
    for (ssize_t got; (got = ::read(reading.get(), bytes, sizeof bytes)) != 0;)
        if (got > 0)
            output.append(bytes, std::size_t(got));
        else if (errno != EINTR)
            break;
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

SandboxProbe probe()
{
    if (::access(bubblewrap, X_OK) != 0)
        return {1, "bubblewrap is not installed (Debian package bubblewrap)"};
    Words words = emptyRoot(false);
    add(words, {"--remount-ro", "/", "/usr/bin/true"});
    std::string output;
    if (runAndCollect(words, output) == 0)
        return {2, {}};
    output = output.substr(0, output.find('\n'));
    return {1, fmt::format("bubblewrap does not work here: {}", output.empty() ? "it failed without a word" : output)};
}

} // namespace

std::vector<std::string> learnerEnvironment()
{
    Words settings{"OMP_NUM_THREADS=1", "OMP_WAIT_POLICY=PASSIVE", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1",
                   // Freed tensors stay with the process instead of being faulted in again, page by page, every step.
                   "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=1073741824", "MALLOC_TOP_PAD_=16777216",
                   "GLIBC_TUNABLES=glibc.malloc.hugetlb=1",
                   // The size at which CUDA's products are the same from run to run; nothing else reads it.
                   "CUBLAS_WORKSPACE_CONFIG=:4096:8"};
    if (const std::string capability = cpuCapability(); !capability.empty())
        settings.push_back(fmt::format("ATEN_CPU_CAPABILITY={}", capability));
#if defined(__x86_64__)
    // Debian 12's OpenBLAS (0.3.21) takes its AVX2 kernels on AMD's processors with AVX-512; the others are 1.6 times as fast.
    if (cpuCapability() == "avx512" && __builtin_cpu_is("amd"))
        settings.push_back(fmt::format("OPENBLAS_CORETYPE={}", "SkylakeX"));
#endif
    return settings;
}

SandboxProbe probeSandbox()
{
    static const SandboxProbe result = probe();
    return result;
}

Result<SandboxCommand> wrapCommand(const SandboxSpec& spec, const std::filesystem::path& program,
                                   const std::vector<std::string>& arguments)
{
    const SandboxProbe machine = probeSandbox();
    const int level = std::min(machine.level, spec.wanted);
    if (level < spec.required)
        return fail(Code::Environment,
                    fmt::format("Sandbox level {} is required, but only level {} can be reached: {}.", spec.required, level,
                                machine.reason.empty() ? "no more was asked for" : machine.reason),
                    "Install bubblewrap and allow user namespaces, or lower the required level.");
    for (const auto* paths : {&spec.readable, &spec.writable})
        for (const Path& path : *paths)
            if (!isThere(path))
                return fail(Code::Environment, fmt::format("{} is missing; a child that needs it was not started.", path.string()));
    SandboxCommand command{{}, cleanEnvironment(spec), level};
    const Path absolute = std::filesystem::absolute(program);
    if (level >= 2) {
        command.arguments = emptyRoot(spec.network);
        if (spec.cuda)
            addCuda(command.arguments);
        for (const Path& path : programPaths(absolute))
            addPath(command.arguments, "--ro-bind", path);
        for (const Path& path : spec.readable)
            addPath(command.arguments, "--ro-bind", std::filesystem::absolute(path));
        for (const Path& path : spec.writable)
            addPath(command.arguments, "--bind", std::filesystem::absolute(path));
        add(command.arguments, {"--remount-ro", "/", "--chdir", "/"});
    }
    command.arguments.push_back(absolute.string());
    command.arguments.insert(command.arguments.end(), arguments.begin(), arguments.end());
    return command;
}

} // namespace ratchet
