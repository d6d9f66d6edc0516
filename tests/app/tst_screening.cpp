// SPDX-License-Identifier: GPL-3.0-or-later
// Trials that are looked at half way, with the whole engine and a learner that this program plays (player.h): what is decided, kept
// and charged, what a bad worker costs, and that kills change nothing.
#include "tests/app/tiny_lab.h"

#include <spawn.h>
#include <sys/wait.h>

#include "core/agent/controls.h"
#include "core/agent/screening.h"

using namespace ratchet;

namespace {

constexpr double share = 0.4;

// Earlier trials, as teeth before the first would have left them: `bad` of family "hand", of the worse half, none accepted; one
// more of another family, far ahead.
void giveHistory(const TinyLab& lab, int bad)
{
    const auto store = Store::open(lab.paths().database(), Store::Mode::ReadWrite).value();
    const Hash live = store->live().value()->version;
    for (int i = 0; i < 2 * bad + 1; ++i) {
        const bool isBad = i < bad;
        ProposalRecord proposal;
        proposal.family = isBad ? "hand" : "tuning";
        proposal.operatorName = "history";
        proposal.parent = live;
        proposal.genome = store->version(live).value()->genome;
        proposal.patch = Json::array();
        proposal.state = ProposalState::Rejected;
        proposal.id = store->add(proposal).value();
        TrialRecord trial;
        trial.proposal = proposal.id;
        trial.state = TrialState::Trained;
        trial.proxy = {{"decision", trainedOn}, {"propensity", 1.0}, {"score", isBad ? 0.1 : 0.9}, {"side", isBad ? "fail" : "pass"}};
        QVERIFY(store->add(trial));
        VerdictRecord verdict;
        verdict.proposal = proposal.id;
        verdict.challenger = verdict.champion = live;
        verdict.verdict = Verdict::Reject;
        QVERIFY(store->add(verdict));
    }
}

// A change that helps nobody (player.h), and that nobody tried.
Status proposeHopeless(const TinyLab& lab)
{
    return lab.ask("propose", {{"patch", Json::parse(R"([{"op": "replace", "path": "/recipe/weightDecay", "value": 0.037}])")}, {"reason", "To be given up."}});
}

ProposalRecord last(const TinyLab& lab, const std::string& family)
{
    ProposalRecord found;
    for (const ProposalRecord& proposal : taken(lab.read()->proposals()))
        if (proposal.family == family)
            found = proposal;
    return found;
}

int engineProcess(const char* lab, const char* learner, int teeth)
{
    EngineOptions options;
    options.learner = learner;
    options.workers = 2;
    options.policy = acceptingPolicy();
    auto engine = Engine::open(lab, options);
    return engine && (*engine)->run({.teeth = teeth, .untilGoal = false, .time = {}, .waitForDecisions = false}, {}) ? 0 : 1;
}

pid_t startEngine(const TinyLab& lab)
{
    const std::string self = std::filesystem::read_symlink("/proc/self/exe").string(), learner = lab.learner("slow").string();
    std::array<std::string, 5> words{self, "engine", lab.root().string(), learner, "1"};
    std::array<char*, 6> arguments{};
    for (std::size_t i = 0; i < words.size(); ++i)
        arguments[i] = words[i].data();
    pid_t pid = 0;
    return ::posix_spawn(&pid, self.c_str(), nullptr, nullptr, arguments.data(), environ) == 0 ? pid : 0;
}

int waitFor(pid_t pid)
{
    int status = 0;
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

} // namespace

class TestScreening : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void everyCandidateIsLookedAt()
    {
        const TinyLab lab(3, {}, 0, share);
        QVERIFY(lab.run(2));
        const auto store = lab.read();
        for (const TrialRecord& trial : taken(store->trials())) {
            QVERIFY2(trial.state == TrialState::Trained, trial.failure.c_str());
            const std::string decision = screeningDecision(trial);
            if (!trial.proposal.isSet()) {
                QVERIFY(decision.empty());          // the seed model has nobody to be held against
                continue;
            }
            const auto proposal = store->proposal(trial.proposal).value().value();
            QCOMPARE(decision, std::string(trainedOn));
            QVERIFY(trial.proxy["items"].get<int>() >= 16 && trial.proxy["flops"].get<double>() > 0);
            QVERIFY(trial.spent.value > trial.budget.value * 0.9 && trial.spent.value <= trial.budget.value * 1.05);
        }
        const ScreeningReport report = screeningOf(*store).value();
        QCOMPARE(report.looked, 6);
        QCOMPARE(report.givenUp + report.audited, 0);
        QVERIFY(lab.isWhole());
    }

    void aBadLookCostsOneTrial_data()
    {
        QTest::addColumn<QString>("fault");
        QTest::addColumn<QString>("said");
        QTest::addRow("none at all") << "shows nothing" << "without showing";
        QTest::addRow("a second one") << "shows twice" << "nobody had asked";
        QTest::addRow("not a number") << "shows NaN" << "sent nonsense";
        QTest::addRow("out of order") << "shows another step" << "nobody had asked";
        QTest::addRow("answers that cost nothing") << "shows it for nothing" << "answers, where";
        QTest::addRow("fewer answers") << "shows few items" << "answers, where";
        QTest::addRow("it dies while it waits") << "dies at the look" << "signal 9";
    }
    void aBadLookCostsOneTrial()
    {
        QFETCH(QString, fault);
        QFETCH(QString, said);
        const TinyLab lab(2, {}, 0, share);
        const auto end = lab.run(1, fault.toStdString());
        QVERIFY2(end, end ? "" : end.error().text.c_str());
        const auto store = lab.read();
        const TrialRecord bad = store->trial({2}).value().value();
        QVERIFY2(bad.state == TrialState::Failed && QString::fromStdString(bad.failure).contains(said), bad.failure.c_str());
        QCOMPARE(store->proposal(bad.proposal).value()->state, ProposalState::Failed);
        QVERIFY(bad.spent.value <= bad.budget.value * 1.05);
        QCOMPARE(store->verdicts().value().size(), 1U);
        QVERIFY(lab.isWhole());
    }

    // The trial is charged what it spent, the gate is not asked, and the next question has its number.
    void theHopelessIsGivenUp()
    {
        const TinyLab lab(2, {}, 0, share, 0.01);
        QVERIFY(lab.run(1));
        giveHistory(lab, 14);
        const int before = static_cast<int>(lab.read()->verdicts().value().back().k);
        QVERIFY(proposeHopeless(lab));
        QVERIFY(lab.run(1));
        const auto store = lab.read();
        const ProposalRecord proposal = last(lab, "hand");
        QVERIFY2(proposal.state == ProposalState::Screened, proposal.stateReason.c_str());
        QVERIFY2(proposal.stateReason.find("accepted 0 of 14 like it") != std::string::npos, proposal.stateReason.c_str());
        QVERIFY(!store->verdict(proposal.id).value());
        const TrialRecord trial = store->trialOf(proposal.id).value().value();
        QCOMPARE(trial.state, TrialState::Cancelled);
        QCOMPARE(screeningDecision(trial), std::string(givenUp));
        QVERIFY(trial.spent.value > trial.budget.value * share && trial.spent.value < trial.budget.value * (share + 0.05));
        QVERIFY(!std::filesystem::exists(lab.paths().work() / ("trial-" + std::to_string(trial.id.value))));
        const auto verdicts = taken(store->verdicts());
        QCOMPARE(verdicts.back().k, before + 1);        // of the candidate after it: no number was used up
        QCOMPARE(screeningOf(*store).value().saved.value, trial.budget.value - trial.spent.value);
        for (const LessonRecord& lesson : taken(store->lessons()))
            if (lesson.family == "hand") {
                QCOMPARE(lesson.tried, 1);
                QCOMPARE(lesson.meanGain, 0.0);
                QVERIFY(lesson.varianceGain > 0.02);      // the prior's: nothing was measured
            }
        QVERIFY(lab.isWhole());
    }

    void aPersonGetsItWholeAllTheSame()
    {
        const TinyLab lab(1, {}, 0, share, 0.01);
        QVERIFY(lab.run(1));
        giveHistory(lab, 14);
        QVERIFY(proposeHopeless(lab));
        QVERIFY(lab.run(1));
        const ProposalRecord proposal = last(lab, "hand");
        QCOMPARE(proposal.state, ProposalState::Screened);
        QVERIFY(lab.ask("retry", {{"proposal", proposal.id.value}}));
        QVERIFY(lab.run(1));
        const auto store = lab.read();
        QVERIFY(store->verdict(proposal.id).value());
        QCOMPARE(screeningDecision(store->trialOf(proposal.id).value().value()), std::string(asWished));
    }

    void anAuditGoesToTheGate()
    {
        const TinyLab lab(1, {}, 0, share, 1);
        QVERIFY(lab.run(1));
        giveHistory(lab, 14);
        QVERIFY(proposeHopeless(lab));
        QVERIFY(lab.run(1));
        const auto store = lab.read();
        const ProposalRecord proposal = last(lab, "hand");
        QCOMPARE(screeningDecision(store->trialOf(proposal.id).value().value()), std::string(audited));
        QVERIFY(store->verdict(proposal.id).value());
        QCOMPARE(screeningOf(*store).value().audited, 1);
    }

    void aPlaceboIsLookedAtLikeAnyOther()
    {
        const TinyLab lab(4, {}, 0.9, share);
        QVERIFY(lab.run(1));
        QVERIFY(lab.proposeReversed());
        QVERIFY(lab.run(4));
        const auto store = lab.read();
        int reseeded = 0;
        for (const ProposalRecord& proposal : taken(store->proposals())) {
            if (proposal.family != placeboFamily || proposal.operatorName != reseedingPlacebo)
                continue;
            const TrialRecord trial = store->trialOf(proposal.id).value().value();
            QCOMPARE(screeningDecision(trial), std::string(trainedOn));
            QCOMPARE(trial.proxy.value("family", ""), std::string("hand"));       // of the champion that it repeats
            ++reseeded;
        }
        QVERIFY(reseeded > 0);
        for (const Looked& one : taken(lookedAt(*store)))
            QVERIFY(one.family != placeboFamily);
    }

    // Where the decision falls while the engine is killed, its successor decides the same.
    void killedAroundTheLookItComesToTheSame()
    {
        const TinyLab whole(2, {}, 0, share, 0.01), killed(2, {}, 0, share, 0.01);
        for (const TinyLab* lab : {&whole, &killed}) {
            QVERIFY(lab->run(1));
            giveHistory(*lab, 14);
            QVERIFY(proposeHopeless(*lab));
        }
        QCOMPARE(waitFor(startEngine(whole)), 0);
        const auto isThrough = [&] { return taken(killed.read()->teeth()).back().number == 2 && taken(killed.read()->teeth()).back().stage == "done"; };
        Rng rng(3);
        for (int run = 0; run < 60 && !isThrough(); ++run) {
            const pid_t pid = startEngine(killed);
            QVERIFY(pid > 0);
            std::this_thread::sleep_for(std::chrono::milliseconds(100 + 40 * run + static_cast<int>(rng.below(200))));
            ::kill(pid, SIGKILL);
            waitFor(pid);
        }
        QVERIFY(isThrough());
        const Account expected = whole.account(), got = killed.account();
        QCOMPARE(got.proposals, expected.proposals);
        QCOMPARE(got.verdicts, expected.verdicts);
        QCOMPARE(got.spent, expected.spent);
        QCOMPARE(last(killed, "hand").state, ProposalState::Screened);
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    if (argc == 5 && std::string(argv[1]) == "engine")
        return engineProcess(argv[2], argv[3], std::atoi(argv[4]));
    QCoreApplication application(argc, argv);
    TestScreening test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_screening.moc"
