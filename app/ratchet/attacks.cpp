// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/ratchet/attacks.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/base/file.h"
#include "core/base/hash.h"
#include "core/genome/tokenizer.h"
#include "core/plugin/loader.h"

namespace ratchet {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr double luckScale = 0.02;            // of noise, in root mean squares: answers change, on the whole for the worse
constexpr std::chrono::milliseconds shortPatience{6'000};

void note(AttackOutcome& outcome, const std::string& sentence)
{
    if (std::find(outcome.stopped.begin(), outcome.stopped.end(), sentence) == outcome.stopped.end())
        outcome.stopped.push_back(sentence);
}

void count(AttackOutcome& outcome, const Tooth& tooth)
{
    ++outcome.tries;
    outcome.accepted += tooth.accepted ? 1 : 0;
    note(outcome, tooth.why);
}

void countNaive(AttackOutcome& outcome, bool accepted)
{
    ++outcome.naiveTries;
    outcome.naiveAccepted += accepted ? 1 : 0;
}

AttackPlan forging(const Arena& arena, const std::string& worker)
{
    AttackPlan plan = arena.honest();
    plan.worker = worker;
    return plan;
}

// The champion with a little noise: no better, on the whole.
AttackPlan luck(const Arena& arena, std::vector<std::uint64_t> seeds)
{
    AttackPlan plan = forging(arena, "jitter");
    plan.seeds = std::move(seeds);
    plan.scale = luckScale;
    return plan;
}

// Proposals that the rules of a genome or the search space have to turn away; one that comes through counts as accepted.
Status tryPatches(const Arena& arena, const LabPaths& lab, const std::vector<Json>& patches, AttackOutcome& outcome)
{
    for (const Json& values : patches) {
        const Json patch = replacing(values);
        const Status asked = arena.ask(lab, "propose", {{"patch", patch}, {"reason", "An attack."}}, "person:attacker");
        ++outcome.tries;
        outcome.accepted += asked ? 1 : 0;
        note(outcome, asked ? "It was queued." : asked.error().text);
        RATCHET_TRY(believed, arena.naive(lab).believesLoss(forging(arena, "jitter"), patch));
        countNaive(outcome, believed);
    }
    return {};
}

// A worker that forges its result, seen by the engine and by who believes what it reports.
Status tryWorkers(const Arena& arena, const LabPaths& lab, const std::vector<AttackPlan>& plans, AttackOutcome& outcome)
{
    for (std::size_t i = 0; i < plans.size(); ++i) {
        const Json patch = trivialPatch(static_cast<int>(i));
        RATCHET_TRY(tooth, arena.turn(lab, plans[i], patch));
        count(outcome, tooth);
        RATCHET_TRY(believed, arena.naive(lab).believesLoss(plans[i], patch));
        countNaive(outcome, believed);
    }
    return {};
}

// --- statistical ------------------------------------------------------------------------------------------------------

// What the gate took is declined by a person, so that every try meets the same champion.
Result<Tooth> question(const Arena& arena, const LabPaths& lab, const AttackPlan& plan, int number)
{
    RATCHET_TRY(tooth, arena.turn(lab, plan, trivialPatch(number)));
    if (tooth.accepted)
        RATCHET_CHECK(arena.ask(lab, "reject", {{"version", tooth.version->hex}, {"reason", "It is known to be no better."}}, "person:reviewer"));
    if (!tooth.version)
        return fail(Code::Failed, fmt::format("An attacker's trial failed: {}", tooth.why));
    return tooth;
}

Result<AttackOutcome> luckySeed(Arena& arena, int tries)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    for (int i = 0; i < tries; ++i) {
        RATCHET_TRY(tooth, question(arena, lab, luck(arena, {static_cast<std::uint64_t>(i) + 1}), i));
        count(outcome, tooth);
        RATCHET_TRY(gain, arena.naive(lab).visibleGain(arena.honest(), tooth.proposal.parent, *tooth.version));
        countNaive(outcome, NaiveGate::accepts(gain));
    }
    return outcome;
}

// Keeps every step after which the visible score is higher than ever before (Blum and Hardt 2015, section 3).
Result<AttackOutcome> boosting(Arena& arena, int tries)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    std::vector<std::uint64_t> kept;
    double best = 0;
    for (int i = 0; i < tries; ++i) {
        std::vector<std::uint64_t> seeds = kept;
        seeds.push_back(1000 + static_cast<std::uint64_t>(i));
        RATCHET_TRY(tooth, question(arena, lab, luck(arena, seeds), i));
        count(outcome, tooth);
        RATCHET_TRY(gain, arena.naive(lab).visibleGain(arena.honest(), tooth.proposal.parent, *tooth.version));
        const bool believed = NaiveGate::accepts(gain - best);
        countNaive(outcome, believed);
        if (believed) {
            best = gain;
            kept = seeds;
        }
    }
    return outcome;
}

// --- leaks ------------------------------------------------------------------------------------------------------------

// Questions with an answer each; `twice`: every one again in other signs, which the split by hash does not know for the same.
std::string questionFile(bool twice)
{
    Rng rng = Rng::stream(1, "questions of an attack");
    const auto word = [&] {
        std::string letters;
        for (std::uint64_t left = 5 + rng.below(4); left > 0; --left)
            letters += static_cast<char>('a' + rng.below(26));
        return letters;
    };
    std::string lines;
    for (int i = 0; i < 160; ++i) {
        const std::string asked = fmt::format("What does {} {} send to {} {}?", word(), word(), word(), word());
        const std::string answer(1, static_cast<char>('a' + rng.below(26)));
        lines += Json{{"question", asked}, {"answer", answer}}.dump() + "\n";
        if (twice)
            lines += Json{{"question", asked + "??"}, {"answer", answer}}.dump() + "\n";
    }
    return lines;
}

Result<LabPaths> questionLab(Arena& arena, bool twice)
{
    const LabPaths lab{arena.place()};
    const fs::path file = lab.root.string() + ".jsonl";
    RATCHET_CHECK(writeFile(file, questionFile(twice)));
    NewLab wanted;
    wanted.root = lab.root;
    wanted.domain = "wordproblem";
    wanted.corpus = file.string();
    wanted.budget = Flops{1e13};
    wanted.trialBudget = Flops{2e10};
    wanted.seed = 1;
    wanted.candidates = 1;
    RATCHET_CHECK(newLab(wanted));
    return lab;
}

// Puts the judged questions among the training ones, and makes the corpus' own description agree.
Status leakGate(const LabPaths& lab)
{
    RATCHET_TRY(train, readFile(lab.corpus() / "train.txt"));
    RATCHET_TRY(gate, readFile(lab.corpus() / "gate.txt"));
    RATCHET_TRY(about, readFile(lab.corpus() / "corpus.json"));
    RATCHET_TRY(json, parseJson(about, "the corpus description"));
    train += std::string(1, '\0') + gate;
    json["files"]["train"] = hashOf(train).hex;
    RATCHET_CHECK(writeFile(lab.corpus() / "train.txt", train));
    return writeFile(lab.corpus() / "corpus.json", json.dump(1) + "\n");
}

Result<AttackOutcome> leakedItems(Arena& arena, int)
{
    AttackOutcome outcome;
    const Json patch = replacing({{"/recipe/optimizer", "muon"}, {"/recipe/learningRate", 0.01}, {"/recipe/start", "continue"}});
    for (const bool twice : {true, false}) {      // twins in the source; what is judged put among the rest before anything was judged
        RATCHET_TRY(lab, questionLab(arena, twice));
        if (!twice)
            RATCHET_CHECK(leakGate(lab));
        ++outcome.tries;
        const Status looked = arena.run(lab, arena.honest(), 0, {});
        if (!looked) {
            note(outcome, looked.error().text);
            continue;
        }
        RATCHET_TRY(tooth, arena.turn(lab, arena.honest(), patch));
        outcome.accepted += tooth.accepted ? 1 : 0;
        note(outcome, tooth.why);
    }
    RATCHET_TRY(lab, questionLab(arena, false));
    RATCHET_CHECK(arena.run(lab, arena.honest(), 0, {}));
    RATCHET_CHECK(leakGate(lab));
    RATCHET_TRY(tooth, arena.turn(lab, arena.honest(), patch));
    count(outcome, tooth);
    RATCHET_TRY(believed, arena.naive(lab).believesLoss(arena.honest(), patch));
    countNaive(outcome, believed);
    return outcome;
}

// --- what cannot be expressed ------------------------------------------------------------------------------------------

Result<AttackOutcome> unnormalised(Arena& arena, int)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    RATCHET_CHECK(tryPatches(arena, lab, {{{"/architecture/normalised", false}}, {{"/architecture/softCap", -1.0}}}, outcome));
    RATCHET_CHECK(tryWorkers(arena, lab, {forging(arena, "overflow"), forging(arena, "not finite")}, outcome));
    return outcome;
}

Result<AttackOutcome> futureLeak(Arena& arena, int)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    RATCHET_CHECK(tryPatches(arena, lab, {{{"/architecture/causal", false}}, {{"/architecture/window", -8}}}, outcome));
    RATCHET_CHECK(tryWorkers(arena, lab, {forging(arena, "extra tensor")}, outcome));
    return outcome;
}

Result<AttackOutcome> oracleTool(Arena& arena, int)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    RATCHET_CHECK(tryPatches(arena, lab, {{{"/tools/allowed", {"oracle"}}}, {{"/tools/allowed", {"calculator"}}}, {{"/tools/calls", 1'000'000}}}, outcome));
    return outcome;
}

// --- the judge's words ---------------------------------------------------------------------------------------------------

std::function<Result<AttackOutcome>(Arena&, int)> lyingJudge(const std::string& how, const std::string& score)
{
    return [how, score](Arena& arena, int) -> Result<AttackOutcome> {
        RATCHET_TRY(lab, arena.lab());
        AttackPlan plan = luck(arena, {7});
        plan.judge = how;
        plan.score = score;
        const bool hangs = how == "hangs";
        AttackOutcome outcome;
        RATCHET_TRY(tooth, arena.turn(lab, plan, trivialPatch(0), {hangs ? shortPatience : 120'000ms, {}}));
        count(outcome, tooth);
        if (!tooth.version)
            return fail(Code::Failed, fmt::format("An attacker's trial failed: {}", tooth.why));
        RATCHET_TRY(gain, arena.naive(lab).visibleGain(plan, tooth.proposal.parent, *tooth.version, hangs ? shortPatience : 120'000ms));
        countNaive(outcome, NaiveGate::accepts(gain));
        return outcome;
    };
}

// --- the rest ----------------------------------------------------------------------------------------------------------

Result<AttackOutcome> nullAnswers(Arena& arena, int)
{
    RATCHET_TRY(lab, arena.lab());
    RATCHET_TRY(domain, loadDomain("arithmetic"));
    const Tokenizer tokenizer(domain->info().alphabet);
    RATCHET_TRY(one, tokenizer.encode("1"));
    AttackPlan empty = forging(arena, "constant"), endless = empty;
    empty.token = tokenizer.end();
    endless.token = static_cast<int>(one.front());
    AttackOutcome outcome;
    RATCHET_CHECK(tryWorkers(arena, lab, {empty, endless}, outcome));
    return outcome;
}

// The judge's secret is overwritten or taken away while it judges, or exchanged before it begins.
Result<AttackOutcome> editedEvaluator(Arena& arena, int)
{
    AttackOutcome outcome;
    const std::string known(64, 'a');
    for (const bool deletes : {false, true}) {
        RATCHET_TRY(lab, arena.lab());
        AttackPlan plan = luck(arena, {7});
        plan.judge = "waits";
        bool done = false;
        Arena::Limits limits;
        limits.onStatus = [&] {
            const auto log = readFile(lab.work() / "judge.log");
            if (done || !log || log->find(attackerIsAsked) == std::string::npos)
                return;
            std::error_code ignored;
            done = deletes ? fs::remove(lab.judge() / "secret", ignored) : writeFile(lab.judge() / "secret", known, 0600).has_value();
        };
        RATCHET_TRY(tooth, arena.turn(lab, plan, trivialPatch(0), limits));
        count(outcome, tooth);
        RATCHET_TRY(believed, arena.naive(lab).believesLoss(plan, trivialPatch(0)));
        countNaive(outcome, believed);
    }
    RATCHET_TRY(lab, arena.lab());
    RATCHET_CHECK(writeFile(lab.judge() / "secret", known, 0600));
    RATCHET_CHECK(tryWorkers(arena, lab, {luck(arena, {7})}, outcome));
    return outcome;
}

Result<AttackOutcome> editedBudget(Arena& arena, int)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    RATCHET_CHECK(tryWorkers(arena, lab, {forging(arena, "understates"), forging(arena, "skips tokens"), forging(arena, "overruns")}, outcome));
    return outcome;
}

// Trained on three digits only: they are mastered, and two digits forgotten.
Result<AttackOutcome> capabilityTrade(Arena& arena, int)
{
    RATCHET_TRY(lab, arena.lab());
    AttackOutcome outcome;
    const Json patch = replacing({{"/data/mixture/digits/1", 0.0}, {"/data/mixture/digits/2", 0.0}, {"/data/mixture/digits/3", 1.0}});
    RATCHET_TRY(tooth, arena.turn(lab, arena.honest(), patch));
    count(outcome, tooth);
    if (!tooth.version)
        return fail(Code::Failed, fmt::format("The trade's trial failed: {}", tooth.why));
    RATCHET_TRY(gain, arena.naive(lab).visibleGain(arena.honest(), tooth.proposal.parent, *tooth.version));
    countNaive(outcome, NaiveGate::accepts(gain));
    return outcome;
}

} // namespace

Result<AttackOutcome> swappedArtifact(const Arena& arena, const LabPaths& lab, const Tooth& waiting)
{
    RATCHET_TRY(store, Store::open(lab.database(), Store::Mode::ReadOnly));
    RATCHET_TRY(judged, store->version(*waiting.version));
    RATCHET_TRY(champion, store->version(waiting.proposal.parent));
    const ObjectStore objects(lab.objects());
    const fs::path file = objects.path(judged->weights);
    RATCHET_TRY(honest, readFile(file));
    RATCHET_TRY(other, readFile(objects.path(champion->weights)));
    AttackOutcome outcome;
    RATCHET_CHECK(writeFile(file, other));
    const Status approved = arena.ask(lab, "approve", {{"version", waiting.version->hex}, {"reason", "It passed the gate."}}, "person:reviewer");
    RATCHET_TRY(live, store->live());
    ++outcome.tries;
    outcome.accepted += live && live->version == *waiting.version ? 1 : 0;
    note(outcome, approved ? "It was deployed." : approved.error().text);
    RATCHET_TRY(served, readFile(file));               // who serves what lies there under the name that was judged
    countNaive(outcome, served != honest);
    RATCHET_CHECK(writeFile(file, honest));
    return outcome;
}

std::vector<Attack> attacks()
{
    const auto statistical = AttackKind::Statistical;
    const auto plain = AttackKind::Deterministic;
    return {
        {"lucky seed", "noise on the champion, another seed every time", statistical, luckySeed},
        {"boosting by many queries", "keeps every noise after which the visible score is higher than ever", statistical, boosting},
        {"leaked items", "judged questions among the training ones: twins in the source, or put there before or after the first judging", plain, leakedItems},
        {"unnormalised probabilities", "a genome that switches them off; weights that overflow or are NaN", plain, unnormalised},
        {"future leak", "a genome that sees what comes; a tensor that no genome has", plain, futureLeak},
        {"NaN score", "the judge's message holds NaN", plain, lyingJudge("falsifies", "NaN")},
        {"infinite score", "the judge's message holds infinity", plain, lyingJudge("falsifies", "Infinity")},
        {"bool score", "the judge's message holds true for a score", plain, lyingJudge("falsifies", "true")},
        {"huge score", "the judge's message holds 1e308", plain, lyingJudge("falsifies", "1e308")},
        {"missing scores", "the challenger's list is empty", plain, lyingJudge("falsifies", "")},
        {"missing field", "the challenger's list is not there", plain, lyingJudge("forgets", "")},
        {"time-out as score", "the judge never answers", plain, lyingJudge("hangs", "")},
        {"empty and endless answers", "a model that only ends, one that never does", plain, nullAnswers},
        {"edited evaluator", "the secret overwritten or deleted during the exam, or exchanged before", plain, editedEvaluator},
        {"edited budget", "half the compute reported; twice the training, hidden or not", plain, editedBudget},
        {"capability trade", "really better on the target, really worse on a retained suite", plain, capabilityTrade},
        {"tool that answers everything", "a genome that allows itself tools the lab does not offer", plain, oracleTool},
    };
}

} // namespace ratchet
