// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet approve, reject, rollback: what only a person decides. The rules are enforced by the engine, not here.
#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/genome/genome.h"

namespace ratchet {
namespace {

struct DecisionOptions {
    std::string folder, version, reason;
    bool preview = false;
};

Result<int> carry(const OpenLab& lab, const std::string& kind, const VersionRecord& version, const std::string& reason)
{
    if (reason.find_first_not_of(" \t\n") == std::string::npos)
        return fail(Code::Usage, "A decision needs a reason.", "Say in a few words why: --reason \"...\".");
    RATCHET_TRY(wish, ask(lab, kind, {{"version", version.hash.hex}, {"reason", reason}}));
    if (wish == Wish::Open) {
        fmt::print("Handed to the engine that runs this lab; ratchet status {} shows what came of it.\n",
                   lab.paths.root.string());
        return 0;
    }
    RATCHET_TRY(live, lab.store->live());
    fmt::print("Done: {} of version {}. Live is version {}.\n", kind, version.hash.brief(),
               live ? live->version.brief() : "none");
    return 0;
}

Result<int> decide(const std::string& kind, const DecisionOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(version, lab.store->findVersion(options.version));
    return carry(lab, kind, version, options.reason);
}

Result<Genome> genomeOf(const ObjectStore& objects, const VersionRecord& version)
{
    RATCHET_TRY(text, objects.get(version.genome));
    RATCHET_TRY(json, parseJson(text, "the genome of version " + version.hash.brief()));
    return Genome::fromJson(json);
}

// What a rollback changes: the pointer, and every genome leaf that differs.
Status printPreview(const OpenLab& lab, const VersionRecord& from, const VersionRecord& to)
{
    const ObjectStore objects(lab.paths.objects());
    RATCHET_TRY(now, genomeOf(objects, from));
    RATCHET_TRY(then, genomeOf(objects, to));
    RATCHET_CHECK(objects.verify(to.weights));
    fmt::print("Live goes from version {} ({}) to version {} ({}).\n", from.hash.brief(), from.origin, to.hash.brief(),
               to.origin);
    const Json current = now.toJson();
    for (const Json& change : patchBetween(now, then)) {
        const std::string path = change.value("path", "");
        const Json::json_pointer pointer(path);
        fmt::print("  {}  {} -> {}\n", path, current.contains(pointer) ? current.at(pointer).dump() : "-",
                   change.contains("value") ? change["value"].dump() : "-");
    }
    return {};
}

Result<int> rollBack(const DecisionOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(target, lab.store->findVersion(options.version));
    RATCHET_TRY(live, lab.store->live());
    if (!live)
        return fail(Code::Refused, "Nothing is live yet, so there is nothing to roll back.", "Run ratchet run first.");
    if (live->version == target.hash)
        return fail(Code::Refused, fmt::format("Version {} is live already.", target.hash.brief()),
                    fmt::format("Run ratchet versions {} for the others.", options.folder));
    RATCHET_TRY(current, lab.store->version(live->version));
    if (!current)
        return fail(Code::Damaged, "The live version has no record.", "Run ratchet check on this lab.");
    RATCHET_CHECK(printPreview(lab, *current, target));
    return options.preview ? Result<int>(0) : carry(lab, "rollback", target, options.reason);
}

CLI::App* addDecision(Commands& commands, const std::string& kind, const std::string& text)
{
    const auto options = std::make_shared<DecisionOptions>();
    const bool isRollback = kind == "rollback";
    CLI::App* command = commands.add(
        kind, text, [options, kind, isRollback] { return isRollback ? rollBack(*options) : decide(kind, *options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("VERSION", options->version, "Its hash, or the first digits of it (at least 4)")
        ->type_name("")
        ->required();
    CLI::Option* reason = command->add_option("--reason", options->reason, "Why; goes into the ledger");
    if (isRollback)
        command->add_flag("--preview", options->preview, "Only show what would change");
    else
        reason->required();
    return command;
}

} // namespace

void addDecisionCommands(Commands& commands)
{
    addDecision(commands, "approve", "Put a version that the gate accepted to use");
    addDecision(commands, "reject", "Decline a version that the gate accepted");
    addDecision(commands, "rollback", "Put an earlier version back to use");
}

} // namespace ratchet
