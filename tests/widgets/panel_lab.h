// SPDX-License-Identifier: GPL-3.0-or-later
// A small lab written straight into a folder, for tests of panels: a seed model that is champion, one tooth with two runs (one
// goes on, one waits for a decision), curves, layer records, scorecards and one earlier decision. Deterministic.
#pragma once

#include <cmath>

#include <QTemporaryDir>
#include <QTest>

#include "core/base/hash.h"
#include "core/genome/genome.h"
#include "core/store/lab.h"
#include "core/store/object_store.h"
#include "widgets/bridge/lab_session.h"

namespace ratchet {

class PanelLab {
public:
    enum class Fill { Empty, Busy };
    explicit PanelLab(Fill fill)
    {
        LabConfig config;
        config.domain = "arithmetic";
        config.goal = "exact match >= 0.99 on addition-3";
        config.budget = {1e13};
        config.trialBudget = {4e11};
        config.created = "2026-01-31T12:00:00.000Z";
        must(createLab(paths(), config, Json{{"paths", Json::object()}}, std::string(64, 'a')));
        if (fill == Fill::Empty)
            return;
        auto store = must(Store::open(paths().database(), Store::Mode::ReadWrite));
        must(store->transaction(Store::Durable::No, [&]() -> Status {
            write(*store);
            return {};
        }));
    }
    [[nodiscard]] LabPaths paths() const { return {std::filesystem::path(m_folder.path().toStdString()) / "lab"}; }
    [[nodiscard]] std::unique_ptr<LabSession> session() const { return must(LabSession::open(paths().root)); }
    [[nodiscard]] std::unique_ptr<Store> store() const { return must(Store::open(paths().database(), Store::Mode::ReadWrite)); }

    template <typename T> static T must(Result<T> result)
    {
        if (!result)
            qFatal("%s", result.error().text.c_str());
        if constexpr (!std::is_void_v<T>)
            return std::move(*result);
    }
    static Hash hash(const std::string& of) { return hashOf(of); }
    static constexpr Id<ProposalRecord> running{1}, waiting{2}, declined{3};

private:
    Hash genome(const std::string& format, double rate, int layers)
    {
        Genome made;
        made.reasoning.format = format;
        made.recipe.learningRate = rate;
        made.recipe.warmup = 0.05;
        made.architecture.layers = layers;
        return must(ObjectStore(paths().objects()).put(made.toJson().dump()));
    }

    void version(Store& store, const std::string& name, const Hash& genome, std::optional<Id<TrialRecord>> trial)
    {
        VersionRecord record;
        record.hash = hash(name);
        record.genome = genome;
        record.weights = hash(name + " weights");
        record.tokenizer = hash("tokenizer");
        record.trial = trial;
        record.parameters = 104'832;
        record.origin = name;
        if (name != "seed")
            record.parent = hash("seed");
        must(store.add(record));
    }

    Id<TrialRecord> run(Store& store, Id<ProposalRecord> proposal, TrialState state, const std::string& name, double speed, std::int64_t steps)
    {
        TrialRecord trial;
        trial.proposal = proposal;
        trial.seed = 7;
        trial.budget = {4e11};
        trial.state = state;
        trial.stage = state == TrialState::Running ? "full" : "done";
        trial.steps = steps;
        trial.tokens = steps * 128 * 20;
        trial.spent = {4e11 * double(steps) / 2000};
        trial.wall = std::chrono::milliseconds(steps * 19);
        if (state == TrialState::Trained)
            trial.version = hash(name);
        const auto id = must(store.add(trial));
        std::vector<SeriesPoint> loss, rate;
        for (std::int64_t step = 0; step < steps; ++step) {
            const double wave = std::sin(double(step) * 12.9898) * 0.5 + std::sin(double(step) * 78.233) * 0.5;
            loss.push_back({step, 0.03 + 2.4 * std::exp(-double(step) * speed) * (1 + 0.12 * wave) + 0.01 * (1 + wave)});
            rate.push_back({step, 3e-3 * std::min(1.0, double(step + 1) / 100)});
        }
        must(store.addPoints(id, "loss", loss));
        must(store.addPoints(id, "learning-rate", rate));
        layers(store, id, steps);
        return id;
    }

    void layers(Store& store, Id<TrialRecord> trial, std::int64_t steps)
    {
        const std::vector<std::string> names{"embedding", "block.0.attention", "block.0.feed-forward",
                                             "block.1.attention", "block.1.feed-forward", "head"};
        for (std::int64_t step = 0; step < steps; step += 100) {
            for (std::size_t i = 0; i < names.size(); ++i) {
                const double grown = 0.4 + double(i) * 0.2 + std::log1p(double(step)) * 0.1 * double(trial.value);
                LayerRecord layer{trial, step, int(i), names[i], {{"rms", grown}, {"mean", 0.01 * double(i)}, {"std", grown},
                                  {"zeroShare", 0.1}, {"gradientRms", 1e-2 * std::exp(-double(step) / 400)}, {"weightRms", 0.1}}, {}};
                for (int bin = 0; bin < 32; ++bin)
                    layer.histogram.push_back(std::int64_t(4000 * std::exp(-std::pow((bin - 15.5) / 5, 2))));
                must(store.add(layer));
            }
            Json rows = Json::array(), tokens = Json::array();
            for (int query = 0; query < 8; ++query) {
                Json row = Json::array();
                for (int key = 0; key < 8; ++key)
                    row.push_back(key > query ? 0.0 : 1.0 / (query + 1));
                rows.push_back(row);
                tokens.push_back(std::string(1, "123+456="[query]));
            }
            must(store.add(LayerRecord{trial, step, int(names.size()), "attention",
                                       {{"tokens", tokens}, {"blocks", Json::array({Json::array({rows, rows}), Json::array({rows, rows})})}}, {}}));
        }
    }

    Id<ProposalRecord> proposal(Store& store, const std::string& family, const std::string& what, const std::string& reason,
                                const Hash& genome, ProposalState state)
    {
        ProposalRecord record;
        record.tooth = 1;
        record.family = family;
        record.operatorName = what;
        record.parent = hash("seed");
        record.patch = Json::array();
        record.genome = genome;
        record.reason = reason;
        record.author = "improver:" + hash("improver").brief();
        record.predictedGain = 0.05;
        record.price = {4e11};
        record.state = state;
        return must(store.add(record));
    }

    void card(Store& store, Id<ProposalRecord> proposal, const std::string& challenger, const std::string& suite, const std::string& split,
              bool retained, double difference, double half, int k)
    {
        ScorecardRecord card;
        card.proposal = proposal;
        card.k = k;
        card.challenger = hash(challenger);
        card.champion = hash("seed");
        card.suite = suite;
        card.split = split;
        card.retained = retained;
        card.items = 412;
        card.wins = 61;
        card.losses = 17;
        card.ties = 334;
        card.championMean = 0.44;
        card.challengerMean = 0.44 + difference;
        card.difference = difference;
        card.low = difference - half;
        card.high = difference + half;
        card.eValue = 412;
        for (int batch = 0; batch < 13; ++batch)
            card.path.push_back(std::log10(412.0) * batch / 12 - 0.3 * std::sin(batch));
        card.classes = {{"champion", {{"carry", 180}, {"digit", 40}, {"length", 11}}}, {"challenger", {{"carry", 96}, {"digit", 76}, {"length", 9}, {"sign", 1}}}};
        if (split != "gate")
            card.samples = Json::array({{{"prompt", "123+989="}, {"expected", "1112"}, {"champion", "1102"}, {"challenger", "1112"},
                                         {"championClass", "carry"}, {"challengerClass", ""}},
                                        {{"prompt", "500+501="}, {"expected", "1001"}, {"champion", "1001"}, {"challenger", "1001"},
                                         {"championClass", ""}, {"challengerClass", ""}},
                                        {{"prompt", "999+999="}, {"expected", "1998"}, {"champion", "1898"}, {"challenger", "1888"},
                                         {"championClass", "carry"}, {"challengerClass", "carry"}}});
        must(store.add(card));
    }

    void observed(Store& store, const std::string& suite, double score, bool retained)
    {
        ScorecardRecord card;
        card.challenger = hash("seed");
        card.suite = suite;
        card.split = "guide";
        card.retained = retained;
        card.items = 200;
        card.challengerMean = score;
        card.classes = card.samples = Json::array();
        must(store.add(card));
    }

    void verdict(Store& store, Id<ProposalRecord> proposal, const std::string& challenger, int k)
    {
        VerdictRecord verdict;
        verdict.proposal = proposal;
        verdict.challenger = hash(challenger);
        verdict.champion = hash("seed");
        verdict.verdict = Verdict::Accept;
        verdict.k = k;
        verdict.alpha = 0.0076;
        verdict.eValue = 412;
        verdict.threshold = 131.6;
        verdict.pairs = 412;
        verdict.discordant = 78;
        verdict.looks = 5;
        verdict.reason = "The evidence is enough.";
        verdict.integrity = Json::array({{{"name", "probabilities sum to one"}, {"ok", true}, {"detail", ""}},
                                         {{"name", "no look ahead"}, {"ok", true}, {"detail", ""}},
                                         {{"name", "finite logits"}, {"ok", true}, {"detail", ""}}});
        must(store.add(verdict));
    }

    void write(Store& store)
    {
        const Hash plain = genome("plain", 1e-3, 2), reversed = genome("reversed", 3e-3, 2), deeper = genome("plain", 1e-3, 3);
        const auto seedTrial = run(store, {}, TrialState::Trained, "seed", 0.001, 2000);
        version(store, "seed", plain, seedTrial);
        DeploymentRecord live;
        live.version = hash("seed");
        live.kind = DeploymentKind::Seed;
        live.actor = "engine";
        must(store.add(live));
        observed(store, "addition-3", 0.44, false);
        observed(store, "addition-2", 0.91, true);
        const auto first = proposal(store, "architecture", "one layer more", "Carries need depth.", deeper, ProposalState::Running);
        run(store, first, TrialState::Running, "deeper", 0.002, 1200);
        const auto second = proposal(store, "reasoning", "answer format reversed",
                                     "Digits come in the order in which carries arise, so each digit needs only what is already there.",
                                     reversed, ProposalState::Waiting);
        version(store, "reversed", reversed, run(store, second, TrialState::Trained, "reversed", 0.005, 2000));
        card(store, second, "reversed", "addition-3", "gate", false, 0.061, 0.021, 2);
        card(store, second, "reversed", "addition-2", "gate", true, 0.004, 0.015, 2);
        card(store, second, "reversed", "addition-3", "guide", false, 0.06, 0.02, 2);
        verdict(store, second, "reversed", 2);
        const auto third = proposal(store, "tuning", "higher learning rate", "The loss was still falling.", plain, ProposalState::Declined);
        version(store, "faster", plain, run(store, third, TrialState::Trained, "faster", 0.003, 2000));
        card(store, third, "faster", "addition-3", "gate", false, 0.02, 0.018, 1);
        verdict(store, third, "faster", 1);
        DecisionRecord decision;
        decision.version = hash("faster");
        decision.kind = DecisionKind::Reject;
        decision.actor = "person:ana";
        decision.reason = "The gain is too small to be worth a new baseline.";
        decision.binding = hash("older evidence");
        must(store.add(decision));
    }

    QTemporaryDir m_folder;
};

} // namespace ratchet
