// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet: the command line. Composition root; every command lives in the file of its group.
// Exit status: 0 yes or done, 1 no or failed, 2 usage, 3 environment. Errors are one sentence and a hint on stderr.
#include <algorithm>
#include <clocale>
#include <csignal>

#include <fmt/format.h>

#include "app/ratchet/command.h"

namespace ratchet {
namespace {

std::vector<std::string> commandNames(const CLI::App& app)
{
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({}))
        names.push_back(command->get_name());
    return names;
}

bool isCommand(const CLI::App& app, const std::string& word)
{
    const std::vector<std::string> names = commandNames(app);
    return std::find(names.begin(), names.end(), word) != names.end();
}

Error unknownCommand(const CLI::App& app, const std::string& word)
{
    const std::string meant = nearest(word, commandNames(app));
    return {Code::Usage, fmt::format("There is no command \"{}\".", word),
            meant.empty() ? "Run ratchet --help for the list." : fmt::format("Did you mean \"ratchet {}\"?", meant)};
}

std::string sentence(std::string text)
{
    while (!text.empty() && (text.back() == '\n' || text.back() == '.'))
        text.pop_back();
    return text + ".";
}

int finish(const Error& error)
{
    printError(error);
    return exitStatus(error.code);
}

int ratchetMain(int argc, char** argv)
{
    CLI::App app("A laboratory for recursive self-improvement: proposes changes to a model, trains them, judges them "
                 "and asks a person before anything goes live.",
                 "ratchet");
    app.set_version_flag("--version", "ratchet " RATCHET_VERSION);
    app.require_subcommand(1);
    app.get_formatter()->column_width(34);
    Commands commands{app, {}};
    addRunCommands(commands);
    addLabCommands(commands);
    addFactCommands(commands);
    addScorecardCommand(commands);
    addCheckCommands(commands);
    addQueueCommands(commands);
    addSpaceCommand(commands);
    addDecisionCommands(commands);
    addReplicateCommands(commands);
    addReplayCommand(commands);
    addLedgerCommands(commands);
    addServeCommand(commands);
    addBenchCommand(commands);
    addExportCommand(commands);
    app.footer("Exit status: 0 done, 1 no or failed, 2 usage, 3 environment.\nA first look: ratchet demo");

    if (argc > 1 && argv[1][0] != '-' && !isCommand(app, argv[1]))
        return finish(unknownCommand(app, argv[1]));
    try {
        app.parse(argc, argv);
    } catch (const CLI::Success& success) {
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        const std::string command = argc > 1 && argv[1][0] != '-' ? fmt::format(" {}", argv[1]) : "";
        return finish({Code::Usage, sentence(error.what()), fmt::format("Run ratchet{} --help.", command)});
    }
    const Result<int> status = commands.chosen();
    return status ? *status : finish(status.error());
}

} // namespace
} // namespace ratchet

int main(int argc, char** argv)
{
    std::setlocale(LC_CTYPE, "");
    std::signal(SIGPIPE, SIG_IGN);
    try {
        return ratchet::ratchetMain(argc, argv);
    } catch (const std::exception& error) {
        ratchet::printError({ratchet::Code::Environment, fmt::format("Ratchet cannot go on: {}.", error.what()), {}});
        return 3;
    }
}
