// SPDX-License-Identifier: GPL-3.0-or-later
// ratchet demo: makes the addition lab, turns its loop for some minutes, and says what came of it. With a display the
// window opens on the running lab and a person approves; without one a written policy decides.
#include <cstdlib>

#include <fmt/format.h>

#include "app/ratchet/lab_window.h"
#include "app/ratchet/run_here.h"
#include "core/agent/report.h"
#include "core/agent/summary.h"

namespace ratchet {
namespace {

struct DemoOptions {
    std::string folder;
    std::optional<std::uint64_t> seed;
    std::optional<double> minutes, placebos, proxy, audit;
    std::optional<int> teeth;
    bool unattended = false, headless = false, json = false;
};

constexpr double usualMinutes = 5;

// ~/ratchet-demo, or the first of ~/ratchet-demo-2, -3 ... that is not there yet.
std::filesystem::path freshFolder()
{
    const char* home = std::getenv("HOME");
    const std::filesystem::path base = std::filesystem::path(home && *home ? home : ".") / "ratchet-demo";
    std::error_code error;
    std::filesystem::path folder = base;
    for (int number = 2; std::filesystem::exists(folder, error); ++number)
        folder = fmt::format("{}-{}", base.string(), number);
    return folder;
}

Status writePolicy(const LabPaths& lab)
{
    const Json policy{
        {"approve", "accepted"},
        {"minDifference", 0.0},
        {"maxDeployments", 100},
        {"reason", "Demo without a person at hand: what the gate accepts with a lower bound above zero goes live."}};
    return writeFile(lab.policy(), policy.dump(2) + "\n");
}

Status prepareLab(const LabPaths& lab, const DemoOptions& options)
{
    std::error_code error;
    if (std::filesystem::exists(lab.config(), error))
        return {};
    NewLab wanted;
    wanted.root = lab.root;
    wanted.domain = "arithmetic";
    wanted.seed = options.seed;
    wanted.placebos = options.placebos;
    wanted.proxy = options.proxy;
    wanted.audit = options.audit;
    return newLab(wanted);
}

// Whether the demo gets a window; says so when a display is named that cannot be used.
bool opensWindow(const DemoOptions& options)
{
    const std::string display = options.headless ? std::string() : displayName();
    if (display.empty())
        return false;
    if (canOpenWindow())
        return true;
    fmt::print(stderr, "The display {} cannot be used; the demo goes on in text.\n", display);
    return false;
}

Status runInWindow(const LabPaths& lab, const DemoOptions& options)
{
    std::vector<std::string> words{lab.root.string(), "--run"};
    if (options.minutes || !options.teeth)
        words.insert(words.end(), {"--minutes", fmt::format("{}", options.minutes.value_or(usualMinutes))});
    if (options.teeth)
        words.insert(words.end(), {"--teeth", std::to_string(*options.teeth)});
    return showWindow(words);
}

Status runInText(const LabPaths& lab, const DemoOptions& options)
{
    RATCHET_TRY(policy, readPolicy(lab.policy(), PolicyFile::Required));
    if (!options.json)
        fmt::print("No person decides here: the written policy {} does, and the ledger says so.\n",
                   lab.policy().string());
    RunHere here;
    here.lab = lab;
    here.policy = policy;
    here.quiet = options.json;
    here.limits.teeth = options.teeth;
    if (options.minutes || !options.teeth)
        here.limits.time = minutesToTime(options.minutes.value_or(usualMinutes));
    here.limits.waitForDecisions = false;
    RATCHET_TRY(end, runHere(here));
    if (!options.json)
        fmt::print("{}\n", endSentence(end, lab.root.string()));
    if (end == RunEnd::Stopped)
        return fail(Code::Cancelled, "The demo was stopped.");
    return {};
}

Status tellWhatHappened(const LabPaths& paths, bool json)
{
    RATCHET_TRY(lab, openLab(paths.root.string()));
    RATCHET_TRY(summary, summarise(*lab.store, lab.config));
    RATCHET_TRY(html, htmlReport(*lab.store, ObjectStore(paths.objects()), lab.config));
    RATCHET_CHECK(writeFile(paths.report(), html));
    if (json)
        printJson(toJson(summary));
    else
        fmt::print("\n{}\nReport: {}\n", toText(summary), std::filesystem::absolute(paths.report()).string());
    return {};
}

Result<int> demo(const DemoOptions& options)
{
    const LabPaths lab{options.folder.empty() ? freshFolder() : std::filesystem::path(options.folder)};
    std::error_code error;
    const bool existed = std::filesystem::exists(lab.config(), error);
    const bool hadPolicy = std::filesystem::exists(lab.policy(), error);
    RATCHET_CHECK(prepareLab(lab, options));
    if (!options.json) {
        fmt::print("Demo lab: {}\n", lab.root.string());
        std::fflush(stdout);
    }
    const bool windowed = opensWindow(options);
    if ((options.unattended || !windowed) && !hadPolicy) {
        if (existed) // a person guards it: a demo must not put a policy in their place
            return fail(Code::Refused,
                        fmt::format("{} is guarded by a person and has no policy.json.", lab.root.string()),
                        "Go on with ratchet run, or name another folder with --lab.");
        RATCHET_CHECK(writePolicy(lab));
    }
    const Status done = windowed ? runInWindow(lab, options) : runInText(lab, options);
    if (!done && done.error().code != Code::Cancelled)
        return passOn(done);
    RATCHET_CHECK(tellWhatHappened(lab, options.json));
    if (!done)
        return fail(done.error().code, done.error().text,
                    fmt::format("ratchet demo --lab {} goes on.", lab.root.string()));
    return 0;
}

} // namespace

void addDemoCommand(Commands& commands)
{
    const auto options = std::make_shared<DemoOptions>();
    CLI::App* command = commands.add("demo", "Make the addition lab and turn its loop for five minutes",
                                     [options] { return demo(*options); });
    command
        ->add_option("--lab", options->folder,
                     "Folder of the demo lab; a fresh ~/ratchet-demo unless given, an existing one goes on")
        ->type_name("DIR");
    command->add_option("--seed", options->seed, "Same seed, same machine: same versions and verdicts")->type_name("N");
    command->add_option("--minutes", options->minutes, "How long; 5 unless given or --teeth is")
        ->type_name("M")
        ->check(between(0.01, 1e6));
    command->add_option("--teeth", options->teeth, "Stop after this many turns")
        ->type_name("N")
        ->check(between(1, 1'000'000));
    command->add_option("--placebos", options->placebos, "Chance that a candidate is a placebo, to test the gate; of a fresh lab")
        ->type_name("SHARE")
        ->check(between(0.0, 0.9));
    command->add_option("--proxy", options->proxy, "Share of a trial's budget after which it may be given up, 0 never; of a fresh lab")
        ->type_name("SHARE")
        ->check(between(0.0, 0.95));
    command->add_option("--audit", options->audit, "Chance that a trial that would be given up is trained and judged all the same; of a fresh lab")
        ->type_name("SHARE")
        ->check(between(0.01, 1.0));
    command->add_flag("--unattended", options->unattended,
                      "A written policy decides instead of a person, in the window too");
    command->add_flag("--headless", options->headless, "No window, even with a display; a written policy decides");
    command->add_flag("--json", options->json, "No live view; print the summary as JSON at the end");
}

} // namespace ratchet
