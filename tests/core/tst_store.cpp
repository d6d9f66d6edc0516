// SPDX-License-Identifier: GPL-3.0-or-later
#include <cmath>
#include <csignal>
#include <fstream>
#include <limits>
#include <thread>

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <QTemporaryDir>
#include <QtTest>

#include "core/base/file.h"
#include "core/base/rng.h"
#include "core/store/schema.h"
#include "core/store/sqlite.h"
#include "core/store/store.h"
#include "tests/core/store_examples.h"

using namespace ratchet;

namespace {

struct Place {
    QTemporaryDir folder;
    [[nodiscard]] std::filesystem::path file() const { return std::filesystem::path(folder.path().toStdString()) / "ratchet.db"; }
    [[nodiscard]] std::unique_ptr<Store> make() const { return std::move(Store::create(file()).value()); }
    [[nodiscard]] Result<std::unique_ptr<Store>> open(Store::Mode mode) const { return Store::open(file(), mode); }
};

// A trial to hang curves on.
Id<TrialRecord> addTrial(Store& store)
{
    return store.add(exampleTrial({})).value();
}

// The pyramid's answer is right when every bucket equals what the raw points in its steps give.
void compareWithPoints(const std::vector<SeriesBucket>& buckets, const std::vector<SeriesPoint>& points, std::int64_t from, std::int64_t to)
{
    std::size_t covered = 0;
    std::int64_t end = -1;
    for (const SeriesBucket& bucket : buckets) {
        QVERIFY(bucket.step >= end);
        end = bucket.step + bucket.width;
        double low = INFINITY, high = -INFINITY, last = 0;
        std::int64_t count = 0;
        for (const SeriesPoint& point : points) {
            if (point.step < bucket.step || point.step >= end)
                continue;
            low = std::min(low, point.value);
            high = std::max(high, point.value);
            last = point.value;
            ++count;
            covered += point.step >= from && point.step <= to;
        }
        QCOMPARE(bucket.low, low);
        QCOMPARE(bucket.high, high);
        QCOMPARE(bucket.last, last);
        QCOMPARE(bucket.count, count);
    }
    const auto inside = [&](const SeriesPoint& point) { return point.step >= from && point.step <= to; };
    QCOMPARE(covered, static_cast<std::size_t>(std::count_if(points.begin(), points.end(), inside)));
}

} // namespace

class TestStore : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void keepsEveryFieldOfEveryRecord();
    void repeatedWritesChangeNothing();
    void updateOfNothingIsNotFound();
    void findsVersionsByPrefix();
    void answersDuplicatesFromMemory();
    void refusesNotANumber();
    void anErrorRollsEverythingBack();
    void aFailedWriteInsideDoomsTheWhole();
    void ledgerGrowsByOne();
    void theLedgersEndIsKeptWithIt();
    void answersAreKeptPerRequest();
    void anOlderDatabaseIsBroughtUpToDate();
    void changeFeedTellsEachThingOnce();
    void changeFeedStaysBounded();
    void curvesEqualBruteForce_data();
    void curvesEqualBruteForce();
    void curvesRefuseWhatIsNotACurve_data();
    void curvesRefuseWhatIsNotACurve();
    void resumedTrialSendsPointsAgain();
    void readerSeesOneMoment();
    void readerWorksInAFolderItCannotWrite();
    void readerCannotWrite();
    void secondWriterIsAConflict();
    void acknowledgedCommitsSurviveKill();
    void aProposalThatIsJudgedAgainKeepsBothVerdicts();
    void aStoreOfFormat4IsBroughtUpToDate();
    void aProposalThatIsJudgedAgainKeepsBothScorecards();
    void scorecardsOfFormat5FindTheirQuestion();
    void aComparisonWithItselfIsNobodysEvidence();
    void damageIsTold_data();
    void damageIsTold();
    void newerAndForeignFilesAreLeftAlone();
    void fullDiskLosesNothing();
};

void TestStore::keepsEveryFieldOfEveryRecord()
{
    Place place;
    auto store = place.make();
    const VersionRecord seed = exampleVersion("seed");
    QVERIFY(store->add(seed));
    ProposalRecord proposal = exampleProposal(seed.hash);
    proposal.id = store->add(proposal).value();
    TrialRecord trial = exampleTrial(proposal.id);
    trial.id = store->add(trial).value();
    trial.state = TrialState::Trained;
    trial.spent = Flops{3.9e11};
    trial.wall = std::chrono::milliseconds(37'250);
    trial.version = hashOf("child");
    trial.peakBytes = 3.5e8;
    QVERIFY(store->update(trial));
    VersionRecord child = exampleVersion("child", seed.hash);
    child.trial = trial.id;
    child.moments = hashOf("moments");
    QVERIFY(store->add(child));
    ScorecardRecord card{proposal.id, child.hash, seed.hash, "addition-3", "gate", true, false, 120, 70, 10, 40, 0.2, 0.7, 0.5, 0.4, 0.6, 1e9,
                         {0.1, -0.2, 9}, Json{{"champion", {{"carry", 3}}}}, Json::array(),
                         Json{{"champion", {{"items", 120}}}}, exampleTime(5), 0.4, 0.6, 1};
    QVERIFY(store->add(card));
    ScorecardRecord alone = card;
    alone.proposal = {};
    alone.challenger = {};
    alone.k = 0;
    alone.challengerDeviation = alone.differenceDeviation = std::nullopt;
    QVERIFY(store->add(alone));
    const VerdictRecord verdict{proposal.id, child.hash, seed.hash, Verdict::Accept, 1, 0.03, 1e9, 33, 120, 80, "Better.",
                                Json::array({Json{{"name", "finite"}, {"ok", true}}}), exampleTime(6)};
    QVERIFY(store->add(verdict));
    const DecisionRecord decision{{}, child.hash, DecisionKind::Approve, "person:ana", "Looks right.", hashOf("binding"), exampleTime(7)};
    const auto decisionId = store->add(decision).value();
    DeploymentRecord deployment{{}, child.hash, seed.hash, decisionId, DeploymentKind::Promote, "person:ana", "Looks right.", exampleTime(8)};
    deployment.id = store->add(deployment).value();
    const LessonRecord lesson{"reasoning", "answer format reversed", 2, 1, 0, 0.4, 0.01, Flops{8e11}, -0.1, exampleTime(9), 1, 0.39, 0.31, 6, 26};
    QVERIFY(store->put(lesson));
    GoalRecord goal{{}, {}, "3 digits", "addition-3", "exact match", true, 0.99, 0.7, GoalState::Active, Flops{1e13}, Flops{1e12}, "Nearly."};
    goal.id = store->put(goal).value();
    goal.state = GoalState::GivenUp;
    QCOMPARE(store->put(goal).value(), goal.id);
    const FailureRecord failure{child.hash, "addition-3", "carry", Json{{"a", 95}}, "95+7=", "102", std::string("\xff\0x", 3), 0.8, exampleTime(10)};
    QVERIFY(store->add(failure));
    const OutcomeRecord outcome{{}, child.hash, "1+1=", "3", "2", -1, Json{{"a", 1}}, exampleTime(11)};
    QVERIFY(store->add(outcome));
    const ToothRecord tooth{1, "deploy", Json{{"asked", 3}}, exampleTime(0), {}};
    QVERIFY(store->put(tooth));
    const LayerRecord layer{trial.id, 100, 2, "block.0.attention", Json{{"rms", 0.8}}, {1, 2, 3}};
    QVERIFY(store->add(layer));
    QVERIFY(store->setMeta("status", Json{{"stage", "train"}}));

    store.reset();
    const auto opened = place.open(Store::Mode::ReadOnly);
    QVERIFY2(opened, opened ? "" : opened.error().text.c_str());
    const Store& reader = **opened;
    const VersionRecord gotVersion = reader.version(child.hash).value().value();
    QCOMPARE(gotVersion.parent, child.parent);
    QCOMPARE(gotVersion.trial, child.trial);
    QCOMPARE(gotVersion.weights, child.weights);
    QCOMPARE(gotVersion.moments, child.moments);
    QVERIFY(!reader.version(seed.hash).value()->moments);
    QCOMPARE(reader.versions().value().size(), 2U);
    const ProposalRecord gotProposal = reader.proposal(proposal.id).value().value();
    QCOMPARE(gotProposal.patch, proposal.patch);
    QCOMPARE(gotProposal.operatorName, proposal.operatorName);
    QCOMPARE(gotProposal.author, proposal.author);
    QCOMPARE(gotProposal.price, proposal.price);
    QCOMPARE(gotProposal.rank, proposal.rank);
    QVERIFY(!gotProposal.duplicateOf);
    const TrialRecord gotTrial = reader.trialOf(proposal.id).value().value();
    QCOMPARE(gotTrial.seed, trial.seed);
    QCOMPARE(gotTrial.state, TrialState::Trained);
    QCOMPARE(gotTrial.wall, trial.wall);
    QCOMPARE(gotTrial.version, trial.version);
    QCOMPARE(gotTrial.platform, trial.platform);
    QCOMPARE(reader.spent().value(), trial.spent);
    QCOMPARE(reader.scorecards().value().size(), 2U);
    const auto cards = reader.scorecards(proposal.id).value();
    QCOMPARE(cards.size(), 1U);
    QVERIFY(cards[0].retained);
    QCOMPARE(cards[0].path, card.path);
    QCOMPARE(cards[0].classes, card.classes);
    QCOMPARE(cards[0].eValue, card.eValue);
    QCOMPARE(cards[0].challengerDeviation, card.challengerDeviation);
    QCOMPARE(cards[0].differenceDeviation, card.differenceDeviation);
    QCOMPARE(reader.scorecardsOf(seed.hash).value().size(), 1U);
    QCOMPARE(reader.verdict(proposal.id).value()->verdict, Verdict::Accept);
    QCOMPARE(reader.verdict(proposal.id).value()->integrity, verdict.integrity);
    QCOMPARE(reader.decisions().value().at(0).binding, decision.binding);
    QCOMPARE(reader.live().value()->id, deployment.id);
    QCOMPARE(reader.live().value()->previous, deployment.previous);
    QCOMPARE(reader.live().value()->decision, deployment.decision);
    QCOMPARE(reader.lessons().value().at(0).predictedError, lesson.predictedError);
    QVERIFY(reader.lessons().value().at(0).weight == 6 && reader.lessons().value().at(0).weightSquares == 26);
    QCOMPARE(reader.goals().value().size(), 1U);
    QCOMPARE(reader.goals().value().at(0).state, GoalState::GivenUp);
    const auto failures = reader.failures(child.hash, 10).value();
    QCOMPARE(failures.at(0).answer, failure.answer);
    QCOMPARE(failures.at(0).question, failure.question);
    QCOMPARE(reader.outcomes(1).value().at(0).question, outcome.question);
    QCOMPARE(reader.teeth().value().at(0).state, tooth.state);
    QCOMPARE(reader.layers(trial.id).value().at(0).histogram, layer.histogram);
    QCOMPARE(reader.meta("status").value()->at("stage"), "train");
    QVERIFY(!reader.meta("nothing").value());
}

void TestStore::repeatedWritesChangeNothing()
{
    Place place;
    auto store = place.make();
    const VersionRecord seed = exampleVersion("seed");
    ProposalRecord proposal = exampleProposal(seed.hash);
    for (int i = 0; i < 2; ++i) {
        VersionRecord again = seed;
        again.origin = i ? "another" : seed.origin;
        QVERIFY(store->add(again));
    }
    QCOMPARE(store->version(seed.hash).value()->origin, seed.origin);
    proposal.id = store->add(proposal).value();
    proposal.state = ProposalState::Running;
    ScorecardRecord card;
    card.champion = seed.hash;
    card.suite = "addition-3";
    card.split = "guide";
    FailureRecord failure{seed.hash, "addition-3", "carry", Json(), "95+7=", "102", "92", 0.8, exampleTime(1)};
    for (int i = 0; i < 2; ++i) {
        QVERIFY(store->update(proposal));
        QVERIFY(store->add(VerdictRecord{proposal.id, {}, seed.hash, Verdict::Reject, 1, 0.1, 1, 10, 5, 5, "", Json(), {}}));
        QVERIFY(store->add(card));
        QVERIFY(store->add(failure));
    }
    QCOMPARE(store->proposals().value().size(), 1U);
    QCOMPARE(store->proposals().value().at(0).state, ProposalState::Running);
    QCOMPARE(store->verdicts().value().size(), 1U);
    QCOMPARE(store->scorecards().value().size(), 1U);
    QCOMPARE(store->failures(seed.hash, 9).value().size(), 1U);
}

void TestStore::updateOfNothingIsNotFound()
{
    Place place;
    auto store = place.make();
    ProposalRecord proposal = exampleProposal(exampleVersion("seed").hash);
    proposal.id = {7};
    QCOMPARE(store->update(proposal).error().code, Code::NotFound);
    QVERIFY(store->proposals().value().empty());
}

void TestStore::findsVersionsByPrefix()
{
    Place place;
    auto store = place.make();
    VersionRecord one = exampleVersion("one"), two = exampleVersion("two");
    one.hash.hex = "abcd1" + one.hash.hex.substr(5);
    two.hash.hex = "abcd2" + two.hash.hex.substr(5);
    QVERIFY(store->add(one) && store->add(two));
    QCOMPARE(store->findVersion("abcd2").value().hash, two.hash);
    QCOMPARE(store->findVersion(one.hash.hex).value().hash, one.hash);
    QCOMPARE(store->findVersion("abcd").error().code, Code::Refused);
    QCOMPARE(store->findVersion("abcd3").error().code, Code::NotFound);
    QCOMPARE(store->findVersion("abc").error().code, Code::Usage);
    QCOMPARE(store->findVersion("%%%%").error().code, Code::Usage);
}

void TestStore::answersDuplicatesFromMemory()
{
    Place place;
    auto store = place.make();
    const VersionRecord seed = exampleVersion("seed");
    QVERIFY(store->add(seed));
    ProposalRecord proposal = exampleProposal(seed.hash);
    proposal.id = store->add(proposal).value();
    QCOMPARE(store->proposalWithGenome(proposal.genome, seed.hash).value()->id, proposal.id);
    QVERIFY(!store->proposalWithGenome(proposal.genome, hashOf("other")).value());
    proposal.state = ProposalState::Failed;
    QVERIFY(store->update(proposal));
    QVERIFY(!store->proposalWithGenome(proposal.genome, seed.hash).value());
}

void TestStore::refusesNotANumber()
{
    Place place;
    auto store = place.make();
    TrialRecord trial = exampleTrial({});
    trial.peakBytes = std::numeric_limits<double>::quiet_NaN();
    QCOMPARE(store->add(trial).error().code, Code::BadInput);
    QVERIFY(store->trials().value().empty());
}

void TestStore::anErrorRollsEverythingBack()
{
    Place place;
    auto store = place.make();
    const auto before = store->changeCount().value();
    const Status done = store->transaction(Store::Durable::No, [&]() -> Status {
        RATCHET_CHECK(store->setMeta("a", 1));
        return fail(Code::Cancelled, "Changed my mind.");
    });
    QCOMPARE(done.error().code, Code::Cancelled);
    QVERIFY(!store->meta("a").value());
    QCOMPARE(store->changeCount().value(), before);
    QVERIFY(store->setMeta("a", 2));
    QCOMPARE(store->meta("a").value()->get<int>(), 2);
}

void TestStore::aFailedWriteInsideDoomsTheWhole()
{
    Place place;
    auto store = place.make();
    const Status done = store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_CHECK(store->setMeta("a", 1));
        (void)store->transaction(Store::Durable::No, [&]() -> Status {
            (void)store->add(exampleTrial({99}));   // no such proposal, and nobody looks at the answer
            return {};
        });
        return store->setMeta("b", 1);
    });
    QCOMPARE(done.error().code, Code::Failed);
    QVERIFY(!store->meta("a").value() && !store->meta("b").value());
}

void TestStore::ledgerGrowsByOne()
{
    Place place;
    auto store = place.make();
    QVERIFY(store->addLedger({1, "one", hashOf("one")}));
    QCOMPARE(store->addLedger({1, "again", hashOf("again")}).error().code, Code::Conflict);
    QCOMPARE(store->addLedger({3, "three", hashOf("three")}).error().code, Code::Conflict);
    QVERIFY(store->addLedger({2, "two", hashOf("two")}));
    QCOMPARE(store->ledger().value().size(), 2U);
    QCOMPARE(store->ledgerHead().value()->line, "two");
}

void TestStore::theLedgersEndIsKeptWithIt()
{
    Place place;
    auto store = place.make();
    QVERIFY(!store->meta("ledger-head").value());
    QVERIFY(store->addLedger({1, "one", hashOf("one")}));
    QCOMPARE(store->meta("ledger-head").value().value(), (Json{{"entries", 1}, {"hash", hashOf("one").hex}}));
    const Status undone = store->transaction(Store::Durable::Yes, [&]() -> Status {
        RATCHET_CHECK(store->addLedger({2, "two", hashOf("two")}));
        return fail(Code::Failed, "Undone.");
    });
    QVERIFY(!undone);
    QCOMPARE(store->meta("ledger-head").value().value()["entries"].get<int>(), 1);
    QVERIFY(store->setMeta("ledger-head", {{"entries", 7}, {"hash", ""}}));
    QCOMPARE(store->addLedger({2, "two", hashOf("two")}).error().code, Code::Damaged);
}

void TestStore::answersAreKeptPerRequest()
{
    Place place;
    auto store = place.make();
    const AnswerRecord refused{"a", "approve", false, Code::NotFound, "There is no such version.", "Look again.", exampleTime(1)};
    const AnswerRecord done{"b", "feedback", true, Code::Refused, "", "", exampleTime(2)};
    QVERIFY(store->add(refused));
    QVERIFY(store->add(done));
    QVERIFY(!store->add(AnswerRecord{"a", "approve", true, Code::Refused, "", "", exampleTime(3)}));       // the first one stands
    const AnswerRecord got = store->answer("a").value().value();
    QVERIFY(!got.ok && got.code == Code::NotFound && got.kind == refused.kind && got.text == refused.text && got.hint == refused.hint && got.created == refused.created);
    QVERIFY(store->answer("b").value()->ok);
    QVERIFY(!store->answer("c").value());
    QCOMPARE(store->answers(1).value().front().request, std::string("b"));
}

// As the first version wrote it: no table of answers, the newest one in meta, no end of the ledger.
void TestStore::anOlderDatabaseIsBroughtUpToDate()
{
    Place place;
    {
        auto store = place.make();
        QVERIFY(store->addLedger({1, "one", hashOf("one")}));
        QVERIFY(store->addLedger({2, "two", hashOf("two")}));
        QVERIFY(store->setMeta("last-request", {{"kind", "approve"}}));
        QVERIFY(store->put(LessonRecord{"data", "mixture", 3, 1, 1, 0.2, 0.01, Flops{1}, 0, exampleTime(1), 0, 0, 0, 10, 50}));
    }
    const std::string sql = "DROP TABLE answer; DELETE FROM meta WHERE key = 'ledger-head'; PRAGMA user_version = 1;"
                            "ALTER TABLE scorecard DROP COLUMN probe; ALTER TABLE scorecard DROP COLUMN calibration;"
                            "ALTER TABLE scorecard DROP COLUMN challenger_deviation; ALTER TABLE scorecard DROP COLUMN difference_deviation;"
                            "DROP INDEX scorecard_question; ALTER TABLE scorecard DROP COLUMN k;"
                            "CREATE UNIQUE INDEX scorecard_question ON scorecard(ifnull(proposal, 0), challenger, champion, suite, split);"
                            "ALTER TABLE lesson DROP COLUMN replicated; ALTER TABLE lesson DROP COLUMN nominal_gain;"
                            "ALTER TABLE lesson DROP COLUMN replicated_gain; ALTER TABLE trial DROP COLUMN proxy; ALTER TABLE trial DROP COLUMN report; DROP TABLE reward;"
                            "ALTER TABLE version DROP COLUMN moments; ALTER TABLE lesson DROP COLUMN weight; ALTER TABLE lesson DROP COLUMN weight_squares;";
    if (std::system(fmt::format("sqlite3 '{}' \"{}\"", place.file().string(), sql).c_str()) != 0)
        QSKIP("sqlite3 is not installed");
    QCOMPARE(place.open(Store::Mode::ReadOnly).error().code, Code::Conflict);
    auto store = place.open(Store::Mode::ReadWrite).value();
    QCOMPARE(store->meta("ledger-head").value().value(), (Json{{"entries", 2}, {"hash", hashOf("two").hex}}));
    QVERIFY(!store->meta("last-request").value());
    QVERIFY(store->addLedger({3, "three", hashOf("three")}));
    QVERIFY(store->add(AnswerRecord{"a", "pause", true, Code::Refused, "", "", exampleTime(1)}));
    const LessonRecord known = store->lessons().value().at(0);
    QVERIFY(known.weight == 2 && known.weightSquares == 2);          // two of three were measured
    QVERIFY(store->put(LessonRecord{"reasoning", "format = reversed", 1, 1, 0, 0.4, 0.01, Flops{1}, 0, exampleTime(2), 1, 0.4, 0.3}));
    QCOMPARE(store->lessons().value().at(1).replicatedGain, 0.3);
}

void TestStore::changeFeedTellsEachThingOnce()
{
    Place place;
    auto store = place.make();
    const auto trial = addTrial(*store);
    const auto before = store->changeCount().value();
    QVERIFY(store->transaction(Store::Durable::No, [&]() -> Status {
        for (int step = 0; step < 10; ++step)
            RATCHET_CHECK(store->addPoints(trial, "loss", {{step, 1.0 / (step + 1)}}));
        return store->setMeta("status", Json());
    }));
    const auto changes = store->changesSince(before, 100).value();
    QCOMPARE(changes.size(), 2U);
    QCOMPARE(changes[0].what, "meta");
    QCOMPARE(changes[0].ref, "status");
    QCOMPARE(changes[1].what, "series");
    QCOMPARE(changes[1].ref, std::to_string(store->series(trial).value().at(0).id));
    QCOMPARE(changes[1].seq, store->changeCount().value());
}

void TestStore::changeFeedStaysBounded()
{
    Place place;
    auto store = place.make();
    for (int i = 0; i < 25; ++i)
        QVERIFY(store->transaction(Store::Durable::No, [&]() -> Status {
            for (int j = 0; j < 1000; ++j)
                RATCHET_CHECK(store->setMeta("key " + std::to_string(j), i));
            return {};
        }));
    const auto changes = store->changesSince(0, 100'000).value();
    QCOMPARE(store->changeCount().value(), 25'000);
    QVERIFY(changes.size() >= 20'000 && changes.size() <= 21'000);
    QVERIFY(changes.front().seq > 1);
}

void TestStore::curvesEqualBruteForce_data()
{
    QTest::addColumn<int>("points");
    QTest::addColumn<int>("stride");
    QTest::addColumn<int>("batch");
    QTest::addRow("a single point") << 1 << 1 << 1;
    QTest::addRow("every step, one at a time") << 700 << 1 << 1;
    QTest::addRow("every tenth step in small batches") << 3000 << 10 << 7;
    QTest::addRow("irregular steps in large batches") << 20'000 << 0 << 900;
    QTest::addRow("a jump over several levels") << 40 << 100'000 << 3;
}

void TestStore::curvesEqualBruteForce()
{
    QFETCH(int, points);
    QFETCH(int, stride);
    QFETCH(int, batch);
    Place place;
    auto store = place.make();
    const auto trial = addTrial(*store);
    Rng rng(static_cast<std::uint64_t>(points));
    std::vector<SeriesPoint> all;
    std::int64_t step = 0;
    for (int i = 0; i < points; ++i) {
        all.push_back({step, 10 * rng.normal() - 3});
        step += stride ? stride : 1 + static_cast<std::int64_t>(rng.below(40));
    }
    QVERIFY(store->transaction(Store::Durable::No, [&]() -> Status {
        for (std::size_t i = 0; i < all.size(); i += static_cast<std::size_t>(batch)) {
            const std::size_t end = std::min(all.size(), i + static_cast<std::size_t>(batch));
            RATCHET_CHECK(store->addPoints(trial, "loss", {all.begin() + std::ptrdiff_t(i), all.begin() + std::ptrdiff_t(end)}));
        }
        return {};
    }));
    const SeriesInfo info = store->series(trial).value().at(0);
    QCOMPARE(info.points, std::int64_t(points));
    const std::int64_t last = all.back().step;
    for (const int wanted : {1, 10, 100, 100'000})
        for (const auto& [from, to] : {std::pair<std::int64_t, std::int64_t>{0, last}, {-5, last + 1000}, {last / 3, last / 2}, {last, last}}) {
            const auto buckets = store->points(info.id, from, to, wanted).value();
            QVERIFY(buckets.size() <= static_cast<std::size_t>(wanted));
            compareWithPoints(buckets, all, from, to);
        }
    QVERIFY(store->points(info.id, 5, 4, 10).value().empty());
    QVERIFY(store->points(info.id + 1, 0, last, 10).value().empty());
    if (points >= 1000)
        QVERIFY(store->points(info.id, 0, last, 100).value().size() > 50);   // resolution asked for is resolution given
}

void TestStore::curvesRefuseWhatIsNotACurve_data()
{
    QTest::addColumn<double>("value");
    QTest::addColumn<qint64>("step");
    QTest::addRow("not a number") << std::nan("") << qint64(11);
    QTest::addRow("infinity") << double(INFINITY) << qint64(11);
    QTest::addRow("minus infinity") << -double(INFINITY) << qint64(11);
    QTest::addRow("the same step twice") << 1.0 << qint64(10);
    QTest::addRow("a step backwards") << 1.0 << qint64(9);
    QTest::addRow("a step beyond counting") << 1.0 << std::numeric_limits<qint64>::max();
}

void TestStore::curvesRefuseWhatIsNotACurve()
{
    QFETCH(double, value);
    QFETCH(qint64, step);
    Place place;
    auto store = place.make();
    const auto trial = addTrial(*store);
    QCOMPARE(store->addPoints(trial, "loss", {{10, 1.0}, {step, value}}).error().code, Code::BadInput);
    QCOMPARE(store->addPoints(trial, "loss", {{-1, 1.0}}).error().code, Code::BadInput);
    QVERIFY(store->series(trial).value().empty());
}

void TestStore::resumedTrialSendsPointsAgain()
{
    Place place;
    auto store = place.make();
    const auto trial = addTrial(*store);
    std::vector<SeriesPoint> all;
    for (int step = 0; step < 500; ++step)
        all.push_back({step, std::sin(step)});
    QVERIFY(store->addPoints(trial, "loss", {all.begin(), all.begin() + 300}));
    auto second = std::vector<SeriesPoint>(all.begin() + 100, all.end());
    second[0].value = 77;   // kept as it was
    QVERIFY(store->addPoints(trial, "loss", second));
    const SeriesInfo info = store->series(trial).value().at(0);
    QCOMPARE(info.points, 500);
    for (const int wanted : {20, 1000})
        compareWithPoints(store->points(info.id, 0, 499, wanted).value(), all, 0, 499);
}

void TestStore::readerSeesOneMoment()
{
    Place place;
    auto writer = place.make();
    QVERIFY(writer->setMeta("a", 1));
    const auto reader = place.open(Store::Mode::ReadOnly).value().release();
    const std::unique_ptr<Store> owner(reader);
    QVERIFY(reader->snapshot([&]() -> Status {
        RATCHET_TRY(first, reader->meta("a"));
        RATCHET_CHECK(writer->setMeta("a", 2));
        RATCHET_TRY(second, reader->meta("a"));
        return first == second ? Status() : fail(Code::Failed, "It moved.");
    }));
    QCOMPARE(reader->meta("a").value()->get<int>(), 2);
}

void TestStore::readerWorksInAFolderItCannotWrite()
{
    Place place;
    auto writer = place.make();
    QVERIFY(writer->setMeta("a", 1));
    const auto check = [&](const char* when) {
        // As another user, who may read but not write.
        const pid_t child = fork();
        if (child == 0) {
            if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
                _exit(9);
            const auto reader = place.open(Store::Mode::ReadOnly);
            if (!reader)
                fprintf(stderr, "%s: %s\n", when, reader.error().text.c_str());
            const bool right = reader && (*reader)->meta("a").value_or(std::optional<Json>(0)) == Json(1);
            _exit(right ? 0 : 1);
        }
        int status = 0;
        waitpid(child, &status, 0);
        QVERIFY2(WIFEXITED(status) && WEXITSTATUS(status) == 0, when);
    };
    QVERIFY(chmod(place.folder.path().toUtf8().constData(), 0555) == 0);
    check("while the engine runs");
    QVERIFY(chmod(place.folder.path().toUtf8().constData(), 0755) == 0);
    writer.reset();
    QVERIFY(chmod(place.folder.path().toUtf8().constData(), 0555) == 0);
    check("after the engine left");
    QVERIFY(chmod(place.folder.path().toUtf8().constData(), 0755) == 0);
    std::filesystem::remove(place.file().string() + "-wal");
    std::filesystem::remove(place.file().string() + "-shm");
    QVERIFY(chmod(place.folder.path().toUtf8().constData(), 0555) == 0);
    check("when only the database was copied");
    QVERIFY(chmod(place.folder.path().toUtf8().constData(), 0755) == 0);
}

void TestStore::readerCannotWrite()
{
    Place place;
    (void)place.make();
    auto reader = place.open(Store::Mode::ReadOnly).value().release();
    const std::unique_ptr<Store> owner(reader);
    QVERIFY(!reader->setMeta("a", 1));
    QVERIFY(!reader->meta("a").value());
}

void TestStore::secondWriterIsAConflict()
{
    Place place;
    auto first = place.make();
    auto second = std::move(place.open(Store::Mode::ReadWrite).value());
    const Status done = first->transaction(Store::Durable::No, [&]() -> Status {
        RATCHET_CHECK(first->setMeta("a", 1));
        return second->setMeta("a", 2);   // waits, then gives up
    });
    QCOMPARE(done.error().code, Code::Conflict);
    QVERIFY(second->setMeta("a", 3));
}

void TestStore::acknowledgedCommitsSurviveKill()
{
    Place place;
    (void)place.make();
    Rng rng(5);
    std::int64_t acknowledged = 0;
    for (int round = 0; round < 8; ++round) {
        int pipeEnds[2];
        QVERIFY(pipe(pipeEnds) == 0);
        const pid_t child = fork();
        if (child == 0) {
            auto store = place.open(Store::Mode::ReadWrite);
            for (std::int64_t n = acknowledged + 1; store; ++n) {
                const Status done = (*store)->transaction(Store::Durable::Yes, [&]() -> Status {
                    RATCHET_CHECK((*store)->setMeta("n", n));
                    return (*store)->addLedger({n, "line " + std::to_string(n), hashOf(std::to_string(n))});
                });
                if (!done || write(pipeEnds[1], &n, sizeof n) != sizeof n)
                    _exit(1);
            }
            _exit(2);
        }
        close(pipeEnds[1]);
        // Some acknowledgements, then the kill wherever the child then is.
        const std::int64_t target = acknowledged + 1 + static_cast<std::int64_t>(rng.below(30));
        while (acknowledged < target && read(pipeEnds[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {}
        kill(child, SIGKILL);
        int status = 0;
        waitpid(child, &status, 0);
        while (read(pipeEnds[0], &acknowledged, sizeof acknowledged) == sizeof acknowledged) {}
        close(pipeEnds[0]);
        QVERIFY(WIFSIGNALED(status));
        const auto store = place.open(Store::Mode::ReadWrite);
        QVERIFY2(store, store ? "" : store.error().text.c_str());
        const std::int64_t head = (*store)->ledgerHead().value()->seq;
        QVERIFY(head >= acknowledged);
        QVERIFY(head <= acknowledged + 1);
        QCOMPARE((*store)->meta("n").value()->get<std::int64_t>(), head);   // both or neither
        QCOMPARE((*store)->ledger().value().size(), static_cast<std::size_t>(head));
        acknowledged = head;
    }
}

void TestStore::aProposalThatIsJudgedAgainKeepsBothVerdicts()
{
    Place place;
    auto store = place.make();
    const VersionRecord seed = exampleVersion("seed");
    QVERIFY(store->add(seed));
    const auto proposal = store->add(exampleProposal(seed.hash)).value(), other = store->add(exampleProposal(seed.hash)).value();
    QVERIFY(store->add(VerdictRecord{proposal, {}, seed.hash, Verdict::NoResult, 3, 0.01, 2, 90, 400, 12, "The judge died.", Json(), {}, 2}));
    QVERIFY(store->add(VerdictRecord{other, {}, seed.hash, Verdict::Reject, 4, 0.01, 1, 90, 200, 9, "Worse.", Json(), {}, 1}));
    QVERIFY(store->add(VerdictRecord{proposal, {}, seed.hash, Verdict::Accept, 5, 0.005, 300, 180, 800, 40, "Better.", Json(), {}, 3}));
    const auto verdicts = store->verdicts().value();
    QCOMPARE(verdicts.size(), 3U);
    QCOMPARE(verdicts[0].proposal, proposal);                         // by k
    QCOMPARE(verdicts[0].pairs, 400);
    QCOMPARE(verdicts[0].looks, 2);
    const VerdictRecord newest = store->verdict(proposal).value().value();
    QCOMPARE(newest.verdict, Verdict::Accept);
    QCOMPARE(newest.k, 5);
    QCOMPARE(newest.looks, 3);
}

void TestStore::aStoreOfFormat4IsBroughtUpToDate()
{
    Place place;
    {
        const auto old = sqlite::Database::open(place.file(), sqlite::Database::Mode::Create).value();
        for (const Migration& migration : migrations())
            if (migration.to <= 4)
                QVERIFY(old->execute(migration.sql));
        const std::string hash(64, 'a');
        QVERIFY(old->execute(fmt::format("INSERT INTO version VALUES ('{0}', NULL, '', '', '', 1, NULL, 0, 1, 'seed');"
                                         "INSERT INTO proposal VALUES (7, 1, 1, 'data', 'replay', '{0}', '[]', '', '', 'a', 0, 0, 'rejected', '', 0, NULL);"
                                         "INSERT INTO verdict VALUES (7, '{0}', '{0}', 'reject', 2, 0.02, 0.5, 60, 400, 31, 'No better.', '[]', 9);"
                                         "PRAGMA application_id = {1}; PRAGMA user_version = 4;", hash, applicationId).c_str()));
    }
    QCOMPARE(place.open(Store::Mode::ReadOnly).error().code, Code::Conflict);
    for (int i = 0; i < 2; ++i) {                                      // the second time there is nothing to do
        const auto store = place.open(Store::Mode::ReadWrite);
        QVERIFY2(store, store ? "" : store.error().text.c_str());
        const VerdictRecord kept = (*store)->verdicts().value().front();
        QCOMPARE(kept.k, 2);
        QCOMPARE(kept.alpha, 0.02);
        QCOMPARE(kept.discordant, 31);
        QCOMPARE(kept.reason, "No better.");
        QCOMPARE(kept.looks, 0);                                        // not known
        VerdictRecord again = kept;
        again.k = 3;
        QVERIFY((*store)->add(again));
        QCOMPARE((*store)->verdicts().value().size(), 2U);
    }
}

void TestStore::aProposalThatIsJudgedAgainKeepsBothScorecards()
{
    Place place;
    auto store = place.make();
    const VersionRecord seed = exampleVersion("seed"), child = exampleVersion("child", seed.hash);
    QVERIFY(store->add(seed) && store->add(child));
    ScorecardRecord card;
    card.proposal = store->add(exampleProposal(seed.hash)).value();
    card.challenger = child.hash;
    card.champion = seed.hash;
    card.suite = "addition-3";
    const auto add = [&](const char* split, int k, int items) {
        card.split = split;
        card.k = k;
        card.items = items;
        QVERIFY(store->add(card));
    };
    const auto judged = [&](int k, Verdict verdict) {
        QVERIFY(store->add(VerdictRecord{card.proposal, child.hash, seed.hash, verdict, k, 0.01, 2, 90, 400, 12, "", Json(), {}, 2}));
    };
    const auto sizes = [](const Result<std::vector<ScorecardRecord>>& cards) {
        std::vector<int> list;
        for (const ScorecardRecord& one : cards.value())
            list.push_back(one.items);
        return list;
    };
    add("gate", 3, 400);
    judged(3, Verdict::NoResult);
    QCOMPARE(sizes(store->scorecards(card.proposal)), (std::vector{400}));
    for (int i = 0; i < 2; ++i) {                                      // a killed engine asks the same again
        add("gate", 5, 800);
        add("guide", 5, 200);
        judged(5, Verdict::Accept);
    }
    add("vault", 0, 300);
    for (const auto& newest : {store->scorecards(card.proposal), store->scorecardsOf(child.hash)})
        QCOMPARE(sizes(newest), (std::vector{800, 200, 300}));
    QCOMPARE(sizes(store->scorecards(card.proposal, 3)), (std::vector{400}));
    QCOMPARE(sizes(store->scorecards()), (std::vector{400, 800, 200, 300}));
    judged(7, Verdict::NoResult);                                      // its judge died before it answered
    for (const auto& newest : {store->scorecards(card.proposal), store->scorecardsOf(child.hash)})
        QCOMPARE(sizes(newest), (std::vector{300}));
    QCOMPARE(store->scorecards().value().size(), 4U);
}

void TestStore::scorecardsOfFormat5FindTheirQuestion()
{
    Place place;
    const Hash seed(std::string(64, 'a')), child(std::string(64, 'b')), older(std::string(64, 'c'));
    {
        const auto old = sqlite::Database::open(place.file(), sqlite::Database::Mode::Create).value();
        for (const Migration& migration : migrations())
            if (migration.to <= 5)
                QVERIFY(old->execute(migration.sql));
        std::string sql = fmt::format("INSERT INTO version VALUES ('{0}', NULL, '', '', '', 1, NULL, 0, 1, 'seed', NULL);"
                                      "INSERT INTO proposal VALUES (7, 1, 1, 'data', 'replay', '{0}', '[]', '', '', 'a', 0, 0, 'rejected', '', 0, NULL);",
                                      seed.hex);
        for (const auto& [k, created] : {std::pair(2, 1000), std::pair(4, 5000)})
            sql += fmt::format("INSERT INTO verdict VALUES (7, '{}', '{}', 'no-result', {}, 0.02, 0.5, 60, 400, 31, '', '[]', {}, 2);", child.hex, seed.hex, k, created);
        const auto card = [&](const char* proposal, const Hash& challenger, const Hash& champion, const char* suite, const char* split, int created) {
            sql += fmt::format("INSERT INTO scorecard VALUES ({}, '{}', '{}', '{}', '{}', 0, 100, 5, 3, 92, 0.2, 0.3, 0.1, 0, 0.2, 1, '[]', '{{}}', '[]', {}, 0, 'null', NULL, NULL);",
                               proposal, challenger.hex, champion.hex, suite, split, created);
        };
        card("7", child, seed, "addition-2", "gate", 999);             // of the first question; the second did not come so far
        card("7", child, seed, "addition-3", "gate", 4999);            // replaced by the second
        card("7", child, seed, "addition-3", "vault", 6000);
        card("7", child, older, "addition-3", "gate", 500);            // format 4 had one verdict a proposal
        card("NULL", {}, seed, "addition-3", "guide", 100);
        sql += fmt::format("PRAGMA application_id = {}; PRAGMA user_version = 5;", applicationId);
        QVERIFY(old->execute(sql.c_str()));
    }
    for (int i = 0; i < 2; ++i) {
        const auto store = place.open(Store::Mode::ReadWrite);
        QVERIFY2(store, store ? "" : store.error().text.c_str());
        std::vector<int> questions;
        const auto cards = (*store)->scorecards().value();
        for (const ScorecardRecord& card : cards) {
            QCOMPARE(card.items, 100);
            questions.push_back(card.k);
        }
        QCOMPARE(questions, (std::vector{2, 4, 0, 0, 0}));
        const auto newest = (*store)->scorecards({7}).value();
        QCOMPARE(newest.size(), 2U);
        QCOMPARE(newest[0].suite, std::string("addition-3"));
        QCOMPARE(newest[0].champion, seed);
        QCOMPARE(newest[1].split, std::string("vault"));
    }
}

// Found in a demo with placebos: of an identity placebo the champion is challenger, too.
void TestStore::aComparisonWithItselfIsNobodysEvidence()
{
    Place place;
    auto store = place.make();
    const VersionRecord seed = exampleVersion("seed"), child = exampleVersion("child", seed.hash);
    QVERIFY(store->add(seed) && store->add(child));
    ScorecardRecord card;
    card.suite = "addition-3";
    card.split = "gate";
    card.challenger = child.hash;
    card.champion = seed.hash;
    card.proposal = store->add(exampleProposal(seed.hash)).value();
    QVERIFY(store->add(card));
    card.champion = child.hash;
    card.proposal = store->add(exampleProposal(child.hash)).value();
    QVERIFY(store->add(card));
    QCOMPARE(store->scorecards().value().size(), 2U);
    QCOMPARE(store->scorecardsOf(child.hash).value().size(), 1U);
    QCOMPARE(store->scorecardsOf(child.hash).value().front().champion, seed.hash);
}

void TestStore::damageIsTold_data()
{
    QTest::addColumn<qint64>("offset");
    QTest::addColumn<int>("length");
    QTest::addRow("the first byte of the file") << qint64(0) << 1;
    QTest::addRow("the type of a table's root page") << qint64(4096) << 1;
    QTest::addRow("a torn page") << qint64(2 * 4096) << 4096;
    QTest::addRow("the file cut short") << qint64(-1) << 0;
    QTest::addRow("an empty file") << qint64(-2) << 0;
}

void TestStore::damageIsTold()
{
    QFETCH(qint64, offset);
    QFETCH(int, length);
    Place place;
    {
        auto store = place.make();
        QVERIFY(store->transaction(Store::Durable::No, [&]() -> Status {
            for (int i = 0; i < 500; ++i)
                RATCHET_CHECK(store->setMeta("key " + std::to_string(i), std::string(100, 'x')));
            return {};
        }));
    }
    if (offset < 0) {
        std::filesystem::resize_file(place.file(), offset == -1 ? 3 * 4096 + 100 : 0);
    } else {
        std::fstream file(place.file(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(offset);
        for (int i = 0; i < length; ++i)
            file.put('\x77');
    }
    const auto opened = place.open(Store::Mode::ReadWrite);
    QVERIFY(!opened);
    QCOMPARE(opened.error().code, Code::Damaged);
    QVERIFY(opened.error().text.find(place.file().string()) != std::string::npos);
    QVERIFY(opened.error().hint.find("backup") != std::string::npos);
}

void TestStore::newerAndForeignFilesAreLeftAlone()
{
    Place place;
    (void)place.make();
    const auto setHeader = [&](std::streamoff offset, unsigned char last) {   // big-endian numbers in the file's header
        std::fstream file(place.file(), std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(offset + 3);
        file.put(static_cast<char>(last));
    };
    setHeader(60, schemaVersion + 1);
    for (const auto mode : {Store::Mode::ReadWrite, Store::Mode::ReadOnly})
        QCOMPARE(place.open(mode).error().code, Code::Newer);
    setHeader(60, schemaVersion);
    QVERIFY(place.open(Store::Mode::ReadWrite));
    setHeader(68, 1);
    QCOMPARE(place.open(Store::Mode::ReadWrite).error().code, Code::BadInput);
    QCOMPARE(Store::create(place.file()).error().code, Code::Conflict);
    QCOMPARE(Store::open(place.file().string() + ".not", Store::Mode::ReadOnly).error().code, Code::NotFound);
}

void TestStore::fullDiskLosesNothing()
{
    Place place;
    (void)place.make();
    const pid_t child = fork();
    if (child == 0) {
        // A file-size limit answers a write as a full disk does.
        signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{600'000, 600'000};
        setrlimit(RLIMIT_FSIZE, &limit);
        auto store = place.open(Store::Mode::ReadWrite);
        if (!store)
            _exit(1);
        for (int i = 1; i < 10'000; ++i) {
            const Status done = (*store)->setMeta("key " + std::to_string(i), std::string(5000, 'x'));
            if (done)
                continue;
            const bool told = done.error().code == Code::Environment && done.error().text.find("full") != std::string::npos
                              && done.error().hint.find("nothing was lost") != std::string::npos;
            const bool kept = (*store)->meta("key " + std::to_string(i - 1)).value().has_value();
            _exit(told && kept && i > 20 ? 0 : 2);
        }
        _exit(3);
    }
    int status = 0;
    waitpid(child, &status, 0);
    QVERIFY(WIFEXITED(status));
    QCOMPARE(WEXITSTATUS(status), 0);
    const auto store = place.open(Store::Mode::ReadWrite);
    QVERIFY(store);
    QVERIFY((*store)->meta("key 20").value());
    QVERIFY((*store)->setMeta("after", 1));
}

QTEST_GUILESS_MAIN(TestStore)
#include "tst_store.moc"
