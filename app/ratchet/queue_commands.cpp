// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet propose and queue: a person's own proposals, and the order of those that wait.
#include <algorithm>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/agent/admission.h"
#include "core/agent/text_table.h"

namespace ratchet {
namespace {

struct ProposeOptions {
    std::string folder, patch, reason;
    bool json = false;
};

// Of the live genome with this patch.
Result<Estimate> estimateOf(const OpenLab& lab, const Json& patch)
{
    RATCHET_TRY(context, Context::look(lab.paths));
    RATCHET_TRY(champion, context->champion());
    RATCHET_TRY(parent, context->genome(champion.genome));
    RATCHET_TRY(child, applyPatch(parent, patch));
    return estimate(*context, parent, child);
}

std::string sentenceOf(const Estimate& it, Flops budget)
{
    const std::string training = it.steps > 0 ? fmt::format("a step costs {}, and {} pay for about {:.0f}", toText(it.step), toText(budget), it.steps)
                                              : std::string("it is not trained");
    return fmt::format("It has {} parameters and takes up to {} of memory; {}.\n", it.parameters, toTextBytes(it.memoryBytes), training);
}

Result<int> propose(const ProposeOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(text, readFile(options.patch));
    RATCHET_TRY(patch, parseJson(text, options.patch));
    if (!patch.is_array() || patch.empty())
        return fail(Code::BadInput,
                    fmt::format("{} is no RFC 6902 patch: it has to be a list of operations.", options.patch),
                    R"(For example: [{"op": "replace", "path": "/recipe/learningRate", "value": 0.003}])");
    const auto wanted = estimateOf(lab, patch);          // what cannot be estimated is refused by who is asked next
    RATCHET_TRY(wish, ask(lab, "propose", {{"patch", patch}, {"reason", options.reason}}));
    if (options.json) {
        Json facts{{"queued", wish == Wish::Answered}};
        if (wanted)
            facts.update({{"parameters", wanted->parameters}, {"stepFlops", wanted->step.value}, {"steps", wanted->steps}, {"memoryBytes", wanted->memoryBytes}});
        printJson(facts);
        return 0;
    }
    fmt::print("{}\n{}", wish == Wish::Answered
                             ? "The proposal is queued; a running engine takes it up, or the next ratchet run."
                             : "The proposal was handed to the engine that runs this lab.",
               wanted ? sentenceOf(*wanted, lab.config.trialBudget) : std::string());
    return 0;
}

struct QueueOptions {
    std::string folder, action = "list";
    std::int64_t proposal = 0, before = 0;
    bool all = false, json = false;
};

bool isOpen(ProposalState state)
{
    return state == ProposalState::Queued || state == ProposalState::Running || state == ProposalState::Trained ||
           state == ProposalState::Waiting;
}

Result<int> list(const OpenLab& lab, const QueueOptions& options)
{
    RATCHET_TRY(proposals, lab.store->proposals());
    std::stable_sort(proposals.begin(), proposals.end(), [](const auto& a, const auto& b) { return a.rank < b.rank; });
    Json facts = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const ProposalRecord& p : proposals) {
        if (!options.all && !isOpen(p.state))
            continue;
        facts.push_back({{"proposal", p.id.value},
                         {"tooth", p.tooth},
                         {"family", p.family},
                         {"change", p.operatorName},
                         {"patch", p.patch},
                         {"reason", p.reason},
                         {"author", p.author},
                         {"predictedGain", p.predictedGain},
                         {"priceFlops", p.price.value},
                         {"state", toText(p.state)},
                         {"stateReason", p.stateReason},
                         {"parent", p.parent.hex}});
        rows.push_back({std::to_string(p.id.value), p.family, p.operatorName, toText(p.state),
                        toTextNumber(p.predictedGain), toText(p.price), p.author.substr(0, p.author.find(':') + 9)});
    }
    constexpr auto right = Column::Align::Right;
    if (options.json)
        printJson(facts);
    else if (rows.empty())
        fmt::print("The queue is empty.\n");
    else
        fmt::print("{}", textTable({{"no", right},
                                    {"family"},
                                    {"change"},
                                    {"state"},
                                    {"predicted gain", right},
                                    {"price", right},
                                    {"author"}},
                                   rows));
    return 0;
}

Result<int> queue(const QueueOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    if (options.action == "list")
        return list(lab, options);
    if (options.proposal == 0)
        return fail(Code::Usage, fmt::format("queue {} needs the number of a proposal.", options.action),
                    fmt::format("Run ratchet queue {} to see the numbers.", options.folder));
    RATCHET_TRY(found, lab.store->proposal({options.proposal}));
    if (!found)
        return fail(Code::NotFound, fmt::format("There is no proposal {} in {}.", options.proposal, options.folder),
                    fmt::format("Run ratchet queue {} --all to see the numbers.", options.folder));
    Json arguments{{"proposal", options.proposal}};
    if (options.action == "move")
        arguments["before"] = options.before;
    RATCHET_TRY(wish, ask(lab, options.action, arguments));
    fmt::print("{}\n", wish == Wish::Answered ? "Done." : "Handed to the engine that runs this lab.");
    return 0;
}

} // namespace

void addQueueCommands(Commands& commands)
{
    const auto proposal = std::make_shared<ProposeOptions>();
    CLI::App* command =
        commands.add("propose", "Put a change of your own into the queue", [proposal] { return propose(*proposal); });
    command->add_option("DIR", proposal->folder, "Lab folder")->type_name("")->required();
    command->add_option("--patch", proposal->patch, "File with an RFC 6902 JSON Patch on the live version's genome")
        ->type_name("FILE")
        ->required();
    command->add_option("--reason", proposal->reason, "Why it should help")->required();
    command->add_flag("--json", proposal->json, "Print JSON");

    const auto options = std::make_shared<QueueOptions>();
    command = commands.add("queue", "List proposals, cancel, retry or move one", [options] { return queue(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_option("ACTION", options->action, "What to do")
        ->type_name("list|cancel|retry|move")
        ->check(CLI::IsMember({"list", "cancel", "retry", "move"}).description(""))
        ->capture_default_str();
    command->add_option("NUMBER", options->proposal, "Proposal to cancel, retry or move")
        ->type_name("")
        ->check(between(1, 1'000'000'000));
    command->add_option("--before", options->before, "move: the proposal it goes in front of; 0 is the end")
        ->type_name("N")
        ->check(between(0, 1'000'000'000));
    command->add_flag("--all", options->all, "list: also proposals that are settled");
    command->add_flag("--json", options->json, "Print JSON");
}

} // namespace ratchet
