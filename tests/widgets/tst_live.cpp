// SPDX-License-Identifier: GPL-3.0-or-later
// A person's decisions, clicked in the window while a real engine turns a small lab: approve and roll back, reject, ask for
// more evidence. The gate of this lab accepts on weak evidence (alpha 0.9), so that seconds of training lead to a decision.
#include <filesystem>

#include <QDialog>
#include <QDialogButtonBox>
#include <QLineEdit>
#include <QPushButton>
#include <QTemporaryDir>
#include <QTest>
#include <QToolButton>

#include "core/base/file.h"
#include "widgets/main_window.h"
#include "widgets/panels/review_panel.h"
#include "widgets/panels/timeline_panel.h"
#include "widgets/style/format.h"

using namespace ratchet;

namespace {

constexpr int longestTooth = 240'000, longestAnswer = 30'000;   // ms

template <typename T> T must(Result<T> result)
{
    if (!result)
        qFatal("%s", result.error().text.c_str());
    if constexpr (!std::is_void_v<T>)
        return std::move(*result);
}

class LiveLab {
public:
    LiveLab()
    {
        NewLab wanted;
        wanted.root = std::filesystem::path(m_folder.path().toStdString()) / "lab";
        wanted.domain = "arithmetic";
        wanted.budget = Flops{5e12};
        wanted.trialBudget = Flops{5e10};
        wanted.seed = 10;        // one of its two candidates goes on from the champion, which always helps so early
        wanted.candidates = 2;
        must(newLab(wanted));
        const LabPaths paths{wanted.root};
        Json config = must(parseJson(must(readFile(paths.config())), "the lab's settings"));
        config["alpha"] = 0.9;
        config["alphaDecay"] = 2;        // more than half of it for the first question
        must(writeFile(paths.config(), config.dump(2)));
        window.resize(1280, 720);
        window.show();
        window.setSession(must(LabSession::open(paths.root)));
        QObject::connect(&session(), &LabSession::failed, &window, [this](const QString& sentence) { problem = sentence; });
        QObject::connect(&session(), &LabSession::engineEnded, &window, [this](const QString& how) { end = how; });
    }
    [[nodiscard]] LabSession& session() { return *window.session(); }
    [[nodiscard]] const ProposalRecord* inState(ProposalState state)
    {
        for (const ProposalRecord& proposal : session().snapshot()->proposals)
            if (proposal.state == state)
                return &proposal;
        return nullptr;
    }
    [[nodiscard]] bool hasDecision(DecisionKind kind)
    {
        const auto& all = session().snapshot()->decisions;
        return std::any_of(all.begin(), all.end(), [&](const DecisionRecord& one) { return one.kind == kind; });
    }
    QTemporaryDir m_folder;
    QString problem, end;                         // last ones told by the session
    MainWindow window{MainWindow::Memory::Forget};
};

QPushButton* button(QWidget& inside, const QString& name)
{
    for (auto* each : inside.findChildren<QPushButton*>())
        if (each->accessibleName() == name)
            return each;
    return nullptr;
}

} // namespace

class LiveTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase()
    {
        std::error_code error;
        if (!std::filesystem::exists(std::filesystem::path(RATCHET_BIN_DIR) / "ratchet-learner", error))
            QSKIP("No learner is built; a live engine needs one.");
    }
    void aDecisionIsClicked_data()
    {
        QTest::addColumn<QString>("name");
        QTest::addColumn<DecisionKind>("kind");
        QTest::addRow("an approved challenger goes live, and one action takes it back") << QStringLiteral("Approve") << DecisionKind::Approve;
        QTest::addRow("a rejected challenger does not go live") << QStringLiteral("Reject") << DecisionKind::Reject;
        QTest::addRow("more evidence leaves the champion where it is") << QStringLiteral("More evidence") << DecisionKind::MoreEvidence;
    }
    void aDecisionIsClicked()
    {
        QFETCH(QString, name);
        QFETCH(DecisionKind, kind);
        LiveLab lab;
        RunLimits one;
        one.teeth = 1;
        lab.session().start(one);
        lab.window.applyLayout(Layout::Review);
        QTRY_VERIFY_WITH_TIMEOUT(lab.inState(ProposalState::Waiting) || !lab.session().snapshot()->engineRuns, longestTooth);
        const ProposalRecord* waiting = lab.inState(ProposalState::Waiting);
        QVERIFY2(waiting, qPrintable(QStringLiteral("the gate accepted nothing: choose another seed or a larger trial budget. ") + lab.problem));
        const Id<ProposalRecord> asked = waiting->id;
        const Hash before = championOf(*lab.session().snapshot()).value();

        auto* review = lab.window.findChild<ReviewPanel*>();
        review->open(asked);
        auto* decide = button(*review, name);
        QVERIFY(decide && decide->isVisible());
        QVERIFY2(!decide->isEnabled(), "a decision needs a reason");
        review->findChild<QLineEdit*>()->setText(QStringLiteral("seen in a test"));
        QTRY_VERIFY_WITH_TIMEOUT(decide->isEnabled(), longestAnswer);
        QTest::mouseClick(decide, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(lab.hasDecision(kind), longestAnswer);
        if (kind != DecisionKind::Approve) {
            QVERIFY(championOf(*lab.session().snapshot()) == before);
            return;
        }
        QTRY_COMPARE_WITH_TIMEOUT(lab.session().snapshot()->proposal(asked)->state, ProposalState::Promoted, longestAnswer);
        QVERIFY(championOf(*lab.session().snapshot()) != before);
        rollBack(lab, before);
    }

    // The engine is started for it and ends when it is done; no tooth is turned.
    void theNoiseIsMeasuredFromTheWindow()
    {
        LiveLab lab;
        RunLimits nothingElse;
        nothingElse.teeth = 0;
        lab.session().start(nothingElse);             // trains the seed model
        QTRY_VERIFY_WITH_TIMEOUT(championOf(*lab.session().snapshot()) && !lab.session().snapshot()->engineRuns, longestTooth);
        const Hash champion = championOf(*lab.session().snapshot()).value();
        lab.session().replicate({champion, true, 1, 50});
        QTRY_VERIFY_WITH_TIMEOUT(lab.session().snapshot()->spread.has_value() || !lab.problem.isEmpty(), longestTooth);
        QVERIFY2(lab.problem.isEmpty(), qPrintable(lab.problem));
        QTRY_VERIFY_WITH_TIMEOUT(!lab.session().snapshot()->engineRuns, longestAnswer);
        const auto snapshot = lab.session().snapshot();
        QCOMPARE(snapshot->spread->suites.front().score.runs, 1);
        QVERIFY(snapshot->asked.empty() && snapshot->teeth.empty());
        QTRY_VERIFY(!lab.session().snapshot()->sights.empty());
        QTRY_COMPARE(lab.end, QStringLiteral("It is measured: Critic, page Controls."));
    }

    void aReplicationThatTheBudgetDoesNotPayForIsNotCalledMeasured()
    {
        LiveLab lab;
        RunLimits nothingElse;
        nothingElse.teeth = 0;
        lab.session().start(nothingElse);
        QTRY_COMPARE_WITH_TIMEOUT(lab.end, QStringLiteral("The step is done."), longestTooth);
        QTRY_VERIFY(!lab.session().snapshot()->engineRuns && championOf(*lab.session().snapshot()));
        lab.session().replicate({championOf(*lab.session().snapshot()).value(), true, 1000, 50});
        QTRY_VERIFY_WITH_TIMEOUT(lab.end != QStringLiteral("The step is done."), longestTooth);
        QVERIFY2(lab.end.contains(QStringLiteral("budget")), qPrintable(lab.end));
    }

    void aReplicationThatIsTakenBackIsNotCalledMeasured()
    {
        LiveLab lab;
        RunLimits nothingElse;
        nothingElse.teeth = 0;
        lab.session().start(nothingElse);
        QTRY_COMPARE_WITH_TIMEOUT(lab.end, QStringLiteral("The step is done."), longestTooth);
        QTRY_VERIFY(!lab.session().snapshot()->engineRuns && championOf(*lab.session().snapshot()));
        const ReplicationWish wish{championOf(*lab.session().snapshot()).value(), true, 40, 50};
        lab.session().replicate(wish);
        QTRY_VERIFY_WITH_TIMEOUT(!lab.session().snapshot()->asked.empty(), longestAnswer);
        lab.session().ask(QStringLiteral("withdraw"), toJson(wish));
        QTRY_VERIFY_WITH_TIMEOUT(lab.end != QStringLiteral("The step is done."), longestTooth);
        QVERIFY2(lab.end.startsWith(QStringLiteral("Of 40 results ")), qPrintable(lab.end));
    }

private:
    void rollBack(LiveLab& lab, const Hash& target)
    {
        lab.window.applyLayout(Layout::Research);
        lab.session().selectVersion(target);
        auto* timeline = lab.window.findChild<TimelinePanel*>();
        QToolButton* back = nullptr;
        for (auto* each : lab.window.findChildren<QToolButton*>())   // the header hangs in the dock
            if (each->text().startsWith(QStringLiteral("Roll back")))
                back = each;
        QVERIFY(back);
        QTRY_VERIFY_WITH_TIMEOUT(back->isEnabled(), longestAnswer);
        QTest::mouseClick(back, Qt::LeftButton);
        QDialog* dialog = nullptr;
        QTRY_VERIFY((dialog = timeline->findChild<QDialog*>()) && dialog->isVisible());
        auto* box = dialog->findChild<QDialogButtonBox*>();
        QAbstractButton* confirm = nullptr;
        for (auto* each : box->buttons())
            if (box->buttonRole(each) == QDialogButtonBox::AcceptRole)
                confirm = each;
        QVERIFY2(confirm && !confirm->isEnabled(), "a rollback needs a reason");
        dialog->findChild<QLineEdit*>()->setText(QStringLiteral("taken back in a test"));
        QVERIFY(confirm->isEnabled());
        QTest::mouseClick(confirm, Qt::LeftButton);
        QTRY_VERIFY_WITH_TIMEOUT(championOf(*lab.session().snapshot()) == target, longestAnswer);
        QCOMPARE(lab.session().snapshot()->deployments.back().kind, DeploymentKind::Rollback);
    }
};

QTEST_MAIN(LiveTest)
#include "tst_live.moc"
