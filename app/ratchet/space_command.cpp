// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet space: which paths of a genome may change in a lab, and opening and closing some.
#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/agent/context.h"
#include "core/agent/text_table.h"
#include "core/genome/genome_paths.h"

namespace ratchet {
namespace {

struct Options {
    std::string folder;
    std::vector<std::string> open, close;
    bool json = false;
};

// "PATH" with its usual bound, or "PATH=BOUND".
Result<std::pair<std::string, Json>> opened(const std::string& text)
{
    const std::string path = text.substr(0, text.find('='));
    if (path.size() < text.size()) {
        const auto bound = parseJson(text.substr(path.size() + 1), fmt::format("The bound of {}", path));
        const auto space = bound ? SearchSpace::fromJson({{"paths", {{path, *bound}}}, {"maxParameters", 1}}) : Result<SearchSpace>(passOn(bound));
        return space ? Result<std::pair<std::string, Json>>(std::pair(path, *bound)) : fail(Code::Usage, space.error().text, space.error().hint);
    }
    const Json usual = usualBounds({path});
    if (!usual.empty())
        return std::pair(path, usual[path]);
    if (isGenomePath(path))
        return fail(Code::Usage, fmt::format("{} has no usual values: they are the domain's own.", path),
                    fmt::format(R"(Give them: --open '{}={{"choices": [...]}}'.)", path));
    std::vector<std::string> known;
    for (const GenomePath& one : genomePaths())
        known.push_back(one.path);
    const std::string meant = nearest(path, known);
    return fail(Code::Usage, fmt::format("No genome has a path {}.", path), meant.empty() ? "Run ratchet space DIR for the list." : fmt::format("Did you mean {}?", meant));
}

Status change(const OpenLab& lab, const Options& options)
{
    Json open = Json::object();
    for (const std::string& text : options.open) {
        RATCHET_TRY(one, opened(text));
        open[one.first] = one.second;
    }
    RATCHET_TRY(wish, ask(lab, "space", {{"open", open}, {"close", options.close}}));
    if (!options.json)
        fmt::print("{}\n", wish == Wish::Answered ? "Done." : "Handed to the engine that runs this lab.");
    return {};
}

Status list(const OpenLab& lab, bool json)
{
    RATCHET_TRY(space, readSearchSpace(lab.paths));
    const Json open = space.toJson();
    if (json) {
        printJson(open);
        return {};
    }
    std::vector<std::vector<std::string>> rows;
    for (const auto& [path, bound] : open["paths"].items())
        rows.push_back({path, boundText(bound)});
    for (const GenomePath& one : genomePaths())
        if (!open["paths"].contains(one.path) && !one.usual.is_null())
            rows.push_back({one.path, fmt::format("closed; usually {}", boundText(one.usual))});
    fmt::print("{}", textTable({{"path"}, {"values"}}, rows));
    return {};
}

Result<int> space(const Options& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    if (options.open.empty() && options.close.empty())
        RATCHET_CHECK(list(lab, options.json));
    else
        RATCHET_CHECK(change(lab, options));
    return 0;
}

} // namespace

void addSpaceCommand(Commands& commands)
{
    const auto options = std::make_shared<Options>();
    CLI::App* command = commands.add("space", "List what may change in a lab, open or close paths", [options] { return space(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("--open", options->open, "Path of a genome that may change from now on: with its usual values, or PATH=BOUND as in search_space.json")
        ->type_name("PATH[=BOUND]")
        ->allow_extra_args(false);
    command->add_option("--close", options->close, "Path that may change no more")->type_name("PATH")->allow_extra_args(false);
    command->add_flag("--json", options->json, "Print JSON");
}

} // namespace ratchet
