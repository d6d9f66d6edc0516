// SPDX-License-Identifier: GPL-3.0-or-later
// What the commands of `ratchet` share: how one is chosen, how a lab is opened, who acts, how facts and errors are
// printed. Each command group adds its sub-commands to the CLI11 application and sets Commands::chosen when parsed. One
// thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "core/base/error.h"
#include "core/store/lab.h"

namespace ratchet {

// The answer of a command: its exit status, or an Error that main prints and maps with exitStatus().
using Action = std::function<Result<int>()>;

struct Commands {
    CLI::App& app;
    Action chosen;

    // A sub-command whose action runs after parsing; the returned App takes its options.
    CLI::App* add(const std::string& name, const std::string& description, Action action);
};

void addRunCommands(Commands& commands);      // demo, run
void addLabCommands(Commands& commands);      // new, versions, lessons
void addFactCommands(Commands& commands);     // status, report
void addCheckCommands(Commands& commands);    // check, doctor
void addQueueCommands(Commands& commands);    // propose, queue
void addSpaceCommand(Commands& commands);      // space
void addDecisionCommands(Commands& commands); // approve, reject, rollback
void addLedgerCommands(Commands& commands);   // ledger verify, ledger export
void addServeCommand(Commands& commands);     // serve
void addBenchCommand(Commands& commands);     // bench train, generate, store, self-training
void addExportCommand(Commands& commands);    // export
void addReplicateCommands(Commands& commands); // aa, replicate
void addReplayCommand(Commands& commands);    // replay
void addScorecardCommand(Commands& commands); // scorecard

// Like CLI::Range, without its words in --help.
template <typename T> [[nodiscard]] CLI::Validator between(T low, T high)
{
    return CLI::Range(low, high).description("");
}

// A lab opened for reading.
struct OpenLab {
    LabPaths paths;
    LabConfig config;
    std::unique_ptr<Store> store;
};
[[nodiscard]] Result<OpenLab> openLab(const std::string& folder);

// "person:ana": the login name of who runs this program.
[[nodiscard]] std::string personHere();

// Carries a person's wish out, or hands it to the engine that holds the lab and waits a few seconds for its answer.
// Answered: done, here or there. Open: handed over, the engine is busy and has not answered yet.
enum class Wish { Answered, Open };
[[nodiscard]] Result<Wish> ask(const OpenLab& lab, const std::string& kind, const Json& arguments);

void printError(const Error& error);
void printJson(const Json& value);

// The one of `names` that `word` was most likely meant to be, or empty when none is near.
[[nodiscard]] std::string nearest(const std::string& word, const std::vector<std::string>& names);

// Number as people write it: "0.943", "1.2e+05".
[[nodiscard]] std::string toTextNumber(double value);

} // namespace ratchet
