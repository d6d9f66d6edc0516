// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet check and doctor: whether a lab is whole, and whether this machine has what Ratchet needs.
#include <array>
#include <cstdio>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <sys/wait.h>

#include "app/ratchet/command.h"
#include "core/agent/context.h"
#include "core/agent/gate_record.h"
#include "core/agent/limits.h"
#include "core/guard/ledger.h"
#include "core/guard/sandbox.h"
#include "core/launch/child.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

struct Finding {
    std::string name;
    bool ok = false;
    std::string detail;
    bool notice = false;     // nothing is wrong, but somebody should know
};

struct CheckOptions {
    std::string folder;
    bool json = false;
};

// Every object that a record names has to be there, and every file there has to be what its name says.
Result<Finding> checkObjects(const OpenLab& lab)
{
    const ObjectStore objects(lab.paths.objects());
    std::set<Hash> named;
    RATCHET_TRY(versions, lab.store->versions());
    RATCHET_TRY(proposals, lab.store->proposals());
    for (const VersionRecord& version : versions) {
        named.insert({version.genome, version.weights, version.tokenizer});
        if (version.moments)
            named.insert(*version.moments);
    }
    for (const ProposalRecord& proposal : proposals)
        if (proposal.genome.isSet())
            named.insert(proposal.genome);
    RATCHET_TRY(rewards, lab.store->rewards());
    for (const RewardRecord& reward : rewards)
        if (reward.weights.isSet())
            named.insert({reward.genome, reward.weights});
    for (const Hash& hash : named)
        if (Status status = objects.verify(hash); !status)
            return Finding{"objects", false, status.error().text};
    std::size_t others = 0;
    std::error_code error;
    for (auto entry = std::filesystem::recursive_directory_iterator(lab.paths.objects(), error);
         !error && entry != std::filesystem::recursive_directory_iterator(); entry.increment(error)) {
        if (!entry->is_regular_file(error) || entry->path().extension() == ".tmp")
            continue;
        const Hash hash{entry->path().parent_path().filename().string() + entry->path().filename().string()};
        if (named.count(hash))
            continue;
        ++others;
        if (Status status = objects.verify(hash); !status)
            return Finding{"objects", false, status.error().text};
    }
    if (error)
        return Finding{"objects", false, fmt::format("The folder of objects cannot be read: {}.", error.message())};
    return Finding{"objects", true,
                   fmt::format("{} named by records, {} others, every hash recomputed", named.size(), others)};
}

// Every version has to be what it is called, and all have to read alike.
Result<Finding> checkVersions(const OpenLab& lab)
{
    RATCHET_TRY(versions, lab.store->versions());
    for (const VersionRecord& version : versions) {
        if (const Status named = checkName(version); !named)
            return Finding{"versions", false, named.error().text};
        if (version.tokenizer != versions.front().tokenizer)
            return Finding{"versions", false, fmt::format("version {} reads with another tokenizer than {}", version.hash.brief(), versions.front().hash.brief())};
    }
    return Finding{"versions", true, fmt::format("{}, every name recomputed", versions.size())};
}

Result<Finding> checkLedger(const OpenLab& lab)
{
    RATCHET_TRY(check, verifyLedger(*lab.store, lab.paths));
    return Finding{"ledger", check.ok,
                   check.ok ? fmt::format("{} entries, head {}", check.entries, check.head.brief()) : check.fault};
}

// An edit of lab.json is its owner's right and no damage; that no engine has recorded it yet is to be known.
Result<Finding> checkGate(const OpenLab& lab)
{
    const auto records = gateRecords(*lab.store);
    if (!records)
        return Finding{"gate", false, records.error().text};
    if (records->empty())
        return Finding{"gate", true, "what it may err is not in the ledger yet; the next run records it"};
    const std::string change = unrecordedChange(*records, lab.config);
    if (!change.empty())
        return Finding{"gate", true, fmt::format("lab.json was edited, and the next run will record it: {}", change), true};
    return Finding{"gate", true, "what it may err is as the ledger has it"};
}

Result<Finding> checkLive(const OpenLab& lab)
{
    RATCHET_TRY(live, lab.store->live());
    if (!live)
        return Finding{"live version", true, "none yet"};
    RATCHET_TRY(version, lab.store->version(live->version));
    return Finding{"live version", version.has_value(),
                   version ? version->hash.brief() + ", " + version->origin : "its record is missing"};
}

void printFindings(const std::vector<Finding>& findings, bool json)
{
    Json list = Json::array();
    for (const Finding& finding : findings) {
        if (json)
            list.push_back({{"name", finding.name}, {"ok", finding.ok}, {"notice", finding.notice}, {"detail", finding.detail}});
        else
            fmt::print("{:<5} {:<14} {}\n", !finding.ok ? "BAD" : finding.notice ? "note" : "ok", finding.name, finding.detail);
    }
    if (json)
        printJson(list);
}

Result<int> check(const CheckOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(space, readSearchSpace(lab.paths));      // the person's own: what is wrong with it is said as it is
    std::vector<Finding> findings{
        {"configuration", true, fmt::format("format {}, domain {}", lab.config.format, lab.config.domain)},
        {"search space", true, fmt::format("{} paths open", space.paths().size())},
        {"database", true, "opened, structure checked"}};
    for (auto part : {&checkObjects, &checkVersions, &checkLedger, &checkGate, &checkLive}) {
        RATCHET_TRY(finding, part(lab));
        findings.push_back(std::move(finding));
    }
    printFindings(findings, options.json);
    for (const Finding& finding : findings)
        if (!finding.ok)
            return fail(Code::Damaged,
                        fmt::format("The lab {} is damaged ({}): {}", options.folder, finding.name, finding.detail),
                        "Nothing was changed. Restore the lab from a copy, or roll back to a version that is whole.");
    return 0;
}

// Standard output of a program, or empty when it cannot be run or fails.
std::string outputOf(const std::filesystem::path& program, const std::string& argument)
{
    std::string quoted;
    for (const char c : program.string())
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    std::FILE* pipe = ::popen(fmt::format("'{}' {} 2>/dev/null", quoted, argument).c_str(), "re");
    if (pipe == nullptr)
        return {};
    std::string text;
    std::array<char, 512> buffer{};
    while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe))
        text.append(buffer.data(), got);
    const int status = ::pclose(pipe);
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : std::string();
}

Finding learnerFinding()
{
    const std::filesystem::path learner = defaultLearner();
    std::error_code error;
    if (!std::filesystem::exists(learner, error))
        return {"learner", false, fmt::format("{} is missing; build it, or set RATCHET_LEARNER", learner.string())};
    std::string version = outputOf(learner, "--version");
    if (version.empty())
        return {"learner", false, fmt::format("{} does not start", learner.string())};
    const bool same = version.find(RATCHET_VERSION) != std::string::npos;
    for (char& c : version)
        c = c == '\n' ? ' ' : c;
    return {"learner", same, same ? version : fmt::format("{} is of another version: {}", learner.string(), version)};
}

Finding deviceFinding()
{
    const auto answer = askLearner(defaultLearner(), "auto", "auto");
    if (!answer)
        return {"device", false, answer.error().text};
    if (!answer->value("cuda", false))
        return {"device", true, "the CPU; this libtorch was built without CUDA"};
    std::string list;
    for (const Json& device : answer->value("devices", Json::array()))
        list += fmt::format("{}{} ({}, {}{})", list.empty() ? "" : ", ", device.value("name", ""), device.value("model", ""),
                            toTextBytes(device.value("memory", 0.0)), device.value("bf16", false) ? ", bf16" : "");
    return {"device", true, list.empty() ? "the CPU; libtorch has CUDA, but no device answers" : list};
}

Finding pluginFinding()
{
    std::string names, fault;
    for (const std::string& name : domainNames()) {
        names += (names.empty() ? "" : ", ") + name;
        if (auto domain = loadDomain(name);
            !domain && domain.error().code != Code::BadInput && domain.error().code != Code::NotFound)
            fault = domain.error().text;
    }
    if (!fault.empty())
        return {"plugins", false, fault};
    return {"plugins", !names.empty(), names.empty() ? "none found; build them, or set RATCHET_PLUGIN_PATH" : names};
}

Finding diskFinding(const std::string& folder)
{
    std::error_code error;
    const auto space = std::filesystem::space(folder.empty() ? "." : folder, error);
    if (error)
        return {"disk", false, error.message()};
    return {"disk", space.available > 500e6, toTextBytes(static_cast<double>(space.available)) + " free"};
}

Result<int> doctor(const CheckOptions& options)
{
    const SandboxProbe sandbox = probeSandbox();
    std::vector<Finding> findings{
        {"ratchet", true, RATCHET_VERSION},
        learnerFinding(),
        deviceFinding(),
        pluginFinding(),
        {"sandbox", true,
         sandbox.reason.empty() ? fmt::format("level {}", sandbox.level)
                                : fmt::format("level {}: {}", sandbox.level, sandbox.reason)},
        diskFinding(options.folder),
        {"memory", true, toTextBytes(memoryOfMachine()) + " for a trial"},
        {"cores", true, std::to_string(std::thread::hardware_concurrency())},
    };
    printFindings(findings, options.json);
    for (const Finding& finding : findings)
        if (!finding.ok)
            return fail(Code::Environment, fmt::format("Something is missing here ({}).", finding.name),
                        "installer/bootstrap build puts everything in place.");
    return 0;
}

} // namespace

void addCheckCommands(Commands& commands)
{
    const auto options = std::make_shared<CheckOptions>();
    CLI::App* command = commands.add("check", "Verify a lab: configuration, database, every object, ledger",
                                     [options] { return check(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_flag("--json", options->json, "Print JSON");
    command =
        commands.add("doctor", "What this machine has of what Ratchet needs", [options] { return doctor(*options); });
    command->add_option("DIR", options->folder, "Folder whose disk space is looked at; here unless given")
        ->type_name("");
    command->add_flag("--json", options->json, "Print JSON");
}

} // namespace ratchet
