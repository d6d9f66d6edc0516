// SPDX-License-Identifier: GPL-3.0-or-later
// LabSession over a lab that changes while it is looked at.
#include <atomic>
#include <thread>

#include "sample_lab.h"

#include "widgets/bridge/lab_session.h"
#include "widgets/heartbeat.h"
#include "widgets/main_window.h"

using namespace ratchet;

class LabSessionTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void firstSnapshotHoldsTheLab()
    {
        SampleLab lab(3);
        const auto session = LabSession::open(lab.paths().root);
        QVERIFY2(session, session ? "" : session.error().text.c_str());
        const auto snapshot = (*session)->snapshot();
        QCOMPARE(snapshot->proposals.size(), std::size_t(16));
        QCOMPARE(snapshot->deployments.back().version.hex, lab.champion().hex);
        QVERIFY(!snapshot->engineRuns);
        QVERIFY(snapshot->genomeOf(lab.champion()));
        QVERIFY(snapshot->gateScore(lab.waiting()));
        QVERIFY2(snapshot->ledgerFault.isEmpty(), qPrintable(snapshot->ledgerFault));
        QCOMPARE(snapshot->ledgerEntries, 4);
    }
    void aFolderThatIsNoLabIsNamed()
    {
        QTemporaryDir folder;
        const auto session = LabSession::open(folder.path().toStdString());
        QVERIFY(!session);
        QVERIFY(!session.error().text.empty());
    }
    void changesArriveAndTheRestStays()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        const auto before = session->snapshot();
        QSignalSpy changed(session.get(), &LabSession::changed);
        ProposalRecord waiting = *before->proposal(lab.waiting());
        waiting.state = ProposalState::Promoted;
        QVERIFY(lab.store().update(waiting));
        QTRY_VERIFY(session->snapshot()->proposal(lab.waiting())->state == ProposalState::Promoted);
        QVERIFY(before->proposal(lab.waiting())->state == ProposalState::Waiting);   // an old picture never changes
        QCOMPARE(session->snapshot()->scorecards.size(), before->scorecards.size());
    }
    void whatAnEditedGateMayErrIsTakenUpWithTheEngine()
    {
        SampleLab lab(1);
        LabConfig config = *readLabConfig(lab.paths());
        const auto record = [&] {
            const auto head = lab.store().ledgerHead();
            return lab.store().addLedger(nextLedgerEntry(*head, now(), "engine", "gate", Json{{"gate", gateFigures(config)}}));
        };
        QVERIFY(record());
        auto session = std::move(*LabSession::open(lab.paths().root));
        const double before = config.alpha;
        config.alpha = 0.2;
        QVERIFY(writeFile(lab.paths().config(), config.toJson().dump()));
        QVERIFY(lab.store().setMeta("note", Json("the lab goes on")));
        QTRY_COMPARE(session->snapshot()->change, *lab.store().changeCount());
        QCOMPARE(session->snapshot()->config.alpha, before);
        QVERIFY(record());
        QTRY_COMPARE(session->snapshot()->gate.size(), std::size_t(2));
        QCOMPARE(session->snapshot()->config.alpha, 0.2);
        // What nobody has recorded yet is not taken up with every entry, and nothing is worked out by it again.
        for (const double alpha : {0.3, 0.4}) {
            config.alpha = alpha;
            QVERIFY(writeFile(lab.paths().config(), config.toJson().dump()));
            if (alpha < 0.4)
                session = std::move(*LabSession::open(lab.paths().root));
        }
        QTRY_COMPARE(session->snapshot()->config.alpha, 0.3);
        QVERIFY(lab.store().addLedger(nextLedgerEntry(*lab.store().ledgerHead(), now(), "person", "space", Json::object())));
        QTRY_COMPARE(session->snapshot()->change, *lab.store().changeCount());
        QCOMPARE(session->snapshot()->config.alpha, 0.3);
        QVERIFY(record());
        QTRY_COMPARE(session->snapshot()->config.alpha, 0.4);
    }
    // Its judge died at once: it leaves a verdict without any scorecard, and none of the earlier ones is its own.
    void aNewQuestionParksTheScorecardsOfTheOneBefore()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        const auto before = session->snapshot();
        QVERIFY(before->gateScore(lab.waiting()) && before->earlierScorecards.empty());
        const Hash challenger = before->gateScore(lab.waiting())->challenger;
        QVERIFY(before->scoreOf(challenger));
        VerdictRecord again = *before->verdict(lab.waiting());
        again.k += 1;
        again.verdict = Verdict::NoResult;
        again.pairs = 0;
        QVERIFY(lab.store().add(again));
        QTRY_VERIFY(session->snapshot()->verdict(lab.waiting())->k == again.k);
        const auto after = session->snapshot();
        QVERIFY(!after->gateScore(lab.waiting()));
        QVERIFY(!after->scoreOf(challenger));
        QCOMPARE(after->scorecards.size() + after->earlierScorecards.size(), before->scorecards.size());
        QCOMPARE(after->judgings(lab.waiting()).size(), std::size_t(2));
        QCOMPARE(after->judgings(lab.waiting()).back().pairs, before->verdict(lab.waiting())->pairs);
    }
    void anEngineInAnotherProgramIsSeen()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        {
            const auto lock = LabLock::take(lab.paths());
            QVERIFY(lock);
            QTRY_VERIFY(session->snapshot()->engineRuns);
            QVERIFY(!session->snapshot()->engineIsOurs);
        }
        QTRY_VERIFY(!session->snapshot()->engineRuns);
    }
    void selectingFillsInWhatFollows()
    {
        SampleLab lab(2);
        auto session = std::move(*LabSession::open(lab.paths().root));
        session->selectProposal(lab.waiting());
        const Selection byProposal = session->selection();
        QVERIFY(byProposal.trial && byProposal.version);
        session->selectVersion(lab.champion());
        QVERIFY(session->selection().proposal != byProposal.proposal);
        session->selectVersion(*byProposal.version);
        QVERIFY(session->selection() == byProposal);
    }
    void answersComeBackAndSpareTheDead()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        const auto trial = session->snapshot()->trials.front().id;
        std::vector<SeriesInfo> series;
        QObject receiver;
        session->askSeries(trial, &receiver, [&](std::vector<SeriesInfo> answer) { series = std::move(answer); });
        QTRY_VERIFY(!series.empty());
        std::vector<SeriesBucket> points;
        session->askPoints(series.front().id, 0, 400, 100, &receiver, [&](std::vector<SeriesBucket> answer) { points = std::move(answer); });
        QTRY_VERIFY(!points.empty());
        bool called = false;
        {
            QObject dead;
            session->askLayers(trial, &dead, [&](const std::vector<LayerRecord>&) { called = true; });
        }
        bool flushed = false;
        session->askLayers(trial, &receiver, [&](const std::vector<LayerRecord>& layers) { flushed = !layers.empty(); });
        QTRY_VERIFY(flushed);
        QVERIFY(!called);
    }
    void aWishIsSignedWithTheReviewersNameAndReachesTheEngine()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        const auto lock = LabLock::take(lab.paths());   // someone else's engine
        session->setReviewer(QStringLiteral("ana"));
        session->ask(QStringLiteral("cancel"), {{"proposal", 3}});
        Request seen;
        QVERIFY(QTest::qWaitFor([&] {
            const auto taken = takeRequests(lab.paths());
            if (!taken || taken->requests.empty())
                return false;
            seen = taken->requests.front();
            return true;
        }));
        QCOMPARE(seen.kind, std::string("cancel"));
        QCOMPARE(seen.actor, std::string("person:ana"));
        QCOMPARE(seen.arguments.at("proposal").get<int>(), 3);
    }
    void aSearchSpaceThatIsWidenedIsSeen()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        Json space = session->snapshot()->searchSpace;
        QVERIFY(space.is_object());
        space["paths"]["/recipe/weightDecay"] = {{"low", 0.0}, {"high", 0.3}};
        QVERIFY(writeFile(lab.paths().searchSpace(), space.dump()));
        QTRY_VERIFY(session->snapshot()->searchSpace == space);
    }
    // They may take seconds, and a lab opens at once.
    void whatTheGateCanSeeFollowsTheFirstSnapshot()
    {
        SampleLab lab(1);
        lab.repeatChampion();
        auto session = std::move(*LabSession::open(lab.paths().root));
        QVERIFY(session->snapshot()->spread && session->snapshot()->sights.empty());
        QTRY_COMPARE(session->snapshot()->sights.size(), std::size_t(2));       // the first question and the next one
        QVERIFY(session->snapshot()->sights.back().smallest.gain > 0);
    }
    void aReplicationIsAskedOfTheEngineThatRuns()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        const auto lock = LabLock::take(lab.paths());
        QTRY_VERIFY(session->snapshot()->engineRuns);
        session->replicate({lab.champion(), true, 3, 500});
        Request seen;
        QVERIFY(QTest::qWaitFor([&] {
            const auto taken = takeRequests(lab.paths());
            if (!taken || taken->requests.empty())
                return false;
            seen = taken->requests.front();
            return true;
        }));
        QCOMPARE(seen.kind, std::string("replicate"));
        const auto wish = replicationWish(seen.arguments);
        QVERIFY(wish && wish->version == lab.champion() && wish->besideItself && wish->seeds == 3 && wish->items == 500);
    }
    void theWindowKeepsItsBeatWhileALabIsWritten()
    {
        SampleLab lab(40);
        MainWindow window(MainWindow::Memory::Forget);
        window.setSession(std::move(*LabSession::open(lab.paths().root)));
        window.show();
        QVERIFY(QTest::qWaitForWindowExposed(&window));
        std::atomic<bool> stop = false;
        std::jthread writer([&] {   // as fast as four workers report
            for (int step = 1000; !stop; ++step) {
                lab.beat(step);
                std::this_thread::sleep_for(std::chrono::milliseconds(20));
            }
        });
        QTest::qWait(500);
        Heartbeat heartbeat;
        QTest::qWait(3000);
        stop = true;
        qInfo("largest gap %lld ms in %ld beats, 40 teeth", static_cast<long long>(heartbeat.largestGap().count()), heartbeat.beats());
        QVERIFY(heartbeat.beats() > 10);
    }
};

QTEST_MAIN(LabSessionTest)
#include "tst_lab_session.moc"
