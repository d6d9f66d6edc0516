// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet new, versions, lessons: making a lab, and the lists that need no explanation.
#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>

#include "app/ratchet/command.h"
#include "core/agent/engine.h"
#include "core/agent/text_table.h"
#include "core/guard/approval.h"
#include "core/plugin/corpus.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

struct NewOptions {
    std::string folder, domain, corpus, goal, budget, trialBudget, guard = "human", tokenizer, importFrom, parents;
    std::optional<std::uint64_t> seed;
    std::optional<int> candidates;
    std::optional<double> placebos, proxy, audit, reward, alpha, minEffect, retainedAlpha;
    std::optional<int> gateItems, vaultLooks;
    bool json = false;
};

Status checkDomain(const std::string& name)
{
    const std::vector<std::string> names = domainNames();
    if (names.empty())
        return fail(Code::Environment, "No domain plugin was found.",
                    "Build everything with installer/bootstrap build, or set RATCHET_PLUGIN_PATH.");
    if (std::find(names.begin(), names.end(), name) != names.end())
        return {};
    const std::string meant = nearest(name, names);
    return fail(Code::Usage, fmt::format("There is no domain \"{}\".", name),
                meant.empty()
                    ? fmt::format("The domains are: {}.", fmt::join(names, ", "))
                    : fmt::format("Did you mean \"{}\"? The domains are: {}.", meant, fmt::join(names, ", ")));
}

Result<std::optional<Flops>> budgetOf(const std::string& text)
{
    if (text.empty())
        return std::nullopt;
    RATCHET_TRY(amount, parseFlops(text));
    return amount;
}

Result<int> makeLab(const NewOptions& options)
{
    RATCHET_CHECK(checkDomain(options.domain));
    RATCHET_TRY(budget, budgetOf(options.budget));
    RATCHET_TRY(trialBudget, budgetOf(options.trialBudget));
    std::string policy;
    if (options.guard != "human") {
        RATCHET_TRY(text, readFile(options.guard));
        RATCHET_TRY(json, parseJson(text, options.guard));
        RATCHET_TRY(parsed, Policy::fromJson(json));
        policy = parsed.text.dump(2) + "\n";
    }
    RATCHET_CHECK(newLab({options.folder, options.domain, options.corpus, options.goal, budget, trialBudget,
                          options.seed, options.candidates, options.placebos, options.tokenizer, options.importFrom, {}, options.parents,
                          options.proxy, options.audit, options.reward, options.alpha, options.minEffect, options.retainedAlpha,
                          options.gateItems, options.vaultLooks}));
    const LabPaths paths{options.folder};
    if (!policy.empty())
        RATCHET_CHECK(writeFile(paths.policy(), policy));
    RATCHET_TRY(config, readLabConfig(paths));
    if (options.json) {
        printJson(config.toJson());
        return 0;
    }
    std::string corpus;
    if (!options.corpus.empty()) {
        RATCHET_TRY(about, corpusSummary(paths.corpus()));
        corpus = fmt::format("  corpus  {} documents, {}{}\n", about.documents, toTextBytes(static_cast<double>(about.bytes)),
                             about.leftOut ? fmt::format("; {} of what would be judged stand in what is trained on, too, and are left out",
                                                         toTextBytes(static_cast<double>(about.leftOut))) : "");
    }
    fmt::print("Made the lab {}\n  domain  {}\n{}  goal    {}\n  budget  {}, {} a trial\n  seed    {}\n  guard   {}\n{}{}\n"
               "Next: ratchet run {}\n",
               options.folder, config.domain, corpus, config.goal, toText(config.budget), toText(config.trialBudget),
               config.seed, policy.empty() ? "a person approves" : "the written policy " + paths.policy().string(),
               options.tokenizer.empty() ? "" : fmt::format("  tokens  {}\n", options.tokenizer),
               options.importFrom.empty() ? "" : fmt::format("  model   imported from {}, live\n", options.importFrom),
               options.folder);
    return 0;
}

struct ListOptions {
    std::string folder;
    bool json = false;
};

Result<int> listVersions(const ListOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(versions, lab.store->versions());
    RATCHET_TRY(live, lab.store->live());
    Json list = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const VersionRecord& version : versions) {
        const bool isLive = live && live->version == version.hash;
        list.push_back({{"version", version.hash.hex},
                        {"parent", version.parent ? Json(version.parent->hex) : Json()},
                        {"generation", version.generation},
                        {"parameters", version.parameters},
                        {"origin", version.origin},
                        {"created", toIso(version.created)},
                        {"live", isLive}});
        rows.push_back({version.hash.brief(), version.parent ? version.parent->brief() : "-",
                        std::to_string(version.generation), std::to_string(version.parameters), version.origin,
                        isLive ? "live" : ""});
    }
    if (options.json)
        printJson(list);
    else
        fmt::print("{}", textTable({{"version"},
                                    {"parent"},
                                    {"generation", Column::Align::Right},
                                    {"parameters", Column::Align::Right},
                                    {"origin"},
                                    {""}},
                                   rows));
    return 0;
}

Result<int> listLessons(const ListOptions& options)
{
    RATCHET_TRY(lab, openLab(options.folder));
    RATCHET_TRY(lessons, lab.store->lessons());
    Json list = Json::array();
    std::vector<std::vector<std::string>> rows;
    for (const LessonRecord& lesson : lessons) {
        const double deviation = std::sqrt(std::max(0.0, lesson.varianceGain));
        list.push_back({{"family", lesson.family},
                        {"operator", lesson.operatorName},
                        {"tried", lesson.tried},
                        {"accepted", lesson.accepted},
                        {"failed", lesson.failed},
                        {"meanGain", lesson.meanGain},
                        {"deviation", deviation},
                        {"costFlops", lesson.cost.value},
                        {"predictedError", lesson.predictedError},
                        {"replicated", lesson.replicated},
                        {"nominalGain", lesson.nominalGain},
                        {"replicatedGain", lesson.replicatedGain}});
        rows.push_back({lesson.family, lesson.operatorName, std::to_string(lesson.tried),
                        std::to_string(lesson.accepted), std::to_string(lesson.failed),
                        fmt::format("{:+.3f} ± {:.3f}", lesson.meanGain, deviation),
                        lesson.replicated > 0 ? fmt::format("{:+.3f} of {:+.3f} in {}", lesson.replicatedGain, lesson.nominalGain, lesson.replicated) : "",
                        toText(lesson.cost)});
    }
    constexpr auto right = Column::Align::Right;
    if (options.json)
        printJson(list);
    else if (rows.empty())
        fmt::print("No lessons yet: they are drawn at the end of every tooth.\n");
    else
        fmt::print("{}", textTable({{"family"},
                                    {"change"},
                                    {"tried", right},
                                    {"accepted", right},
                                    {"failed", right},
                                    {"believed gain", right},
                                    {"came back", right},
                                    {"cost", right}},
                                   rows));
    return 0;
}

CLI::App* addList(Commands& commands, const std::string& name, const std::string& text,
                  Result<int> (*list)(const ListOptions&))
{
    const auto options = std::make_shared<ListOptions>();
    CLI::App* command = commands.add(name, text, [options, list] { return list(*options); });
    command->add_option("DIR", options->folder, "Lab folder")->type_name("")->required();
    command->add_flag("--json", options->json, "Print JSON");
    return command;
}

} // namespace

void addLabCommands(Commands& commands)
{
    const auto options = std::make_shared<NewOptions>();
    CLI::App* command =
        commands.add("new", "Make a lab: a folder for one goal in one domain", [options] { return makeLab(*options); });
    command->add_option("DIR", options->folder, "Folder to make; must not exist or be empty")
        ->type_name("")
        ->required();
    command->add_option("--domain", options->domain, "What is learnt: arithmetic, text, ...")
        ->type_name("NAME")
        ->required();
    command->add_option("--corpus", options->corpus, "Text to learn from: a file or a folder (domain text)")
        ->type_name("PATH");
    command->add_option("--goal", options->goal, "For example \"exact match >= 0.99 on addition-3\"")
        ->type_name("TEXT");
    command->add_option("--budget", options->budget, "Compute of the whole lab, for example 10TFLOP")
        ->type_name("AMOUNT");
    command->add_option("--trial-budget", options->trialBudget, "Compute of one trial, for example 400GFLOP")
        ->type_name("AMOUNT");
    command->add_option("--tokenizer", options->tokenizer, "Tokens of a text: bytes, or N byte pairs learnt from the corpus")
        ->type_name("bytes|bpe:N");
    command->add_option("--import", options->importFrom,
                        "Start from the model in a Hugging Face folder (GPT-2 or Llama, safetensors)")
        ->type_name("FOLDER");
    command->add_option("--seed", options->seed, "Makes the lab repeatable, the judge's items included")
        ->type_name("N");
    command->add_option("--candidates", options->candidates, "Proposals a tooth")
        ->type_name("K")
        ->check(between(1, 64));
    command->add_option("--placebos", options->placebos, "Chance that a candidate is a placebo, to test the gate")
        ->type_name("SHARE")
        ->check(between(0.0, 0.9));
    command->add_option("--proxy", options->proxy, "Share of a trial's budget after which it may be given up; 0: never")
        ->type_name("SHARE")
        ->check(between(0.0, 0.95));
    command->add_option("--audit", options->audit, "Chance that a trial that would be given up is trained and judged all the same")
        ->type_name("SHARE")
        ->check(between(0.01, 1.0));
    command->add_option("--reward", options->reward, "Share of a trial's budget to learn a reward model with, which orders what is judged")
        ->type_name("SHARE")
        ->check(between(0.0, 1.0));
    const auto level = between(LabConfig::leastAlpha, LabConfig::mostAlpha);
    command->add_option("--alpha", options->alpha, "Chance of a false accept over all questions of the lab; 0.05 unless given")
        ->type_name("SHARE")
        ->check(level);
    command->add_option("--gate-items", options->gateItems, "Most items that a question to the gate may draw; 2000 unless given")
        ->type_name("N")
        ->check(between(LabConfig::leastGateItems, LabConfig::mostGateItems));
    command->add_option("--min-effect", options->minEffect, "Smallest gain in score worth accepting (1 is 8 bits per byte); 0.005 unless given")
        ->type_name("SCORE")
        ->check(between(0.0, LabConfig::mostMinEffect));
    command->add_option("--retained-alpha", options->retainedAlpha,
                        "Chance to pass a retained suite that lost more than its margin; 0.05 unless given")
        ->type_name("SHARE")
        ->check(level);
    command->add_option("--vault-looks", options->vaultLooks, "Most times that the vault of a corpus is opened; 20 unless given")
        ->type_name("N")
        ->check(between(0, std::numeric_limits<int>::max()));
    command->add_option("--parents", options->parents, "Whom candidates start from: balanced (mostly the champion), sequential, best-of-n, sigmoid, novelty, clade, islands")
        ->type_name("POLICY");
    command->add_option("--guard", options->guard, "human, or a written policy: a JSON file")
        ->type_name("human|POLICY.json")
        ->capture_default_str();
    command->add_flag("--json", options->json, "Print JSON");
    addList(commands, "versions", "List every version and which one is live", &listVersions);
    addList(commands, "lessons", "List what is believed about every kind of change", &listLessons);
}

} // namespace ratchet
