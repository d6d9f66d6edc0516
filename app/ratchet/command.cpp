// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/command.h"

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <pwd.h>
#include <thread>
#include <unistd.h>

#include <fmt/format.h>

#include "core/agent/engine.h"
#include "core/store/reader.h"

namespace ratchet {

CLI::App* Commands::add(const std::string& name, const std::string& description, Action action)
{
    CLI::App* command = app.add_subcommand(name, description);
    command->final_callback([this, run = std::move(action)] { chosen = run; });
    return command;
}

Result<OpenLab> openLab(const std::string& folder)
{
    OpenLab lab;
    lab.paths.root = folder;
    RATCHET_TRY(config, readLabConfig(lab.paths));
    RATCHET_TRY(store, openForReading(lab.paths));
    lab.config = std::move(config);
    lab.store = std::move(store);
    return lab;
}

std::string personHere()
{
    const passwd* entry = ::getpwuid(::getuid());
    return fmt::format("person:{}", entry ? std::string(entry->pw_name) : std::to_string(::getuid()));
}

Result<Wish> ask(const OpenLab& lab, const std::string& kind, const Json& arguments)
{
    const Request request{kind, personHere(), arguments, now()};
    RATCHET_TRY(carried, carryOut(lab.paths.root, request));
    if (carried == Carried::Done)
        return Wish::Answered;
    for (int tries = 0; tries < 25; ++tries) {
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
        RATCHET_TRY(answer, lab.store->answer(request.id));
        if (answer)
            return answer->ok ? Result<Wish>(Wish::Answered) : fail(answer->code, answer->text, answer->hint);
    }
    return Wish::Open;
}

void printError(const Error& error)
{
    std::fflush(stdout);
    fmt::print(stderr, "ratchet: {}\n", error.text);
    if (!error.hint.empty())
        fmt::print(stderr, "  {}\n", error.hint);
}

void printJson(const Json& value)
{
    fmt::print("{}\n", value.dump(2, ' ', false, Json::error_handler_t::replace));
}

namespace {

// Levenshtein distance.
std::size_t distance(const std::string& a, const std::string& b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), 0);
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0]++;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t substituted = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            row[j] = std::min({row[j] + 1, row[j - 1] + 1, substituted});
        }
    }
    return row.back();
}

} // namespace

std::string nearest(const std::string& word, const std::vector<std::string>& names)
{
    std::string best;
    std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
    for (const std::string& name : names) {
        if (const std::size_t far = distance(word, name); far < least) {
            least = far;
            best = name;
        }
    }
    return best;
}

std::string toTextNumber(double value)
{
    return fmt::format("{:.4g}", value);
}

} // namespace ratchet
