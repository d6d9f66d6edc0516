// SPDX-License-Identifier: GPL-3.0-or-later
// The lab's folder, its configuration and the engine's lock; requests.cpp holds what other programs ask.
#include "core/store/lab.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <thread>
#include <unistd.h>

#include "core/base/sign.h"
#include "core/base/whole_folder.h"

namespace ratchet {
namespace {

constexpr int labFormat = 1;

std::string reason(int number)
{
    return std::strerror(number);
}

// Everything, lab.json last: a folder without it is no lab.
Status fill(const LabPaths& paths, const LabConfig& config, const Json& searchSpace, const std::string& secret)
{
    for (const auto& folder : {paths.objects(), paths.work()})
        RATCHET_CHECK(makeFolder(folder));
    for (const auto& folder : {paths.judge(), paths.keys(), paths.requests()})
        RATCHET_CHECK(makeFolder(folder, 0700));
    RATCHET_CHECK(writeFile(paths.judge() / "secret", secret + "\n", 0600));
    RATCHET_CHECK(createKeys(paths.keys()));
    RATCHET_CHECK(writeFile(paths.searchSpace(), searchSpace.dump(2) + "\n"));
    RATCHET_CHECK(Store::create(paths.database()));
    return writeFile(paths.config(), config.toJson().dump(2) + "\n", 0444);
}

} // namespace

Json LabConfig::toJson() const
{
    return {{"format", format}, {"ratchet", ratchet}, {"domain", domain}, {"goal", goal}, {"budget", budget.value},
            {"trialBudget", trialBudget.value}, {"seed", seed}, {"candidates", candidates}, {"alpha", alpha},
            {"alphaDecay", alphaDecay}, {"gateItems", gateItems}, {"placebos", placebos}, {"parents", parents},
            {"proxy", proxy}, {"audit", audit}, {"reward", reward}, {"minEffect", minEffect}, {"retainedAlpha", retainedAlpha},
            {"vaultLooks", vaultLooks}, {"corpusSource", corpusSource}, {"created", created}};
}

Result<LabConfig> LabConfig::fromJson(const Json& json)
{
    LabConfig config;
    Fields in(json, "lab.json");
    in.read("format", config.format);
    RATCHET_CHECK(in.status());
    if (config.format > labFormat)
        return fail(Code::Newer, fmt::format("The lab was made by a newer Ratchet (format {}, this one knows {}).", config.format, labFormat),
                    "Update Ratchet to open it.");
    in.read("ratchet", config.ratchet).read("domain", config.domain).read("goal", config.goal);
    in.read("budget", config.budget.value).read("trialBudget", config.trialBudget.value).read("seed", config.seed);
    in.read("candidates", config.candidates).read("alpha", config.alpha).read("gateItems", config.gateItems);
    in.readIf("placebos", config.placebos).readIf("parents", config.parents);
    in.readIf("alphaDecay", config.alphaDecay).readIf("proxy", config.proxy).readIf("audit", config.audit).readIf("reward", config.reward);
    in.readIf("vaultLooks", config.vaultLooks).readIf("minEffect", config.minEffect).readIf("retainedAlpha", config.retainedAlpha);
    in.read("corpusSource", config.corpusSource).read("created", config.created).onlyKnown();
    if (config.format < 1)
        in.fault("\"format\" is not 1");
    if (config.budget.value <= 0 || config.trialBudget.value <= 0)
        in.fault("a budget is not positive");
    if (config.candidates < 1)
        in.fault("\"candidates\" is below 1");
    if (config.gateItems < leastGateItems || config.gateItems > mostGateItems)
        in.fault(fmt::format("\"gateItems\" is not {} to {}", leastGateItems, mostGateItems));
    for (const auto& [name, level] : {std::pair("alpha", config.alpha), std::pair("retainedAlpha", config.retainedAlpha)})
        if (level < leastAlpha || level > mostAlpha)
            in.fault(fmt::format("\"{}\" is not {} to {}", name, leastAlpha, mostAlpha));
    if (config.minEffect < 0 || config.minEffect > mostMinEffect)
        in.fault(fmt::format("\"minEffect\" is not 0 to {}", mostMinEffect));
    if (config.placebos < 0 || config.placebos > 0.9)
        in.fault("\"placebos\" is not between 0 and 0.9");
    if (config.alphaDecay <= 1 || config.alphaDecay > 4)
        in.fault("\"alphaDecay\" is not above 1 and at most 4");
    if (config.proxy < 0 || config.proxy >= 1 || config.audit <= 0 || config.audit > 1 || config.reward < 0 || config.reward > 1)
        in.fault("\"proxy\", \"audit\" or \"reward\" is not a share that it may be");
    if (config.vaultLooks < 0)
        in.fault("\"vaultLooks\" is negative");
    RATCHET_CHECK(in.status());
    return config;
}

Status createLab(const LabPaths& paths, const LabConfig& config, const Json& searchSpace, const std::string& secret)
{
    LabConfig complete = config;
    if (complete.ratchet.empty())
        complete.ratchet = RATCHET_VERSION;
    return makeWhole(paths.root, paths.config().filename().string(),
                     [&](const std::filesystem::path& place) { return fill({place}, complete, searchSpace, secret); });
}

Result<LabConfig> readLabConfig(const LabPaths& paths)
{
    std::error_code error;
    const std::string root = paths.root.string();
    RATCHET_CHECK(checkReach(paths.root));
    const auto type = std::filesystem::status(paths.root, error).type();
    if (type == std::filesystem::file_type::not_found)
        return fail(Code::NotFound, fmt::format("{} does not exist.", root), "Make a lab with: ratchet new DIR --domain arithmetic");
    if (type != std::filesystem::file_type::directory)
        return fail(Code::Environment, fmt::format("{} is a file, not a lab.", root), "Name the lab's folder.");
    const auto text = readFile(paths.config(), 1 << 20);
    if (!text && text.error().code == Code::NotFound)
        return fail(Code::NotFound, fmt::format("{} is not a lab: it has no lab.json.", root), "Make a lab with: ratchet new DIR --domain arithmetic");
    if (!text)
        return passOn(text);
    const auto json = parseJson(*text, paths.config().string());
    auto config = json ? LabConfig::fromJson(*json) : Result<LabConfig>(passOn(json));
    if (!config && config.error().code == Code::BadInput)
        return fail(Code::Damaged, fmt::format("{} is damaged. {}", paths.config().string(), config.error().text), "Correct it, or restore it from a backup.");
    return config;
}

namespace {

// 0, or the error.
int lockWhole(int fd)
{
    struct flock whole{};
    whole.l_type = F_WRLCK;
    whole.l_whence = SEEK_SET;
    return ::fcntl(fd, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
}

bool isHeld(int error)
{
    return error == EAGAIN || error == EACCES;
}

// The pid of who took the lock last; empty while it is being written.
std::string holderOf(const LabPaths& paths)
{
    const auto holder = readFile(paths.lock(), 64);
    return holder ? holder->substr(0, holder->find('\n')) : "";
}

} // namespace

// An open file description's lock: it goes with the process however that ends, and can be asked about without being taken.
Result<LabLock> LabLock::take(const LabPaths& paths)
{
    UniqueFd fd(::open(paths.lock().c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
    if (!fd.isOpen())
        return fail(errno == ENOENT ? Code::NotFound : Code::Environment,
                    fmt::format("Cannot open {}: {}.", paths.lock().string(), reason(errno)), "Check the permissions of the lab's folder.");
    int error = lockWhole(fd.get());
    std::string holder = error == 0 ? std::string() : holderOf(paths);
    // A child that another thread is just starting holds a copy of every descriptor until it has become another program, and
    // with it a lock that this process has let go.
    for (int tries = 0; isHeld(error) && holder == std::to_string(::getpid()) && tries < 25; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
        error = lockWhole(fd.get());
        holder = holderOf(paths);
    }
    if (isHeld(error))
        return fail(Code::Conflict, fmt::format("Another engine{} runs the lab {}.", holder.empty() ? "" : " (process " + holder + ")", paths.root.string()),
                    "Watch it with ratchet-lab, or stop it first.");
    if (error != 0)
        return fail(Code::Environment, fmt::format("Cannot lock {}: {}.", paths.lock().string(), reason(error)));
    const std::string mine = std::to_string(::getpid()) + "\n";
    if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), mine.data(), mine.size(), 0) != static_cast<ssize_t>(mine.size()))
        return fail(Code::Environment, fmt::format("Cannot write {}: {}.", paths.lock().string(), reason(errno)));
    return LabLock(std::move(fd));
}

bool isEngineRunning(const LabPaths& paths)
{
    const UniqueFd fd(::open(paths.lock().c_str(), O_RDONLY | O_CLOEXEC));
    struct flock probe{};
    probe.l_type = F_RDLCK;
    probe.l_whence = SEEK_SET;
    return fd.isOpen() && ::fcntl(fd.get(), F_OFD_GETLK, &probe) == 0 && probe.l_type != F_UNLCK;
}

} // namespace ratchet
