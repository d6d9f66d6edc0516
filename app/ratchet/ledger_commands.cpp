// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet ledger verify and export.
#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/guard/ledger.h"

namespace ratchet {
namespace {

struct LedgerOptions {
    std::string folder, target;
    bool json = false;
};

Result<int> verify(const LedgerOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(check, verifyLedger(*lab.store, lab.paths));
    if (options.json)
        printJson({{"ok", check.ok}, {"entries", check.entries}, {"head", check.head.hex}, {"fault", check.fault}});
    else if (check.ok)
        fmt::print("The ledger is whole: {} entries, head {}.\n", check.entries, check.head.hex);
    if (check.ok)
        return 0;
    printError({Code::Damaged, fmt::format("The ledger is broken: {}", check.fault),
                fmt::format("Somebody or something changed the record; compare it with an exported copy. When an older "
                            "copy of the lab was put back on purpose, remove {}.",
                            lab.paths.ledgerHead().string())});
    return 1;
}

Result<int> exportTo(const LedgerOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(check, verifyLedger(*lab.store, lab.paths));
    if (!check.ok)
        return fail(Code::Damaged, fmt::format("The ledger is broken: {}", check.fault),
                    "Restore the lab from a backup before it is exported.");
    RATCHET_TRY(entries, lab.store->ledger());
    const std::filesystem::path target =
        options.target.empty() ? lab.paths.root / "ledger" : std::filesystem::path(options.target);
    RATCHET_CHECK(exportLedger(entries, lab.paths.keys(), target));
    fmt::print("Wrote {} entries to {}; VERIFY.txt there says how an outsider checks them.\n", entries.size(),
               target.string());
    return 0;
}

} // namespace

void addLedgerCommands(Commands& commands)
{
    CLI::App* ledger =
        commands.app.add_subcommand("ledger", "Check or export the record of every decision and deployment");
    ledger->require_subcommand(1);
    const auto options = std::make_shared<LedgerOptions>();
    const auto add = [&](const std::string& name, const std::string& text, Result<int> (*run)(const LedgerOptions&)) {
        CLI::App* command = ledger->add_subcommand(name, text);
        command->final_callback(
            [&commands, options, run] { commands.chosen = [options, run] { return run(*options); }; });
        command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
        return command;
    };
    add("verify", "Recompute the hash chain; exit 1 when it is broken", &verify)
        ->add_flag("--json", options->json, "Print JSON");
    add("export", "Write the ledger with its signed head and how to check it", &exportTo)
        ->add_option("--to", options->target, "Folder to write; LAB/ledger unless given")
        ->type_name("FOLDER");
}

} // namespace ratchet
