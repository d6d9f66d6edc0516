// SPDX-License-Identifier: GPL-3.0-or-later
// The engine against learners that lie, die and give up, against kills of its own, and against a person's requests. The
// learner is this program itself (player.h), so that a tooth takes a second instead of minutes.
#include "core/agent/examination.h"
#include "core/agent/promotion.h"
#include "core/agent/question.h"
#include "core/agent/summary.h"
#include "core/store/sqlite.h"
#include "tests/app/tiny_lab.h"

#include <QElapsedTimer>

#include <fcntl.h>
#include <fstream>
#include <set>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/wait.h>

using namespace ratchet;

namespace {

int count(const Store& store, TrialState state)
{
    const auto trials = store.trials().value();
    return static_cast<int>(std::count_if(trials.begin(), trials.end(), [&](const TrialRecord& trial) { return trial.state == state; }));
}

// Trains the seed model, lets the reversed format be proposed, judged and accepted, and waits for a person.
Hash waitingVersion(const TinyLab& lab)
{
    if (!lab.run(1) || !lab.proposeReversed())
        return {};
    const auto end = lab.run(1, "honest", std::nullopt);
    if (!end || *end != RunEnd::WaitingForPerson)
        return {};
    const auto store = lab.read();
    for (const ProposalRecord& proposal : taken(store->proposals()))
        if (proposal.state == ProposalState::Waiting)
            return store->trialOf(proposal.id).value()->version.value_or(Hash{});
    return {};
}

ProposalRecord byHand(const Store& store)
{
    const auto proposals = store.proposals().value();
    return *std::find_if(proposals.begin(), proposals.end(), [](const ProposalRecord& proposal) { return proposal.author == "person:ana"; });
}

// Of the items that the newest tooth asked of it.
std::int64_t questionOf(const Store& store, Id<ProposalRecord> proposal)
{
    return store.teeth().value().back().state.at("questions").at(std::to_string(proposal.value)).at("question");
}

// An engine in a process of its own, to be killed.
int engineProcess(const char* lab, const char* learner, int teeth)
{
    EngineOptions options;
    options.learner = learner;
    options.workers = 2;
    options.policy = acceptingPolicy();
    auto engine = Engine::open(lab, options);
    if (!engine)
        return 3;
    return (*engine)->run({.teeth = teeth, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}) ? 0 : 1;
}

pid_t startEngine(const TinyLab& lab, int teeth)
{
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string(), learner = lab.learner("slow").string();
    const std::string words[] = {self, "engine", lab.root().string(), learner, std::to_string(teeth)};
    std::vector<char*> arguments;
    for (const std::string& word : words)
        arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t pid = 0;
    return ::posix_spawn(&pid, self.c_str(), nullptr, nullptr, arguments.data(), environ) == 0 ? pid : 0;
}

// Exit status, or -1 when a signal ended it.
int waitFor(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int finishedTeeth(const TinyLab& lab)
{
    const auto store = lab.read();
    const auto teeth = store->teeth().value();
    return static_cast<int>(std::count_if(teeth.begin(), teeth.end(), [](const ToothRecord& tooth) { return tooth.stage == "done"; }));
}

} // namespace

class TestEngine : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void aToothSettlesEveryProposal();
    void theSameSeedTurnsTheSame();
    void aBadWorkerCostsOneTrial_data();
    void aBadWorkerCostsOneTrial();
    void aBadJudgeNeverPasses_data();
    void aBadJudgeNeverPasses();
    void aJudgeThatDiesHalfWayLeavesWhatItDrew();
    void whoIsTriedAgainIsAskedOtherItems();
    void whatIsOnlyShownDecidesNothing_data();
    void whatIsOnlyShownDecidesNothing();
    void killedAtAnyMomentItComesToTheSame();
    void stoppedItGoesOn();
    void stoppedWhileAJudgeDecidesNothingIsDecided_data();
    void stoppedWhileAJudgeDecidesNothingIsDecided();
    void whileAJudgeDecidesOthersAreHeard();
    void everyRequestHasItsAnswer();
    void aRequestLeftByAKilledEngineIsNotCarriedOutTwice();
    void feedbackIsStoredOnceWhateverIsKilled();
    void onlyAPersonWithAReasonApproves();
    void rollsBackAndForward();
    void whatWaitsIsSupersededByARollback();
    void refusesPatches_data();
    void refusesPatches();
    void feedbackReachesTheNextTrial();
    void whatTheGateMayAskIsNotTrainedOn();
    void anExchangedSecretGivesNoResult();
    void whatWasTrainedIsNotPaidTwice();
    void aSecondEngineIsTurnedAway();
    void refusesALab_data();
    void refusesALab();
    void anUnfitLearnerEndsTheRun_data();
    void anUnfitLearnerEndsTheRun();
    void aFullDiskLosesNothing();
    void theBudgetIsKept();
};

void TestEngine::aToothSettlesEveryProposal()
{
    const TinyLab lab(3);
    const auto end = lab.run(2);
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    QVERIFY(*end == RunEnd::Teeth);
    const auto store = lab.read();
    for (const ProposalRecord& p : taken(store->proposals()))
        QVERIFY2(p.state != ProposalState::Queued && p.state != ProposalState::Running && p.state != ProposalState::Trained
                     && p.state != ProposalState::Waiting && p.state != ProposalState::Failed, p.stateReason.c_str());
    QCOMPARE(count(*store, TrialState::Trained), static_cast<int>(store->trials().value().size()));
    QCOMPARE(store->trials().value().size(), 7U);                     // the seed model and two teeth of three
    QCOMPARE(store->verdicts().value().size(), 6U);
    QVERIFY(!store->lessons().value().empty());
    QVERIFY(store->spent().value().value <= 7 * 4e9);
    QVERIFY(lab.isWhole());
    for (const auto& entry : std::filesystem::directory_iterator(lab.paths().work()))
        QVERIFY2(!entry.path().filename().string().starts_with("trial-"), entry.path().c_str());   // scratch is tidied
}

void TestEngine::theSameSeedTurnsTheSame()
{
    const TinyLab one(3), two(3);
    QVERIFY(one.run(2));
    QVERIFY(two.run(1));
    QVERIFY(two.run(1));                                              // in two runs instead of one
    QVERIFY(one.account() == two.account());
    QVERIFY(one.account().versions.size() >= 6U);
}

void TestEngine::aBadWorkerCostsOneTrial_data()
{
    QTest::addColumn<QString>("fault");
    QTest::addColumn<QString>("said");
    QTest::addRow("it is killed") << "dies" << "killed by signal 9";
    QTest::addRow("it reports a loss that is no number") << "NaN" << "nonsense";
    QTest::addRow("it prints where it should speak") << "nonsense" << "nonsense";
    QTest::addRow("it overruns its budget") << "overspends" << "overran its budget";
    QTest::addRow("it claims to have spent more than there is") << "claims the universe" << "overran its budget";
    QTest::addRow("its tokens cost more than it claims") << "claims to be cheap" << "claimed";
    QTest::addRow("its steps hold more tokens than it claims") << "claims few tokens" << "for 5 steps that hold";
    QTest::addRow("its sequences are longer than its model") << "impossible length" << "sequences of 1000000";
    QTest::addRow("its curve goes back") << "goes back" << "does not ascend";
    QTest::addRow("its curve is infinite") << "infinite curve" << "";
    QTest::addRow("it sends scores of its own") << "judges itself" << "none of its business";
    QTest::addRow("it gives up") << "gives up" << "The disk is full, says the worker.";
    QTest::addRow("it leaves before the end") << "leaves early" << "without a result";
    QTest::addRow("it forgets to write its weights") << "forgotten weights" << "";
    QTest::addRow("its weights hold no tensor") << "no weights" << "";
    QTest::addRow("its weights are infinite") << "infinite weights" << "";
}

void TestEngine::aBadWorkerCostsOneTrial()
{
    QFETCH(QString, fault);
    QFETCH(QString, said);
    const TinyLab lab;
    const auto end = lab.run(1, fault.toStdString());
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    const auto store = lab.read();
    QCOMPARE(count(*store, TrialState::Failed), 1);
    QCOMPARE(count(*store, TrialState::Trained), 2);                  // the seed model and the other proposal
    const TrialRecord bad = store->trial({2}).value().value();
    QVERIFY2(bad.state == TrialState::Failed && QString::fromStdString(bad.failure).contains(said), bad.failure.c_str());
    QVERIFY(!bad.version);
    QVERIFY(bad.spent.value <= bad.budget.value * 1.05);
    const ProposalRecord proposal = store->proposal(bad.proposal).value().value();
    QCOMPARE(proposal.state, ProposalState::Failed);
    QCOMPARE(proposal.stateReason, bad.failure);
    QCOMPARE(store->verdicts().value().size(), 1U);                   // the honest one was judged all the same
    QVERIFY(lab.isWhole());
}

void TestEngine::aBadJudgeNeverPasses_data()
{
    QTest::addColumn<QString>("fault");
    for (const char* fault : {"judge dies", "judge leaves", "judge ends badly", "judge skips integrity", "judge finds a fault",
                              "judge reads others", "judge forgets items", "judge says NaN", "judge exaggerates", "judge shows the exam",
                              "judge answers otherwise"})
        QTest::addRow("the %s", fault) << fault;
}

void TestEngine::aBadJudgeNeverPasses()
{
    QFETCH(QString, fault);
    const TinyLab lab;
    QVERIFY(lab.run(1));
    QVERIFY(lab.proposeReversed());                                   // would be accepted by an honest judge
    const auto before = lab.read()->deployments().value().size();
    const auto end = lab.run(1, fault.toStdString());
    const auto store = lab.read();
    bool judged = false;
    for (const ProposalRecord& proposal : taken(store->proposals())) {
        const auto verdict = store->verdict(proposal.id).value();
        if (proposal.tooth != 2 || !verdict)
            continue;
        judged = true;
        QVERIFY(verdict->verdict == Verdict::NoResult || (fault == "judge finds a fault" && verdict->verdict == Verdict::Reject));
        QVERIFY(!verdict->reason.empty());
        QVERIFY(proposal.state == ProposalState::Failed || proposal.state == ProposalState::Rejected);
    }
    QVERIFY(judged);
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    QCOMPARE(store->deployments().value().size(), before);
    QVERIFY(lab.isWhole());
    // An honest judge is asked again on request, and what was trained is not trained again.
    const double spent = store->spent().value().value;
    for (const ProposalRecord& proposal : taken(store->proposals()))
        if (proposal.author == "person:ana" && proposal.state == ProposalState::Failed)
            QVERIFY(lab.ask("retry", {{"proposal", proposal.id.value}}));
    QVERIFY(lab.run(1));
    if (fault != "judge finds a fault") {
        const auto after = lab.read();
        QCOMPARE(after->deployments().value().size(), before + 1);
        const auto version = after->version(after->live().value()->version).value();
        const auto proposal = after->trial(*version->trial).value()->proposal;
        std::vector<VerdictRecord> asked = after->verdicts().value();
        std::erase_if(asked, [&](const VerdictRecord& verdict) { return verdict.proposal != proposal; });
        QCOMPARE(asked.size(), 2U);                                   // what the first question cost is not forgotten
        QVERIFY(asked[0].verdict == Verdict::NoResult && asked[1].verdict == Verdict::Accept && asked[0].k < asked[1].k);
        QVERIFY(asked[0].alpha > 0 && asked[1].looks > 0);
        QVERIFY(lab.read()->spent().value().value <= spent + 4.001e9);
    }
}

void TestEngine::aJudgeThatDiesHalfWayLeavesWhatItDrew()
{
    const TinyLab lab;
    QVERIFY(lab.run(1));
    QVERIFY(lab.proposeReversed());
    const Id<ProposalRecord> proposal = byHand(*lab.read()).id;
    std::set<std::int64_t> questions;
    std::vector<VerdictRecord> verdicts;
    std::optional<ScorecardRecord> partial;
    for (const auto& [fault, pairs] : {std::pair("judge dies half way", true), std::pair("judge dies", false), std::pair("honest", true)}) {
        QVERIFY(verdicts.empty() || lab.ask("retry", {{"proposal", proposal.value}}));
        QVERIFY(lab.run(1, fault));
        const auto store = lab.read();
        verdicts.push_back(store->verdict(proposal).value().value());
        QCOMPARE(verdicts.back().pairs > 0, pairs);
        questions.insert(questionOf(*store, proposal));
        const Hash version = store->trialOf(proposal).value()->version.value();
        // Whoever asks for one figure is told that of the newest question, or none when its judge died at once.
        std::optional<ScorecardRecord> target;
        for (const ScorecardRecord& card : taken(store->scorecards(proposal)))
            if (card.split == "gate" && card.suite == "addition-3")
                target = card;
        QCOMPARE(target.has_value(), pairs);
        const auto context = Context::look(lab.paths()).value();
        const LessonEvidence lesson = lessonEvidence(*context, *store->proposal(proposal).value()).value();
        QCOMPARE(lesson.failed, verdicts.back().verdict == Verdict::NoResult);      // no measurement, whatever was drawn
        const Evidence evidence = evidenceOf(*context, version).value();
        QVERIFY(pairs || evidence.scorecards.empty());
        const auto suites = examinationOf(*store, version).value();
        QCOMPARE(std::any_of(suites.begin(), suites.end(), [](const SuiteResult& suite) { return suite.split == "gate"; }), pairs);
        const Summary summary = summarise(*store, context->config).value();
        const auto row = std::find_if(summary.tried.begin(), summary.tried.end(), [&](const TriedRow& one) { return one.proposal == proposal; });
        QCOMPARE(row->measured.has_value(), pairs);
        QCOMPARE(row->earlier.size(), verdicts.size() - 1);
        // And all that was drawn stays.
        const auto judgings = judgingsOf(*store, version).value();
        QCOMPARE(judgings.size(), verdicts.size());
        for (std::size_t i = 0; i < judgings.size(); ++i)
            QVERIFY(judgings[i].verdict.k == verdicts[i].k && judgings[i].verdict.pairs == verdicts[i].pairs && judgings[i].suites.empty() == (verdicts[i].pairs == 0));
        if (!pairs)
            continue;
        QCOMPARE(target->k, verdicts.back().k);
        QCOMPARE(target->items, verdicts.back().pairs);
        QVERIFY((lesson.failed || lesson.gain == target->difference) && row->measured->difference == target->difference);
        if (!partial)
            partial = target;
        const auto first = store->scorecards(proposal, verdicts.front().k).value();
        QCOMPARE(first.size(), 1U);                                   // it never came to the retained suite
        QVERIFY(first[0].items == partial->items && first[0].wins == partial->wins && first[0].path == partial->path);
    }
    QCOMPARE(verdicts.back().verdict, Verdict::Accept);
    QCOMPARE(questions.size(), 3U);                                   // none is drawn twice
    QVERIFY(lab.isWhole());
}

void TestEngine::whoIsTriedAgainIsAskedOtherItems()
{
    const TinyLab lab;
    QVERIFY(lab.run(1));
    QVERIFY(lab.proposeReversed());
    QVERIFY(lab.run(1, "judge dies"));
    const ProposalRecord proposal = byHand(*lab.read());
    const VerdictRecord verdict = lab.read()->verdict(proposal.id).value().value();
    const std::int64_t before = questionOf(*lab.read(), proposal.id);
    // As in a lab where one was given up before it: its question was the k - 1st, and the k it was laid down for is free again.
    {
        const auto database = sqlite::Database::open(lab.paths().database(), sqlite::Database::Mode::ReadWrite).value();
        QVERIFY(database->execute(fmt::format("DELETE FROM verdict WHERE k >= {0} - 1 AND proposal <> {1}; UPDATE verdict SET k = k - 1 WHERE proposal = {1}",
                                              verdict.k, proposal.id.value).c_str()));
    }
    QVERIFY(lab.ask("retry", {{"proposal", proposal.id.value}}));
    QVERIFY(lab.run(1));
    const auto store = lab.read();
    QCOMPARE(store->verdict(proposal.id).value()->k, verdict.k);
    QVERIFY(questionOf(*store, proposal.id) != before);
}

void TestEngine::whatIsOnlyShownDecidesNothing_data()
{
    QTest::addColumn<QString>("fault");
    QTest::addColumn<bool>("accepted");
    QTest::addRow("a judge that dies at a probe") << "judge dies at a probe" << true;
    QTest::addRow("a judge that finds its files changed at a probe") << "judge finds its files changed at a probe" << false;
}

void TestEngine::whatIsOnlyShownDecidesNothing()
{
    QFETCH(QString, fault);
    QFETCH(bool, accepted);
    const TinyLab lab;
    QVERIFY(lab.run(1));
    QVERIFY(lab.proposeReversed());
    QVERIFY(lab.run(1, fault.toStdString(), std::nullopt));
    const auto store = lab.read();
    for (const ProposalRecord& proposal : taken(store->proposals())) {
        if (proposal.author != "person:ana")
            continue;
        const VerdictRecord verdict = store->verdict(proposal.id).value().value();
        QCOMPARE(verdict.verdict, accepted ? Verdict::Accept : Verdict::NoResult);
        QCOMPARE(proposal.state, accepted ? ProposalState::Waiting : ProposalState::Failed);
        QVERIFY2(!accepted || verdict.reason.find("not all answered: ") != std::string::npos, verdict.reason.c_str());
        const auto cards = store->scorecards(proposal.id).value();
        QVERIFY(std::any_of(cards.begin(), cards.end(), [](const ScorecardRecord& card) { return card.split == "gate"; }));
        QVERIFY(std::none_of(cards.begin(), cards.end(), [](const ScorecardRecord& card) { return card.split == "guide"; }));
    }
    QVERIFY(lab.isWhole());
}

void TestEngine::killedAtAnyMomentItComesToTheSame()
{
    constexpr int teeth = 3;
    const TinyLab whole(3), killed(3);
    QVERIFY(whole.proposeReversed().has_value() == false);            // nothing is live yet: there is nothing to patch
    QCOMPARE(waitFor(startEngine(whole, teeth)), 0);
    Rng rng(20);
    int kills = 0;
    for (int run = 0; run < 200 && finishedTeeth(killed) < teeth; ++run) {
        const pid_t pid = startEngine(killed, teeth - finishedTeeth(killed));
        QVERIFY(pid > 0);
        std::this_thread::sleep_for(std::chrono::milliseconds(100 + 100 * run / 4 + static_cast<int>(rng.below(400))));
        kills += ::kill(pid, SIGKILL) == 0;
        waitFor(pid);
        const auto check = verifyLedger(*killed.read(), killed.paths());
        QVERIFY2(check && check->ok, check ? check->fault.c_str() : check.error().text.c_str());     // no false alarm
    }
    QVERIFY(kills > 3);
    QCOMPARE(waitFor(startEngine(killed, 1)), 0);                     // one tooth more for both
    QCOMPARE(waitFor(startEngine(whole, 1)), 0);
    const Account expected = whole.account(), got = killed.account();
    QCOMPARE(got.proposals, expected.proposals);
    QCOMPARE(got.versions, expected.versions);
    QCOMPARE(got.verdicts, expected.verdicts);
    QCOMPARE(got.deployments, expected.deployments);
    QCOMPARE(got.spent, expected.spent);
    QVERIFY(killed.isWhole());
}

void TestEngine::stoppedItGoesOn()
{
    const TinyLab lab(3), other(3);
    {
        auto engine = lab.open("very slow").value();      // seen running by a watcher that looks four times a second
        std::stop_source source;
        const auto end = engine->run({.teeth = 2, .untilGoal = false, .time = {}, .waitForDecisions = false}, source.get_token(),
                                     [&](const EngineStatus& status) {
                                         if (status.tooth == 1 && !status.running.empty())
                                             source.request_stop();
                                     });
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        QVERIFY(*end == RunEnd::Stopped);
        QCOMPARE(count(*lab.read(), TrialState::Failed), 0);
        QCOMPARE(count(*lab.read(), TrialState::Cancelled), 0);
    }
    QVERIFY(lab.run(1));
    QVERIFY(other.run(1));
    QVERIFY(lab.account() == other.account());
}

void TestEngine::stoppedWhileAJudgeDecidesNothingIsDecided_data()
{
    QTest::addColumn<QString>("who");
    QTest::addColumn<bool>("bySignal");
    for (const char* who : {"a policy approves", "a person approves", "a person rolls back"}) {
        QTest::addRow("%s, stopped by a signal", who) << who << true;
        QTest::addRow("%s, stopped by a request", who) << who << false;
    }
}

void TestEngine::stoppedWhileAJudgeDecidesNothingIsDecided()
{
    QFETCH(QString, who);
    QFETCH(bool, bySignal);
    const TinyLab lab;
    const Hash version = waitingVersion(lab);
    QVERIFY(version.isSet());
    const Hash first = lab.read()->live().value()->version;
    const bool rollsBack = who.contains("rolls back"), byPolicy = who.contains("policy");
    if (rollsBack)
        QVERIFY(lab.ask("approve", {{"version", version.hex}, {"reason", "It carries now."}}, "person:ben"));
    const Account before = lab.account();
    const auto cards = lab.read()->scorecards().value().size(), decisions = lab.read()->decisions().value().size();
    const auto policy = byPolicy ? std::optional(acceptingPolicy()) : std::nullopt;
    const Request wish{rollsBack ? "rollback" : "approve", "person:ben", {{"version", (rollsBack ? first : version).hex}, {"reason", "A test."}}, now()};
    {
        auto engine = lab.open(rollsBack ? "quick check hangs" : "vault hangs", policy).value();
        if (!byPolicy)
            engine->post(wish);
        std::stop_source source;
        const auto end = engine->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = true}, source.get_token(), [&](const EngineStatus& status) {
            for (const auto& running : status.running)
                if (running.title == "vault" || running.title == "quick check")
                    bySignal ? void(source.request_stop()) : void(putRequest(lab.paths(), {"stop", "person:ana", Json::object(), now()}));
        });
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        QVERIFY(*end == RunEnd::Stopped);
    }
    QVERIFY(lab.account() == before);
    QCOMPARE(lab.read()->scorecards().value().size(), cards);
    QCOMPARE(lab.read()->decisions().value().size(), decisions);
    QVERIFY(!lab.read()->answer(wish.id).value());
    QVERIFY(lab.isWhole());
    // The next run asks again.
    const auto end = lab.run(1, "honest", policy);
    QVERIFY2(end, end ? "" : end.error().text.c_str());
    const auto deployments = lab.read()->deployments().value();
    QVERIFY(std::any_of(deployments.begin() + static_cast<std::ptrdiff_t>(before.deployments.size()), deployments.end(),
                        [&](const DeploymentRecord& d) { return d.version == (rollsBack ? first : version); }));
    if (!byPolicy)
        QVERIFY(lab.read()->answer(wish.id).value()->ok);
    QVERIFY(lab.isWhole());
}

void TestEngine::whileAJudgeDecidesOthersAreHeard()
{
    const TinyLab lab;
    const Hash version = waitingVersion(lab);
    QVERIFY(version.isSet());
    auto engine = lab.open("vault hangs").value();
    const Request feedback{"feedback", "user:server", {{"prompt", "1+2="}, {"completion", "4"}, {"correction", "3"}}, now()};
    const Request reject{"reject", "person:ben", {{"version", version.hex}, {"reason", "Too late."}}, now()};
    std::stop_source source;
    bool asked = false;
    const auto end = engine->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false}, source.get_token(), [&](const EngineStatus& status) {
        if (status.running.empty() || status.running.front().title != "vault")
            return;
        if (!std::exchange(asked, true)) {
            engine->post(reject);                                      // another decision has to wait
            engine->post(feedback);
            static_cast<void>(putRequest(lab.paths(), {"pause", "person:ana", Json::object(), now()}));
        } else if (lab.read()->answer(feedback.id).value()) {
            source.request_stop();
        }
    });
    QVERIFY(asked && end && *end == RunEnd::Stopped);
    QCOMPARE(lab.read()->outcomes(10).value().size(), 1U);
    QVERIFY(!lab.read()->answer(reject.id).value());
    engine.reset();
    QVERIFY(lab.run(1, "honest", std::nullopt));                      // it was kept
    QVERIFY(lab.read()->answer(reject.id).value()->ok);
    QVERIFY(lab.isWhole());
}

void TestEngine::everyRequestHasItsAnswer()
{
    const TinyLab lab;
    QVERIFY(lab.run(1));
    const std::vector<Request> requests{{"approve", "person:ben", {{"version", "00000000"}, {"reason", "?"}}, now()},
                                        {"cancel", "person:ben", {{"proposal", 999}}, now()},
                                        {"feedback", "user:server", {{"prompt", "1+2="}, {"completion", "4"}}, now()},
                                        {"rollback", "person:ben", {{"version", lab.read()->live().value()->version.hex}, {"reason", "Why not."}}, now()}};
    for (const Request& request : requests)
        QVERIFY(putRequest(lab.paths(), request));
    QVERIFY(lab.run(1));
    const auto store = lab.read();
    const auto answerTo = [&](std::size_t i) { return store->answer(requests[i].id).value().value(); };
    QVERIFY(!answerTo(0).ok && answerTo(0).code == Code::NotFound && answerTo(0).text.find("00000000") != std::string::npos);
    QVERIFY(!answerTo(1).ok && answerTo(1).text.find("999") != std::string::npos && !answerTo(1).hint.empty());
    QVERIFY(answerTo(2).ok);
    QVERIFY(!answerTo(3).ok && answerTo(3).code == Code::Refused && answerTo(3).text.find("live already") != std::string::npos);
    QVERIFY(!store->answer("nobody's").value());
}

void TestEngine::aRequestLeftByAKilledEngineIsNotCarriedOutTwice()
{
    const TinyLab lab;
    QVERIFY(lab.run(1));
    const Request feedback{"feedback", "user:server", {{"prompt", "1+2="}, {"completion", "4"}, {"correction", "3"}}, now()};
    QVERIFY(putRequest(lab.paths(), feedback));
    std::filesystem::path file;
    for (const auto& entry : std::filesystem::directory_iterator(lab.paths().requests()))
        file = entry.path();
    const std::string content = readFile(file).value();
    QVERIFY(lab.proposeReversed());                                   // takes what waits, too
    QCOMPARE(lab.read()->outcomes(10).value().size(), 1U);
    QVERIFY(!std::filesystem::exists(file));
    const auto entries = lab.read()->ledger().value().size();
    QVERIFY(writeFile(file, content, 0600));                          // as if the engine had been killed before it removed it
    QVERIFY(lab.ask("feedback", {{"prompt", "2+2="}, {"completion", "4"}}));
    QCOMPARE(lab.read()->outcomes(10).value().size(), 2U);
    QCOMPARE(lab.read()->ledger().value().size(), entries + 1);
    QVERIFY(!std::filesystem::exists(file));
}

void TestEngine::feedbackIsStoredOnceWhateverIsKilled()
{
    constexpr int given = 60;
    const TinyLab lab;
    QVERIFY(lab.run(1));
    for (int i = 0; i < given; ++i)
        QVERIFY(putRequest(lab.paths(), {"feedback", "user:server", {{"prompt", fmt::format("{}+1=", i)}, {"completion", "0"}}, now()}));
    const auto waiting = [&] {
        const std::filesystem::directory_iterator folder(lab.paths().requests());
        return std::count_if(begin(folder), end(folder), [](const auto& entry) { return entry.is_regular_file(); });
    };
    Rng rng(3);
    int kills = 0;
    for (int run = 0; run < 4 * given && waiting() > 0; ++run) {      // each carries out at least one, unless the machine is slow
        const auto before = waiting();
        const pid_t pid = startEngine(lab, 1);
        while (waiting() == before && ::kill(pid, 0) == 0 && ::waitpid(pid, nullptr, WNOHANG) == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        std::this_thread::sleep_for(std::chrono::microseconds(rng.below(8000)));
        kills += ::kill(pid, SIGKILL) == 0;
        waitFor(pid);
        const auto check = verifyLedger(*lab.read(), lab.paths());
        QVERIFY2(check && check->ok, check ? check->fault.c_str() : check.error().text.c_str());
    }
    QVERIFY(kills > 1);
    QCOMPARE(waiting(), 0);
    const auto store = lab.read();
    QCOMPARE(store->outcomes(1000).value().size(), static_cast<std::size_t>(given));
    std::set<std::string> prompts;
    for (const OutcomeRecord& outcome : taken(store->outcomes(1000)))
        prompts.insert(outcome.prompt);
    QCOMPARE(prompts.size(), static_cast<std::size_t>(given));
    QVERIFY(lab.isWhole());
}

void TestEngine::onlyAPersonWithAReasonApproves()
{
    const TinyLab lab;
    const Hash version = waitingVersion(lab);
    QVERIFY(version.isSet());
    const auto refused = [&](const Json& extra, const std::string& actor) {
        Json arguments{{"version", version.hex}, {"reason", "It carries now."}};
        arguments.update(extra);
        const Status asked = lab.ask("approve", arguments, actor);
        return !asked && asked.error().code == Code::Refused && lab.read()->live().value()->version != version;
    };
    QVERIFY(refused({{"reason", ""}}, "person:ben"));
    QVERIFY(refused({{"reason", "  "}}, "person:ben"));
    QVERIFY(refused(Json::object(), "person:ana"));                   // wrote the proposal
    QVERIFY(refused(Json::object(), "engine"));
    QVERIFY(refused(Json::object(), "improver:0"));
    QVERIFY(refused({{"binding", std::string(64, '0')}}, "person:ben"));
    const Status unknown = lab.ask("approve", {{"version", "00000000"}, {"reason", "?"}}, "person:ben");
    QVERIFY(!unknown && unknown.error().code == Code::NotFound);
    QVERIFY(lab.read()->decisions().value().empty() || lab.read()->decisions().value().back().version != version);

    QVERIFY(lab.ask("more-evidence", {{"version", version.hex}, {"reason", "Let me think."}}, "person:ben"));
    QVERIFY(lab.ask("approve", {{"version", version.hex}, {"reason", "It carries now."}}, "person:ben"));
    const auto store = lab.read();
    QCOMPARE(store->live().value()->version, version);
    QCOMPARE(store->live().value()->actor, std::string("person:ben"));
    QCOMPARE(store->decisions().value().back().reason, std::string("It carries now."));
    const auto cards = store->scorecardsOf(version).value();
    QVERIFY(std::any_of(cards.begin(), cards.end(), [](const ScorecardRecord& card) { return card.split == "vault" && card.items > 0; }));
    QVERIFY(!lab.ask("approve", {{"version", version.hex}, {"reason", "Again."}}, "person:ben"));
    QVERIFY(!lab.ask("reject", {{"version", version.hex}, {"reason", "No."}}, "person:ben"));
    QVERIFY(lab.isWhole());
    const auto end = lab.run(1, "honest", std::nullopt);
    QVERIFY(end && *end != RunEnd::Stopped);
}

void TestEngine::rollsBackAndForward()
{
    const TinyLab lab;
    const Hash version = waitingVersion(lab);
    QVERIFY(version.isSet());
    const Hash first = lab.read()->live().value()->version;
    QVERIFY(!lab.ask("rollback", {{"version", version.hex}, {"reason", "Never was live."}}, "person:ben"));
    QVERIFY(!lab.ask("rollback", {{"version", first.hex}, {"reason", "Is live."}}, "person:ben"));
    QVERIFY(lab.ask("approve", {{"version", version.hex}, {"reason", "It carries now."}}, "person:ben"));
    QVERIFY(!lab.ask("rollback", {{"version", first.hex}, {"reason", ""}}, "person:ben"));
    QVERIFY(lab.ask("rollback", {{"version", first.hex}, {"reason", "Users complain."}}, "person:ben"));
    QCOMPARE(lab.read()->live().value()->version, first);
    QVERIFY(lab.ask("rollback", {{"version", version.hex}, {"reason", "They were wrong."}}, "person:ben"));
    const auto deployments = lab.read()->deployments().value();
    QCOMPARE(deployments.back().version, version);
    QCOMPARE(deployments.back().kind, DeploymentKind::Rollback);
    QCOMPARE(deployments.back().previous.value(), first);
    QVERIFY(lab.isWhole());
    const std::string exchange = fmt::format("sqlite3 '{}' \"UPDATE version SET tokenizer = genome WHERE hash = '{}'\"", lab.paths().database().string(), first.hex);
    if (std::system(exchange.c_str()) != 0)
        QSKIP("sqlite3 is not installed");
    const Status exchanged = lab.ask("rollback", {{"version", first.hex}, {"reason", "Back again."}}, "person:ben");
    QVERIFY(!exchanged);
    QVERIFY2(exchanged.error().text.find("is not what its name says") != std::string::npos, exchanged.error().text.c_str());
    QCOMPARE(lab.read()->live().value()->version, version);
}

void TestEngine::whatWaitsIsSupersededByARollback()
{
    const TinyLab lab;
    const Hash version = waitingVersion(lab);
    QVERIFY(version.isSet());
    QVERIFY(lab.ask("approve", {{"version", version.hex}, {"reason", "It carries now."}}, "person:ben"));
    QVERIFY(lab.ask("rollback", {{"version", lab.read()->deployments().value().front().version.hex}, {"reason", "Test."}}, "person:ben"));
    // Promoted once, and the champion is its old rival again: a verdict against it holds, so it may be approved again.
    QVERIFY(lab.ask("approve", {{"version", version.hex}, {"reason", "Now really."}}, "person:ben"));
    QCOMPARE(lab.read()->live().value()->version, version);
    QVERIFY(lab.isWhole());
}

void TestEngine::refusesPatches_data()
{
    QTest::addColumn<QString>("patch");
    const auto row = [](const char* name, const char* patch) { QTest::addRow("%s", name) << patch; };
    row("of a path that the person did not open", R"([{"op": "replace", "path": "/architecture/context", "value": 32}])");
    row("beyond a bound", R"([{"op": "replace", "path": "/recipe/learningRate", "value": 5}])");
    row("with a value that is no choice", R"([{"op": "replace", "path": "/recipe/batch", "value": 33}])");
    row("into a model that cannot be", R"([{"op": "replace", "path": "/architecture/heads", "value": 3}])");
    row("with a word for a number", R"([{"op": "replace", "path": "/architecture/layers", "value": "two"}])");
    row("of a path that is not there", R"([{"op": "replace", "path": "/recipe/luck", "value": 1}])");
    row("that adds a path", R"([{"op": "add", "path": "/recipe/luck", "value": 1}])");
    row("that removes the recipe", R"([{"op": "remove", "path": "/recipe"}])");
    row("with an operation of its own", R"([{"op": "explode", "path": "/recipe"}])");
    row("that is no list", R"({"op": "replace"})");
    row("that changes nothing", R"([{"op": "test", "path": "/recipe/batch", "value": 128}])");
    row("that is empty", R"([])");
}

void TestEngine::refusesPatches()
{
    static const TinyLab lab(1);
    if (!lab.read()->live().value())
        QVERIFY(lab.run(1));
    QFETCH(QString, patch);
    const auto before = lab.read()->proposals().value().size();
    const Status asked = lab.ask("propose", {{"patch", Json::parse(patch.toStdString())}, {"reason", "A test."}});
    QVERIFY(!asked);
    QCOMPARE(asked.error().code, Code::Refused);
    QVERIFY(asked.error().text.ends_with('.'));
    QCOMPARE(lab.read()->proposals().value().size(), before);
}

void TestEngine::feedbackReachesTheNextTrial()
{
    const TinyLab lab;
    QVERIFY(lab.run(1));
    const std::string live = lab.read()->live().value()->version.hex;
    for (int i = 0; i < 8; ++i)
        QVERIFY(lab.ask("feedback", {{"version", live}, {"prompt", fmt::format("{}+45=", 100 + i)}, {"completion", "7"},
                                     {"correction", std::to_string(145 + i)}, {"rating", -1}}, "user:server"));
    QVERIFY(lab.ask("feedback", {{"version", live}, {"prompt", "What is love?"}, {"completion", "7"}, {"correction", "Baby"}, {"rating", -1}}, "user:server"));
    QCOMPARE(lab.read()->outcomes(100).value().size(), 9U);
    QVERIFY(lab.run(1));
    const VersionRecord last = lab.read()->versions().value().back();
    const auto weights = readWeights(ObjectStore(lab.paths().objects()).path(last.weights)).value();
    const Json told = Json::parse(weights.metadata.at("feedback"));
    QVERIFY2(!told.empty() && told.size() < 8U, told.dump().c_str());     // a half is trained on, the other judged by
    for (const Json& item : told)
        QCOMPARE(std::stoi(item["answer"].get<std::string>()), std::stoi(item["question"]["a"].get<std::string>()) + 45);
    QVERIFY(std::stoi(weights.metadata.at("replay")) > 0);                // and the champion's failures are replayed
}

void TestEngine::whatTheGateMayAskIsNotTrainedOn()
{
    const TinyLab lab(1);
    QVERIFY(lab.run(1));
    const std::string live = lab.read()->live().value()->version.hex;
    const auto domain = loadDomain("arithmetic").value();
    Rng rng(1);
    for (int i = 0; i < 8; ++i) {
        const Item item = domain->draw("addition-3", i % 2 == 0 ? Split::Gate : Split::Vault, rng);
        QVERIFY(lab.ask("feedback", {{"version", live}, {"prompt", domain->example(item, {}).prompt}, {"completion", "7"}, {"correction", "8"},
                                     {"rating", -1}}, "user:server"));
    }
    QVERIFY(lab.run(1));
    const auto weights = readWeights(ObjectStore(lab.paths().objects()).path(lab.read()->versions().value().back().weights)).value();
    QCOMPARE(weights.metadata.at("feedback"), std::string("[]"));
}

void TestEngine::anExchangedSecretGivesNoResult()
{
    const TinyLab lab;
    QVERIFY(lab.run(1));
    QVERIFY(lab.proposeReversed());                                   // would be accepted
    const auto before = lab.read()->deployments().value().size();
    const std::string secret = readFile(lab.paths().judge() / "secret").value();
    QVERIFY(writeFile(lab.paths().judge() / "secret", std::string(64, 'a'), 0600));
    QVERIFY(lab.run(1));
    QCOMPARE(lab.read()->deployments().value().size(), before);
    for (const VerdictRecord& verdict : taken(lab.read()->verdicts()))
        if (lab.read()->proposal(verdict.proposal).value()->tooth == 2)
            QVERIFY2(verdict.verdict == Verdict::NoResult && verdict.reason.find("judged by before") != std::string::npos, verdict.reason.c_str());
    QVERIFY(writeFile(lab.paths().judge() / "secret", secret, 0600));
    for (const ProposalRecord& proposal : taken(lab.read()->proposals()))
        if (proposal.author == "person:ana")
            QVERIFY(lab.ask("retry", {{"proposal", proposal.id.value}}));
    QVERIFY(lab.run(1));
    QCOMPARE(lab.read()->deployments().value().size(), before + 1);
}

void TestEngine::whatWasTrainedIsNotPaidTwice()
{
    const TinyLab lab(1);
    QVERIFY(lab.run(1));
    QVERIFY(lab.proposeReversed());
    Id<ProposalRecord> mine;
    for (const ProposalRecord& proposal : taken(lab.read()->proposals()))
        if (proposal.author == "person:ana")
            mine = proposal.id;
    {
        auto engine = lab.open("very slow").value();      // seen running by a watcher that looks four times a second
        bool cancelled = false;
        const auto end = engine->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}, [&](const EngineStatus& status) {
            for (const auto& running : status.running)
                if (running.proposal == mine && !cancelled) {
                    cancelled = true;
                    engine->post({"cancel", "person:ana", {{"proposal", mine.value}}, now()});
                }
        });
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        QVERIFY(cancelled);
    }
    QCOMPARE(lab.read()->proposal(mine).value()->state, ProposalState::Cancelled);
    QVERIFY(lab.ask("retry", {{"proposal", mine.value}}));
    const auto trials = lab.read()->trials().value();
    const bool wasTrained = lab.read()->trialOf(mine).value()->version.has_value();
    const double before = lab.read()->spent().value().value;
    QVERIFY(lab.run(1));
    QCOMPARE(lab.read()->proposal(mine).value()->state, ProposalState::Promoted);
    if (wasTrained) {
        QCOMPARE(lab.read()->spent().value().value, before);
        QCOMPARE(lab.read()->trials().value().size(), trials.size());
    }
    QVERIFY(lab.isWhole());
}

void TestEngine::aSecondEngineIsTurnedAway()
{
    const TinyLab lab;
    const auto engine = lab.open();
    QVERIFY(engine);
    const auto second = lab.open();
    QVERIFY(!second);
    QCOMPARE(second.error().code, Code::Conflict);
    QVERIFY(second.error().text.find(std::to_string(::getpid())) != std::string::npos);
    const auto handed = carryOut(lab.root(), {"stop", "person:ana", Json::object(), now()});
    QVERIFY(handed && *handed == Carried::HandedOver);
    QVERIFY(*(*engine)->run({.teeth = 1, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}) == RunEnd::Stopped);
}

void TestEngine::refusesALab_data()
{
    QTest::addColumn<QString>("damage");
    QTest::addColumn<int>("code");
    const auto row = [](const char* damage, Code code) { QTest::addRow("%s", damage) << damage << static_cast<int>(code); };
    row("a byte of the live weights is flipped", Code::Damaged);
    row("the live weights are gone", Code::Damaged);
    row("the live genome is gone", Code::Damaged);
    row("the live version names other parts", Code::Damaged);
    row("the database belongs to a newer version", Code::Newer);
    row("the configuration belongs to a newer version", Code::Newer);
    row("the database is damaged", Code::Damaged);
    row("the search space is no JSON", Code::BadInput);
    row("the ledger was edited", Code::Damaged);
    row("the ledger was cut short", Code::Damaged);
    row("the ledger's end was removed with its count", Code::Damaged);
    row("the domain is unknown", Code::NotFound);
}

void TestEngine::refusesALab()
{
    QFETCH(QString, damage);
    QFETCH(int, code);
    const TinyLab lab(1);
    QVERIFY(lab.run(1));
    const auto live = lab.read()->version(lab.read()->live().value()->version).value().value();
    const ObjectStore objects(lab.paths().objects());
    const auto edit = [](const std::filesystem::path& file, const auto& change) {
        std::string content = readFile(file).value();
        change(content);
        std::filesystem::permissions(file, std::filesystem::perms::owner_write, std::filesystem::perm_options::add);
        std::ofstream(file, std::ios::binary | std::ios::trunc) << content;
    };
    const auto sql = [&](const char* statement) {
        return std::system(fmt::format("sqlite3 '{}' \"{}\"", lab.paths().database().string(), statement).c_str()) == 0;
    };
    if (damage.contains("flipped"))
        edit(objects.path(live.weights), [](std::string& bytes) { bytes[bytes.size() - 100] ^= 1; });
    else if (damage.contains("weights are gone"))
        std::filesystem::remove(objects.path(live.weights));
    else if (damage.contains("genome is gone"))
        std::filesystem::remove(objects.path(live.genome));
    else if (damage.contains("other parts")) {
        if (!sql("UPDATE version SET tokenizer = genome"))
            QSKIP("sqlite3 is not installed");
    } else if (damage.contains("database belongs")) {
        if (!sql("PRAGMA user_version = 99"))
            QSKIP("sqlite3 is not installed");
    } else if (damage.contains("configuration"))
        edit(lab.paths().config(), [](std::string& text) { text.replace(text.find("\"format\": 1"), 11, "\"format\": 99"); });
    else if (damage.contains("database is"))
        edit(lab.paths().database(), [](std::string& bytes) { bytes.replace(0, 4096, std::string(4096, 'x')); });
    else if (damage.contains("search space"))
        edit(lab.paths().searchSpace(), [](std::string& text) { text = "{oops"; });
    else if (damage.contains("ledger was edited")) {
        if (!sql("UPDATE ledger SET line = replace(line, 'person', 'nobody') WHERE seq = 1"))
            QSKIP("sqlite3 is not installed");
    } else if (damage.contains("cut short") || damage.contains("end was removed")) {
        const std::string cut = "DELETE FROM ledger WHERE seq = (SELECT max(seq) FROM ledger)";
        const std::string hide = "; UPDATE meta SET value = (SELECT json_object('entries', seq, 'hash', hash) FROM ledger ORDER BY seq DESC LIMIT 1) WHERE key = 'ledger-head'";
        if (!sql((damage.contains("removed") ? cut + hide : cut).c_str()))
            QSKIP("sqlite3 is not installed");
    } else
        edit(lab.paths().config(), [](std::string& text) { text.replace(text.find("arithmetic"), 10, "alchemy"); });
    const auto opened = lab.open();
    QVERIFY(!opened);
    QVERIFY2(static_cast<int>(opened.error().code) == code, (codeName(opened.error().code) + ": " + opened.error().text).c_str());
    QVERIFY(opened.error().text.ends_with('.'));
    if (damage.contains("cut short") || damage.contains("end was removed"))
        QVERIFY2(opened.error().text.find("is missing at the end") != std::string::npos, opened.error().text.c_str());
}

void TestEngine::anUnfitLearnerEndsTheRun_data()
{
    QTest::addColumn<bool>("afterTheSeed");
    QTest::addRow("with the seed model") << false;
    QTest::addRow("with a proposal") << true;
}

void TestEngine::anUnfitLearnerEndsTheRun()
{
    QFETCH(bool, afterTheSeed);
    const TinyLab lab;
    if (afterTheSeed)
        QVERIFY(lab.run(1));
    EngineOptions options;
    options.learner = "/nowhere/ratchet-learner";
    const auto missing = Engine::open(lab.root(), options);
    QVERIFY(!missing && missing.error().code == Code::Environment);
    const auto end = lab.run(1, "old");
    QVERIFY(!end);
    QCOMPARE(end.error().code, Code::Environment);
    QVERIFY2(end.error().text.find("0.0.1") != std::string::npos, end.error().text.c_str());
    QCOMPARE(count(*lab.read(), TrialState::Failed), 0);
    QVERIFY(lab.run(1));                                              // mended: everything goes on
    QCOMPARE(count(*lab.read(), TrialState::Failed), 0);
    QVERIFY(lab.isWhole());
}

void TestEngine::aFullDiskLosesNothing()
{
    QTemporaryDir place;
    const std::string disk = place.path().toStdString();
    if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=12m") != 0)
        QSKIP("only root can make a small disk");
    const auto unmount = qScopeGuard([&] { ::umount2(disk.c_str(), MNT_DETACH); });
    const TinyLab lab(2, std::filesystem::path(disk) / "lab");
    QVERIFY(lab.run(1));
    const std::filesystem::path filler = std::filesystem::path(disk) / "filler";
    {
        std::ofstream out(filler, std::ios::binary);
        const std::string block(4096, 'x');
        while (out.write(block.data(), 4096).flush()) {}
    }
    const auto full = lab.run(1);
    QVERIFY(!full);
    QVERIFY2(full.error().code == Code::Environment, full.error().text.c_str());
    std::filesystem::remove(filler);
    const auto after = lab.run(1);
    QVERIFY2(after, after ? "" : after.error().text.c_str());
    QVERIFY(lab.isWhole());
}

void TestEngine::theBudgetIsKept()
{
    const TinyLab lab(4);
    auto engine = lab.open().value();
    const auto end = engine->run({.teeth = {}, .untilGoal = false, .time = std::chrono::seconds(1), .waitForDecisions = false}, {});
    QVERIFY(end && *end == RunEnd::OutOfTime);
    const auto store = lab.read();
    double sum = 0;
    for (const TrialRecord& trial : taken(store->trials())) {
        QVERIFY(trial.spent.value <= trial.budget.value * 1.05);
        sum += trial.spent.value;
    }
    QCOMPARE(store->spent().value().value, sum);
}

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    if (argc == 5 && std::string(argv[1]) == "engine")
        return engineProcess(argv[2], argv[3], std::atoi(argv[4]));
    QCoreApplication application(argc, argv);
    TestEngine test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_engine.moc"
