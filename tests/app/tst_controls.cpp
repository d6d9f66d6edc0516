// SPDX-License-Identifier: GPL-3.0-or-later
// Placebos in whole turns of a tiny lab: judged like candidates, counted, and never promoted, built on or learnt from.
#include <QtTest>

#include <map>
#include <set>

#include "core/agent/controls.h"
#include "core/agent/examination.h"
#include "core/agent/summary.h"
#include "core/base/file.h"
#include "core/genome/weights_file.h"
#include "tests/app/tiny_lab.h"
#include "tests/core/store_examples.h"

using namespace ratchet;

namespace {

Json wishFor(const Hash& version, bool besideItself, int seeds)
{
    return {{"version", version.hex}, {"besideItself", besideItself}, {"seeds", seeds}, {"items", 200}};
}

// Turns one tooth, slowly, and calls `act` the first time that a replication is being measured.
Result<RunEnd> runUntilMeasured(const TinyLab& lab, const std::function<void(Engine&, Id<ProposalRecord>)>& act)
{
    auto engine = lab.open("very slow", acceptingPolicy(), 2).value();
    bool acted = false;
    return engine->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}, [&](const EngineStatus& status) {
        for (const EngineStatus::Running& running : status.running)
            if (running.stage == "judging" && running.title.find("seed ") == 0 && !std::exchange(acted, true))
                act(*engine, running.proposal);
    });
}

// A proposal that waits to be trained: the live version's recipe again.
Id<ProposalRecord> addQueued(const TinyLab& lab, const char* family, int tooth)
{
    const auto store = Store::open(lab.paths().database(), Store::Mode::ReadWrite).value();
    const auto live = taken(store->version(taken(store->live())->version));
    ProposalRecord proposal = exampleProposal(live->parent.value_or(live->hash));
    proposal.genome = live->genome;
    proposal.family = family;
    proposal.tooth = tooth;
    return store->add(proposal).value();
}

void addTooth(const TinyLab& lab, int number)
{
    ToothRecord tooth;
    tooth.number = number;
    tooth.stage = "train";
    tooth.state = Json::object();
    QVERIFY(Store::open(lab.paths().database(), Store::Mode::ReadWrite).value()->put(tooth));
}

} // namespace

class TestControls : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void placebosAreJudgedAndGoNoFurther()
    {
        const TinyLab lab(4, {}, 0.9);
        const auto end = lab.run(3);
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        const auto store = lab.read();
        std::map<std::string, int> kinds;
        int controls = 0, largest = 0, ordinary = 0;
        for (const ProposalRecord& proposal : taken(store->proposals())) {
            const auto verdict = taken(store->verdict(proposal.id));
            if (!isControl(proposal)) {
                ordinary += verdict.has_value();
                if (verdict)
                    largest = std::max(largest, verdict->k);
                continue;
            }
            ++controls;
            QVERIFY2(verdict.has_value(), proposal.stateReason.c_str());
            QVERIFY(proposal.state != ProposalState::Promoted && proposal.state != ProposalState::Waiting);
            if (proposal.operatorName == identityPlacebo) {
                QCOMPARE(verdict->challenger.hex, verdict->champion.hex);
                QVERIFY(verdict->verdict != Verdict::Accept);
            }
            ++kinds[proposal.operatorName];
            const auto trial = taken(store->trialOf(proposal.id));
            QCOMPARE(trial->spent.value > 0, proposal.operatorName == reseedingPlacebo);
        }
        QVERIFY(controls >= 6);
        QCOMPARE(largest, ordinary);            // placebos use up none of the lab's questions
        for (const LessonRecord& lesson : taken(store->lessons()))
            QVERIFY(lesson.family != placeboFamily);
        const PlaceboCount count = countPlacebos(*store).value();
        QCOMPARE(count.jittered.judged, kinds[jitterPlacebo]);
        QCOMPARE(count.reseeded.judged, kinds[reseedingPlacebo]);
        QCOMPARE(count.identical, kinds[identityPlacebo]);
        QVERIFY(count.identical > 0 && count.jittered.judged > 0);
        QVERIFY(count.jittered.able > 0 && count.jittered.promised > 0 && count.jittered.high < 1);
        QCOMPARE(count.jittered.accepted, 0);
        QVERIFY(placeboText(count).find(fmt::format("weights moved: {} judged", count.jittered.judged)) == 0);
        // Of an identity placebo the champion is challenger, too: that is no evidence about it.
        const Hash live = taken(store->live())->version;
        for (const SuiteResult& result : taken(examinationOf(*store, live)))
            QVERIFY(!result.against || result.against->champion != live);
        QVERIFY(lab.isWhole());
    }

    // A control that could not fail would control nothing.
    void aGateThatIsFooledIsFoundOut()
    {
        const TinyLab lab(4, {}, 0.9);
        QVERIFY(lab.run(4, "judge favours the challenger"));
        const PlaceboCount count = countPlacebos(*lab.read()).value();
        QVERIFY(count.jittered.accepted > 0 && count.jittered.low > 0.05);
        QVERIFY(count.reseeded.accepted > 0 && count.reseeded.refuted > 0);    // by the guide items, on which it does not
        QVERIFY(count.differing > 0);
    }

    void onlyWhatCouldHaveBeenAcceptedCounts()
    {
        QTemporaryDir folder;
        const auto store = std::move(Store::create(folder.filePath("ratchet.db").toStdString()).value());
        const VersionRecord seed = exampleVersion("seed");
        QVERIFY(store->add(seed));
        const auto judged = [&](const char* kind, Verdict verdict, int discordant, std::optional<double> onGuide) {
            ProposalRecord proposal = exampleProposal(seed.hash);
            proposal.family = placeboFamily;
            proposal.operatorName = kind;
            const auto id = store->add(proposal).value();
            QVERIFY(store->add(VerdictRecord{id, hashOf("again"), seed.hash, verdict, 1, 0.004, 1, 200, 400, discordant, "", Json(), {}, 2}));
            if (!onGuide)
                return;
            ScorecardRecord card;
            card.proposal = id;
            card.challenger = hashOf("again");
            card.champion = seed.hash;
            card.suite = "addition-3";
            card.split = "guide";
            card.difference = *onGuide;
            card.k = 1;
            QVERIFY(store->add(card));
        };
        judged(jitterPlacebo, Verdict::Inconclusive, 3, {});             // three wins of three prove nothing
        judged(jitterPlacebo, Verdict::Inconclusive, 60, {});
        judged(jitterPlacebo, Verdict::Accept, 60, 0.1);                 // whatever else is said of it
        judged(jitterPlacebo, Verdict::NoResult, 60, {});
        judged(reseedingPlacebo, Verdict::Inconclusive, 90, {});
        judged(reseedingPlacebo, Verdict::Accept, 90, 0.1);              // luck of the seed: it is better
        judged(reseedingPlacebo, Verdict::Accept, 90, -0.01);
        judged(reseedingPlacebo, Verdict::Accept, 90, {});               // the judge failed there
        judged(identityPlacebo, Verdict::Inconclusive, 0, {});
        judged(identityPlacebo, Verdict::Inconclusive, 1, {});
        const PlaceboCount count = countPlacebos(*store).value();
        const PlaceboKind &moved = count.jittered, &again = count.reseeded;
        QVERIFY(moved.judged == 3 && moved.able == 2 && moved.accepted == 1 && moved.refuted == 1);
        QVERIFY(std::abs(moved.promised - 0.008) < 1e-12);
        QVERIFY(std::abs(moved.low - 0.012579) < 1e-6 && std::abs(moved.high - 0.987421) < 1e-6);   // of 1 in 2
        QVERIFY(again.judged == 4 && again.able == 3 && again.accepted == 3 && again.refuted == 1);      // a judge that failed at guide items says nothing
        QVERIFY(again.low > 0.008 && again.low < 0.009 && again.high < 0.91);                            // of 1 in 3
        QVERIFY(count.identical == 2 && count.differing == 1);
    }

    void controlsAreNotTriedAgain()
    {
        const TinyLab lab(4, {}, 0.9);
        QVERIFY(lab.run(2, "judge dies"));
        const auto store = lab.read();
        int failed = 0;
        for (const ProposalRecord& proposal : taken(store->proposals())) {
            if (proposal.family != placeboFamily || proposal.state != ProposalState::Failed)
                continue;
            ++failed;
            const Status refused = lab.ask("retry", {{"proposal", proposal.id.value}});
            QVERIFY(!refused && refused.error().text.find("is a placebo") != std::string::npos);
            QCOMPARE(lab.read()->proposal(proposal.id).value()->state, ProposalState::Failed);
        }
        QVERIFY(failed > 0);
    }

    void jitterMovesEveryTensorAsMuchAsItSays()
    {
        const TinyLab lab(4, {}, 0.9);
        QVERIFY(lab.run(3));
        const auto store = lab.read();
        for (const ProposalRecord& proposal : taken(store->proposals())) {
            if (proposal.operatorName != jitterPlacebo)
                continue;
            const auto made = taken(store->version(*taken(store->trialOf(proposal.id))->version));
            const auto from = taken(store->version(proposal.parent));
            QVERIFY(made->hash != from->hash);
            const ObjectStore objects(lab.paths().objects());
            const WeightsFile after = readWeights(objects.path(made->weights)).value();
            const WeightsFile before = readWeights(objects.path(from->weights)).value();
            const double share = std::stod(proposal.reason.substr(proposal.reason.find("moved by ") + 9)) / 100;
            QVERIFY2(share >= leastJitter - 0.0006 && share <= mostJitter + 0.0006, proposal.reason.c_str());
            for (const auto& [name, entry] : before.tensors) {
                const float *a = after.floats(name), *b = before.floats(name);
                double moved = 0, squares = 0;
                for (std::size_t i = 0; i < entry.bytes / sizeof(float); ++i) {
                    moved += double(a[i] - b[i]) * (a[i] - b[i]);
                    squares += double(b[i]) * b[i];
                }
                QVERIFY2(squares == 0 || std::abs(std::sqrt(moved / squares) / share - 1) < 0.5, name.c_str());
            }
            const Status approved = lab.ask("approve", {{"version", made->hash.hex}, {"reason", "It looks good."}});
            QVERIFY(!approved);
            QVERIFY2(approved.error().text.find("is a placebo") != std::string::npos, approved.error().text.c_str());
            return;
        }
        QFAIL("no jitter was drawn");
    }

    void replicationsShareARecipeAndNothingElse()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        QVERIFY(lab.proposeReversed());
        QVERIFY(lab.run(1));
        const auto before = lab.read();
        const auto live = taken(before->live());
        const auto champion = taken(before->version(live->version));
        const int lessons = static_cast<int>(taken(before->lessons()).size());
        Replication first, again;
        {
            auto engine = lab.open();
            QVERIFY(engine);
            const auto result = (*engine)->replicate({champion->hash, false, 3, 400}, {});
            QVERIFY2(result, result ? "" : result.error().text.c_str());
            first = *result;
            again = (*engine)->replicate({champion->hash, false, 3, 400}, {}).value();
            const Replication longer = (*engine)->replicate({champion->hash, false, 3, 600}, {}).value();
            QVERIFY(longer.runs == first.runs);
            QVERIFY(longer.suites.front().itemSigma < first.suites.front().itemSigma);   // measured again, on more items
            const auto tooMany = (*engine)->replicate({champion->hash, false, 1000, 400}, {});
            QVERIFY(!tooMany);
            QVERIFY2(tooMany.error().text.find("budget pays for") != std::string::npos, tooMany.error().text.c_str());
            QVERIFY(!(*engine)->replicate({Hash{std::string(64, 'a')}, false, 1, 400}, {}));
        }
        QCOMPARE(first.runs.size(), std::size_t(3));
        QCOMPARE(again.runs.size(), std::size_t(3));              // nothing is trained twice
        QVERIFY(again.runs == first.runs);
        QVERIFY(first.nominal && *first.nominal > 0.3);           // reversed answers are what this world needs
        QVERIFY(first.share() && std::abs(first.share()->mean - 1) < 0.2);
        const auto store = lab.read();
        int replicated = 0;
        for (const LessonRecord& lesson : taken(store->lessons()))
            if (lesson.replicated > 0) {
                ++replicated;
                QCOMPARE(lesson.replicated, 1);
                QCOMPARE(lesson.nominalGain, *first.nominal);
                QVERIFY(std::abs(lesson.replicatedGain - lesson.nominalGain) < 0.2);
            }
        QCOMPARE(replicated, 1);
        std::set<std::string> seeds, versions;
        for (const Id<ProposalRecord> id : first.runs) {
            const auto run = taken(store->proposal(id));
            QCOMPARE(run->genome.hex, champion->genome.hex);
            QVERIFY(isControl(*run));
            const auto trial = taken(store->trialOf(id));
            seeds.insert(std::to_string(trial->seed));
            versions.insert(trial->version->hex);
            QVERIFY(!taken(store->verdict(id)).has_value());
        }
        QCOMPARE(seeds.size(), std::size_t(3));
        QCOMPARE(versions.size(), std::size_t(3));
        QCOMPARE(static_cast<int>(taken(store->lessons()).size()), lessons);
        QCOMPARE(taken(store->live())->version.hex, live->version.hex);
        QVERIFY(lab.isWhole());
        QVERIFY(lab.run(1));                                       // the loop goes on as if nothing had been
    }

    void equalRecipesAreMeasuredBesideTheChampion()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        auto engine = lab.open();
        QVERIFY(engine);
        const Replication result = (*engine)->replicate({live, true, 2, 200}, {}).value();
        QCOMPARE(result.reference.hex, live.hex);
        QCOMPARE(result.suites.front().score.runs, 2);
        QVERIFY(result.suites.size() > 1);
        QVERIFY(std::abs(result.suites.front().difference.mean) < 0.2);
    }

    void whatIsAskedForIsMeasuredByTheNextEngine()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        const Json wish{{"version", live.hex}, {"besideItself", true}, {"seeds", 2}, {"items", 200}};
        const Status tooMany = lab.ask("replicate", {{"version", live.hex}, {"besideItself", true}, {"seeds", 1000}});
        QVERIFY(!tooMany);
        QVERIFY2(tooMany.error().text.find("budget pays for") != std::string::npos, tooMany.error().text.c_str());
        QVERIFY(!lab.ask("replicate", {{"version", std::string(64, 'a')}, {"besideItself", true}}));
        QVERIFY(!lab.ask("replicate", {{"version", live.hex}, {"besideItself", true}, {"seeds", 0}}));
        QVERIFY(!lab.ask("withdraw", wish));                       // nobody asked yet
        QVERIFY(lab.ask("replicate", wish));
        QVERIFY(lab.ask("replicate", wish));                       // once more changes nothing
        QCOMPARE(taken(replicationsAsked(*lab.read())).size(), std::size_t(1));
        const auto end = lab.run(0);
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        const auto store = lab.read();
        QVERIFY(taken(replicationsAsked(*store)).empty());
        QCOMPARE(taken(replicationResult(*store, live, true)).suites.front().score.runs, 2);
        QCOMPARE(taken(store->teeth()).size(), std::size_t(1));    // and nothing else was done
        QVERIFY(lab.isWhole());
    }

    void whatIsWithdrawnIsNotMeasured()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        const Json wish{{"version", live.hex}, {"besideItself", true}, {"seeds", 3}, {"items", 200}};
        QVERIFY(lab.ask("replicate", wish));
        QVERIFY(lab.ask("withdraw", wish));
        QVERIFY(lab.run(0));
        QVERIFY(taken(replicationResult(*lab.read(), live, true)).runs.empty());

        // In the midst of it: the engine goes on to its tooth without training the rest.
        QVERIFY(lab.ask("replicate", wish));
        auto engine = lab.open("very slow", acceptingPolicy(), 1);
        QVERIFY(engine);
        bool withdrawn = false;
        const auto watcher = [&](const EngineStatus& status) {
            for (const EngineStatus::Running& running : status.running)
                if (!withdrawn && running.proposal.isSet() && running.title.find("seed ") == 0) {
                    withdrawn = true;
                    (*engine)->post({"withdraw", "person:ana", wish, now()});
                }
        };
        QVERIFY((*engine)->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}, watcher));
        QVERIFY(withdrawn);
        const auto store = lab.read();
        QVERIFY(taken(replicationResult(*store, live, true)).runs.size() < 3);
        QCOMPARE(taken(store->teeth()).back().number, 2);
        for (const ProposalRecord& run : taken(store->proposals()))
            QVERIFY(run.state != ProposalState::Queued && run.state != ProposalState::Running);
        QVERIFY(lab.isWhole());
    }

    void aMeasurementThatIsCancelledEndsAlone()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        QVERIFY(lab.ask("replicate", wishFor(live, true, 2)));
        Id<ProposalRecord> cancelled;
        const auto end = runUntilMeasured(lab, [&](Engine& engine, Id<ProposalRecord> run) {
            cancelled = run;
            engine.post({"cancel", "person:ana", {{"proposal", run.value}}, now()});
        });
        QVERIFY2(end && *end == RunEnd::Teeth, end ? "stopped" : end.error().text.c_str());
        const auto store = lab.read();
        QVERIFY(cancelled.isSet());
        QCOMPARE(taken(store->proposal(cancelled))->state, ProposalState::Cancelled);
        QCOMPARE(taken(replicationResult(*store, live, true)).runs.size(), std::size_t(1));
        QVERIFY(taken(replicationsAsked(*store)).empty());
        QCOMPARE(taken(store->teeth()).back().number, 2);          // and the campaign goes on
        QVERIFY(lab.isWhole());
    }

    void whatIsWithdrawnIsMeasuredNoFurther()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        QVERIFY(lab.ask("replicate", wishFor(live, true, 3)));
        bool withdrawn = false;
        QVERIFY(runUntilMeasured(lab, [&](Engine& engine, Id<ProposalRecord>) {
            withdrawn = true;
            engine.post({"withdraw", "person:ana", wishFor(live, true, 3), now()});
        }));
        QVERIFY(withdrawn);
        const auto store = lab.read();
        QVERIFY(taken(replicationResult(*store, live, true)).runs.empty());
        const auto runs = taken(replicationsOf(*store, *taken(store->version(live))));
        QCOMPARE(runs.size(), std::size_t(3));
        for (const ProposalRecord& run : runs)                     // what was trained stays
            QCOMPARE(run.state, ProposalState::Trained);
        QCOMPARE(taken(store->teeth()).back().number, 2);
    }

    void runsThatAnotherWishSharesGoOn()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        QVERIFY(lab.ask("replicate", wishFor(live, true, 2)));
        QVERIFY(lab.ask("replicate", wishFor(live, false, 2)));
        const auto run = addQueued(lab, replicationFamily, 0);
        QVERIFY(lab.ask("withdraw", wishFor(live, true, 2)));
        QCOMPARE(taken(lab.read()->proposal(run))->state, ProposalState::Queued);
        QVERIFY(lab.ask("withdraw", wishFor(live, false, 2)));
        QCOMPARE(taken(lab.read()->proposal(run))->state, ProposalState::Cancelled);
    }

    void whatIsPromisedAlreadyIsNotSpentTwice()
    {
        const TinyLab lab(2);
        QVERIFY(lab.run(1));
        const Hash live = taken(lab.read()->live())->version;
        LabConfig config = taken(readLabConfig(lab.paths()));
        config.budget = taken(lab.read()->spent()) + Flops{4.5 * config.trialBudget.value};
        QVERIFY(writeFile(lab.paths().config(), config.toJson().dump()));
        const auto asks = [&](int seeds) {
            const Status asked = lab.ask("replicate", wishFor(live, true, seeds));
            return asked ? std::string() : asked.error().text;
        };
        QCOMPARE(asks(4), std::string());
        addQueued(lab, "hand", 0);                                 // nobody has promised to train it
        QCOMPARE(asks(4), std::string());
        addTooth(lab, 2);
        addQueued(lab, "recipe", 2);
        QVERIFY2(asks(4).find("pays for 3 more trials") != std::string::npos, asks(4).c_str());
        addQueued(lab, replicationFamily, 0);                      // one of those that are asked for
        QCOMPARE(asks(3), std::string());
        QVERIFY(asks(4).find("needs 4") != std::string::npos);
        config.budget = taken(lab.read()->spent()) + Flops{1.5 * config.trialBudget.value};
        QVERIFY(writeFile(lab.paths().config(), config.toJson().dump()));
        QVERIFY2(asks(1).find("pays for 0 more trials") != std::string::npos, asks(1).c_str());
    }

    void aSeededLabWithPlacebosRepeats()
    {
        const TinyLab first(4, {}, 0.5), second(4, {}, 0.5);
        QVERIFY(first.run(2));
        QVERIFY(second.run(2));
        QVERIFY(first.account() == second.account());
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestControls test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_controls.moc"
