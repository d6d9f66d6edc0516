// SPDX-License-Identifier: GPL-3.0-or-later
// A lab folder with plausible records, made through createLab and Store, for tests of the window. No engine runs in it; hold
// a LabLock to make it look as if one did.
#pragma once

#include <cmath>

#include <QtTest>

#include "core/agent/controls.h"
#include "core/agent/status.h"
#include "core/base/hash.h"
#include "core/genome/genome.h"
#include "core/guard/ledger.h"
#include "core/store/lab.h"

namespace ratchet {

class SampleLab {
public:
    // `teeth` finished teeth of four proposals each, then one that is under way.
    explicit SampleLab(int teeth = 3)
    {
        m_paths = LabPaths{std::filesystem::path(m_folder.path().toStdString()) / "lab"};
        LabConfig config;
        config.domain = "arithmetic";
        config.goal = "exact match >= 0.99 on addition-3";
        config.budget = {1e13};
        config.trialBudget = {4e11};
        config.seed = 7;
        const Json space{{"paths", {{"/recipe/learningRate", {{"low", 1e-4}, {"high", 1e-2}, {"log", true}}},
                                    {"/architecture/layers", {{"low", 1}, {"high", 6}, {"integer", true}}},
                                    {"/reasoning/format", {{"choices", {"plain", "reversed", "scratchpad"}}}}}},
                         {"maxParameters", 2000000}};
        require(createLab(m_paths, config, space, std::string(64, 'a')));
        auto store = Store::open(m_paths.database(), Store::Mode::ReadWrite);
        require(store);
        m_store = std::move(*store);
        require(m_store->transaction(Store::Durable::No, [&]() -> Status {
            seed();
            for (int tooth = 1; tooth <= teeth; ++tooth)
                finishedTooth(tooth);
            openTooth(teeth + 1);
            return {};
        }));
    }

    [[nodiscard]] const LabPaths& paths() const { return m_paths; }
    [[nodiscard]] Store& store() { return *m_store; }
    [[nodiscard]] Hash champion() const { return m_champion; }
    [[nodiscard]] Id<ProposalRecord> waiting() const { return m_waiting; }

    // One more point of the running trial, and the status that goes with it.
    void beat(int step)
    {
        require(m_store->transaction(Store::Durable::No, [&]() -> Status {
            RATCHET_CHECK(m_store->addPoints(m_running, "loss", {{step, 2.0 / (1 + step * 0.01)}}));
            return m_store->setMeta("status", status(0.3 + 0.0001 * step).toJson());
        }));
    }

    // Two results of the champion's recipe, measured beside it.
    void repeatChampion()
    {
        const auto champion = m_store->version(m_champion);
        require(champion);
        for (int run = 0; run < 2; ++run) {
            ProposalRecord again = proposal(0, run, ProposalState::Trained);
            again.family = replicationFamily;
            again.parent = (*champion)->parent.value_or(m_champion);
            again.genome = (*champion)->genome;
            require(m_store->update(again));
            ScorecardRecord card;
            card.proposal = again.id;
            card.challenger = hashOf("run");
            card.champion = m_champion;
            card.suite = "addition-3";
            card.split = "gate";
            card.items = 400;
            card.wins = card.losses = 40;
            card.championMean = card.challengerMean = 0.7;
            require(m_store->add(card));
        }
    }

private:
    template <typename T> static void require(const T& result)
    {
        if (!result)
            qFatal("%s", result.error().text.c_str());
    }

    Hash version(const Genome& genome, std::optional<Hash> parent, Id<TrialRecord> trial, int generation, const std::string& origin)
    {
        const auto stored = ObjectStore(m_paths.objects()).put(genome.toJson().dump());
        require(stored);
        VersionRecord record;
        record.hash = hashOf(origin + genome.hash().hex);
        record.parent = parent;
        record.genome = *stored;
        record.weights = record.tokenizer = *stored;
        record.created = now();
        record.trial = trial;
        record.generation = generation;
        record.parameters = 105000;
        record.origin = origin;
        require(m_store->add(record));
        return record.hash;
    }

    Id<TrialRecord> trial(Id<ProposalRecord> proposal, TrialState state)
    {
        TrialRecord record;
        record.proposal = proposal;
        record.seed = 11;
        record.budget = {4e11};
        record.spent = {state == TrialState::Running ? 2e11 : 4e11};
        record.state = state;
        record.stage = state == TrialState::Running ? "full" : "done";
        record.platform = Json{{"sandbox", 2}};
        record.started = now();
        const auto id = m_store->add(record);
        require(id);
        std::vector<SeriesPoint> points;
        for (int step = 0; step < 400; ++step)
            points.push_back({step, 2.3 / (1 + 0.01 * step) + 0.03 * std::sin(step * 1.7 + double(id->value))});
        require(m_store->addPoints(*id, "loss", points));
        for (int step = 0; step < 400; step += 80)
            for (int index = 0; index < 6; ++index) {
                static const char* const layers[] = {"embedding", "block.0.attention", "block.0.feed-forward", "block.1.attention", "block.1.feed-forward", "head"};
                LayerRecord layer{*id, step, index, layers[index],
                                  {{"mean", 0.01}, {"std", 0.5 + 0.1 * index}, {"rms", 0.5 + 0.1 * index + step * 1e-3}, {"maximum", 3.1},
                                   {"zeroShare", 0.1}, {"gradientRms", 1e-3 * (index + 1)}, {"weightRms", 0.2}},
                                  {}};
                for (int bin = 0; bin < 32; ++bin)
                    layer.histogram.push_back(std::lround(1000 * std::exp(-0.02 * (bin - 16) * (bin - 16))));
                require(m_store->add(layer));
            }
        return *id;
    }

    void seed()
    {
        const auto id = trial({}, TrialState::Trained);
        m_champion = version(m_genome, std::nullopt, id, 0, "seed");
        finishTrial(id, m_champion);
        deploy(m_champion, std::nullopt, DeploymentKind::Seed, "seed model");
        GoalRecord root;
        root.title = "exact match >= 0.99 on addition-3";
        root.suite = "addition-3";
        root.metric = "exact match";
        root.target = 0.99;
        root.value = 0.912;
        root.state = GoalState::Active;
        const auto rootId = m_store->put(root);
        require(rootId);
        for (const auto& [title, value] : {std::pair<const char*, double>{"fewer carry errors", 0.88}, {"answers end in time", 0.99}}) {
            GoalRecord part = root;
            part.id = {};
            part.parent = *rootId;
            part.title = title;
            part.value = value;
            part.state = value > 0.98 ? GoalState::Reached : GoalState::Open;
            part.price = {8e11};
            require(m_store->put(part));
        }
    }

    void finishTrial(Id<TrialRecord> id, const Hash& made)
    {
        auto record = m_store->trial(id);
        require(record);
        (*record)->version = made;
        (*record)->steps = 400;
        (*record)->ended = now();
        require(m_store->update(**record));
    }

    void deploy(const Hash& hash, std::optional<Hash> previous, DeploymentKind kind, const std::string& reason)
    {
        DeploymentRecord record;
        record.version = hash;
        record.previous = previous;
        record.kind = kind;
        record.actor = "person:ana";
        record.reason = reason;
        record.created = now();
        require(m_store->add(record));
        const auto head = m_store->ledgerHead();
        require(head);
        require(m_store->addLedger(nextLedgerEntry(*head, now(), "person:ana", "deployment", Json{{"version", hash.hex}})));
    }

    ProposalRecord proposal(int tooth, int which, ProposalState state)
    {
        static const struct { const char *family, *name, *path; Json value; const char* reason; } kinds[] = {
            {"reasoning", "answer format reversed", "/reasoning/format", "reversed", "Carry errors lead; the carry runs from right to left."},
            {"architecture", "deeper by one block, keeping the function of the parent", "/architecture/layers", 3, "Loss still falls at the end of the budget."},
            {"tuning", "learning rate x 3", "/recipe/learningRate", 0.003, "The champion is far from converged."},
            {"data", "balance carries", "/data/balance", "carries", "Items with two carries are rare and mostly wrong."}};
        const auto& kind = kinds[which % 4];
        ProposalRecord record;
        record.tooth = tooth;
        record.created = now();
        record.family = kind.family;
        record.operatorName = kind.name;
        record.parent = m_champion;
        record.patch = Json::array({{{"op", "replace"}, {"path", kind.path}, {"value", kind.value}}});
        record.reason = kind.reason;
        record.author = "improver:" + std::string(64, 'b');
        record.predictedGain = 0.03 * (which + 1);
        record.price = {4e11};
        record.state = state;
        record.rank = tooth * 10 + which;
        Genome child = m_genome;
        child.recipe.learningRate = 1e-3 * (tooth + 1) + 1e-4 * which;
        const auto genome = ObjectStore(m_paths.objects()).put(child.toJson().dump());
        require(genome);
        record.genome = *genome;
        const auto id = m_store->add(record);
        require(id);
        record.id = *id;
        return record;
    }

    void judged(ProposalRecord& of, const Hash& challenger, double gain, Verdict verdict, const std::string& reason)
    {
        for (const auto& [suite, retained] : {std::pair<const char*, bool>{"addition-3", false}, {"addition-2", true}}) {
            ScorecardRecord card;
            card.proposal = of.id;
            card.challenger = challenger;
            card.champion = m_champion;
            card.suite = suite;
            card.split = "gate";
            card.retained = retained;
            card.items = 412;
            card.wins = 80;
            card.losses = 30;
            card.ties = 302;
            card.championMean = m_score;
            card.challengerMean = m_score + (retained ? 0.004 : gain);
            card.difference = retained ? 0.004 : gain;
            card.low = card.difference - 0.021;
            card.high = card.difference + 0.024;
            card.eValue = retained ? 0 : 41;
            for (int i = 0; i < 20; ++i)
                card.path.push_back(gain * 1.3 * i);
            card.classes = Json{{"champion", {{"carry", 40}, {"length", 3}}}, {"challenger", {{"carry", 12}, {"length", 2}}}};
            card.samples = Json::array();
            card.created = now();
            card.k = m_questions + 1;
            require(m_store->add(card));
        }
        VerdictRecord record;
        record.proposal = of.id;
        record.challenger = challenger;
        record.champion = m_champion;
        record.verdict = verdict;
        record.k = ++m_questions;
        record.alpha = 0.03 / m_questions;
        record.eValue = verdict == Verdict::Accept ? 41 : 0.4;
        record.threshold = 1 / record.alpha;
        record.pairs = 412;
        record.discordant = 110;
        record.reason = reason;
        record.integrity = Json::array({{{"name", "finite"}, {"ok", true}, {"detail", "every logit was finite"}}});
        record.created = now() - std::chrono::minutes(3);
        require(m_store->add(record));
        of.stateReason = reason;
        require(m_store->update(of));
    }

    Hash trained(const ProposalRecord& of, int generation)
    {
        const auto id = trial(of.id, TrialState::Trained);
        Genome child = m_genome;
        child.recipe.learningRate = 1e-3 * (of.tooth + 1) + 1e-4 * double(of.id.value % 4);
        const Hash made = version(child, m_champion, id, generation, "proposal " + std::to_string(of.id.value));
        finishTrial(id, made);
        return made;
    }

    void finishedTooth(int tooth)
    {
        Hash best;
        const double gain = 0.22 / tooth;
        for (int which = 0; which < 4; ++which) {
            const ProposalState state = which == 0 ? ProposalState::Promoted : which == 1 ? ProposalState::Inconclusive : which == 2 ? ProposalState::Rejected : ProposalState::Failed;
            ProposalRecord made = proposal(tooth, which, state);
            if (which == 3) {
                made.stateReason = "The worker used more memory than its budget of 400 MB and was stopped.";
                require(m_store->update(made));
                continue;
            }
            const Hash challenger = trained(made, tooth);
            const bool wins = which == 0;
            judged(made, challenger, wins ? gain : which == 1 ? 0.004 : -0.03, wins ? Verdict::Accept : which == 1 ? Verdict::Inconclusive : Verdict::Reject,
                   wins ? "E 41 passed 33.1 after 412 pairs." : which == 1 ? "600 pairs were spent before the evidence was enough." : "The confidence sequence excludes a gain of 0.5 points.");
            if (wins)
                best = challenger;
        }
        deploy(best, m_champion, DeploymentKind::Promote, "clear gain, nothing lost");
        m_champion = best;
        m_score = std::min(0.98, m_score + gain);
        m_genome.recipe.learningRate = 1e-3 * (tooth + 1);
        require(m_store->put(ToothRecord{tooth, "done", Json::object(), now(), now()}));
    }

    void openTooth(int tooth)
    {
        ProposalRecord waiting = proposal(tooth, 0, ProposalState::Waiting);
        judged(waiting, trained(waiting, tooth), 0.061, Verdict::Accept, "E 41 passed 33.1 after 412 pairs.");
        m_waiting = waiting.id;
        m_running = trial(proposal(tooth, 1, ProposalState::Running).id, TrialState::Running);
        proposal(tooth, 2, ProposalState::Queued);
        proposal(tooth, 3, ProposalState::Queued);
        LessonRecord lesson;
        lesson.family = "reasoning";
        lesson.operatorName = "answer format reversed";
        lesson.tried = 3;
        lesson.accepted = 2;
        lesson.meanGain = 0.1;
        require(m_store->put(lesson));
        require(m_store->put(ToothRecord{tooth, "train", Json::object(), now(), {}}));
        require(m_store->setMeta("status", status(0.4).toJson()));
    }

    EngineStatus status(double fraction) const
    {
        EngineStatus now;
        now.stage = "train";
        now.tooth = 4;
        now.running = {{{2}, "deeper by one block, keeping the function of the parent", "full", fraction, 0.412, std::chrono::seconds(125)},
                       {{3}, "learning rate x 3", "full", 0.12, 1.9, std::chrono::seconds(340)}};
        now.spent = {6.1e12};
        now.budget = {1e13};
        now.champion = m_score;
        now.waitingDecisions = 1;
        now.sandboxLevel = 2;
        now.elapsed = std::chrono::seconds(140);
        now.remaining = std::chrono::seconds(160);
        now.updated = ratchet::now();
        return now;
    }

    QTemporaryDir m_folder;
    LabPaths m_paths;
    std::unique_ptr<Store> m_store;
    Genome m_genome;
    Hash m_champion;
    double m_score = 0.18;
    int m_questions = 0;
    Id<ProposalRecord> m_waiting;
    Id<TrialRecord> m_running;
};

} // namespace ratchet
