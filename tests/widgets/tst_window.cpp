// SPDX-License-Identifier: GPL-3.0-or-later
// The whole window over a lab: layouts, empty states, notices, pictures.
#include "sample_lab.h"

#include <QComboBox>
#include <QDialogButtonBox>
#include <QDockWidget>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QToolButton>

#include "widgets/main_window.h"
#include "widgets/new_lab_dialog.h"
#include "widgets/panel_set.h"
#include "widgets/panels/panel.h"
#include "widgets/panels/ring_view.h"
#include "widgets/pictures.h"
#include "widgets/status_strip.h"

using namespace ratchet;

class WindowTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void withoutALabItOffersToMakeOne()
    {
        MainWindow window(MainWindow::Memory::Forget);
        window.show();
        for (const QDockWidget* dock : window.findChildren<QDockWidget*>())
            QVERIFY2(!dock->isVisible(), qPrintable(dock->objectName()));
        QVERIFY(window.centralWidget()->isVisible());
    }
    void aBrokenLabIsToldInsideTheWindow()
    {
        QTemporaryDir folder;
        MainWindow window(MainWindow::Memory::Forget);
        window.show();
        window.openLab(folder.path());
        const auto* notice = window.findChild<QLabel*>(QStringLiteral("noticeLine"));
        QVERIFY(notice && notice->isVisible() && !notice->text().isEmpty());
        QVERIFY(!window.session());
    }
    void layoutsShowTheirPanels()
    {
        SampleLab lab(2);
        MainWindow window(MainWindow::Memory::Forget);
        window.show();
        window.setSession(std::move(*LabSession::open(lab.paths().root)));
        const auto isShown = [&](const char* name) {
            const auto* dock = window.findChild<QDockWidget*>(QLatin1String(name) + QStringLiteral("Dock"));
            return dock && dock->isVisible();
        };
        QVERIFY(isShown("loop") && isShown("queue") && isShown("timeline") && isShown("plan"));
        window.applyLayout(Layout::Review);
        QVERIFY(isShown("review") && !isShown("loop") && !isShown("timeline"));
        window.applyLayout(Layout::Teach);
        QVERIFY(isShown("loop") && !isShown("timeline"));
        window.applyLayout(Layout::Research);
        QVERIFY(isShown("loop") && isShown("timeline") && !isShown("review"));
        window.setSession(nullptr);
        QVERIFY(!isShown("loop"));
    }
    void everyLayoutFitsASmallScreen()
    {
        SampleLab lab(3);
        MainWindow window(MainWindow::Memory::Forget);
        window.resize(1280, 720);
        window.show();
        window.setSession(std::move(*LabSession::open(lab.paths().root)));
        for (const Layout layout : {Layout::Research, Layout::Review, Layout::Teach}) {
            window.applyLayout(layout);
            QTest::qWait(400);                    // the panels' data arrives
            QCOMPARE(window.size(), QSize(1280, 720));
            QVERIFY2(window.minimumSizeHint().height() <= 720, qPrintable(QString::number(window.minimumSizeHint().height())));
        }
    }
    void everyPanelHasAnEmptyStateAndSurvivesClosing()
    {
        SampleLab lab(1);
        auto session = std::move(*LabSession::open(lab.paths().root));
        for (Panel* made : makePanels(nullptr)) {
            const std::unique_ptr<Panel> panel(made);
            panel->setSession(nullptr);
            panel->show();
            const auto* sentence = panel->findChild<QLabel*>(QStringLiteral("emptyText"));
            QVERIFY2(sentence && sentence->text().endsWith(QLatin1Char('.')), qPrintable(panel->objectName()));
            panel->setSession(session.get());
            panel->setSession(nullptr);
        }
    }
    void everythingIsReachableByKeyboard()
    {
        MainWindow window(MainWindow::Memory::Forget);
        QStringList keys;
        for (const QAction* action : window.actions())
            if (!action->shortcut().isEmpty()) {
                QVERIFY2(!keys.contains(action->shortcut().toString()), qPrintable(action->text()));
                keys << action->shortcut().toString();
            }
        QVERIFY(keys.size() >= 12);
        for (const QToolButton* button : window.findChildren<QToolButton*>())
            if (button->isVisibleTo(&window))
                QVERIFY2(!button->toolTip().isEmpty() || !button->text().isEmpty() || button->defaultAction(), qPrintable(button->objectName()));
    }
    void theRingShowsTheStage_data()
    {
        QTest::addColumn<QString>("stage");
        QTest::addColumn<int>("index");
        QTest::addRow("observe is first") << QStringLiteral("observe") << 0;
        QTest::addRow("waiting for a person is approve") << QStringLiteral("waiting") << 7;
        QTest::addRow("learn is last") << QStringLiteral("learn") << 9;
        QTest::addRow("paused stays where the tooth is") << QStringLiteral("paused") << 4;
        QTest::addRow("an unknown stage too") << QStringLiteral("dance") << 4;
    }
    void theRingShowsTheStage()
    {
        QFETCH(QString, stage);
        QFETCH(int, index);
        Snapshot snapshot;
        snapshot.teeth.push_back({3, "train", {}, now(), {}});
        snapshot.status.stage = stage.toStdString();
        QCOMPARE(RingView::stageIndex(snapshot), index);
    }
    void theStatusBarSaysHowLongADecisionWaits()
    {
        Snapshot snapshot;
        QVERIFY(StatusStrip::decisionText(snapshot, now()).isEmpty());
        ProposalRecord proposal;
        proposal.id = {1};
        proposal.state = ProposalState::Waiting;
        snapshot.proposals.push_back(proposal);
        QCOMPARE(StatusStrip::decisionText(snapshot, now()), QStringLiteral("1 decision waits for you"));
        VerdictRecord verdict;
        verdict.proposal = {1};
        verdict.created = now() - std::chrono::seconds(190);
        snapshot.verdicts.push_back(verdict);
        QCOMPARE(StatusStrip::decisionText(snapshot, now()), QStringLiteral("1 decision waits for you (3 min)"));
    }
    void theNewLabDialogOffersWhatADomainTakes()
    {
        NewLabDialog dialog;
        dialog.show();
        auto* domain = dialog.findChild<QComboBox*>(QStringLiteral("domain"));
        auto* tokens = dialog.findChild<QSpinBox*>(QStringLiteral("tokens"));
        const auto* create = dialog.findChild<QPushButton*>(QStringLiteral("create"));
        QVERIFY(domain && tokens && create);
        domain->setCurrentText(QStringLiteral("arithmetic"));
        QVERIFY(!tokens->isEnabled());
        dialog.findChild<QLineEdit*>(QStringLiteral("folder"))->setText(QStringLiteral("/nowhere/lab"));
        QVERIFY(create->isEnabled());
        domain->setCurrentText(QStringLiteral("text"));
        QVERIFY(tokens->isEnabled());
        QCOMPARE(tokens->text(), QStringLiteral("bytes"));
        QVERIFY(!create->isEnabled());            // a text is missing
        if (const QString folder = qEnvironmentVariable("RATCHET_PICTURES"); !folder.isEmpty())
            QVERIFY(dialog.grab().save(folder + QStringLiteral("/dialog-new-lab.png")));
    }

    void theNewLabDialogOffersWhatTheGateMayErr()
    {
        NewLabDialog dialog;
        dialog.show();
        auto* alpha = dialog.findChild<QDoubleSpinBox*>(QStringLiteral("alpha"));
        auto* items = dialog.findChild<QSpinBox*>(QStringLiteral("gateItems"));
        auto* effect = dialog.findChild<QDoubleSpinBox*>(QStringLiteral("minEffect"));
        QVERIFY(alpha && items && effect);
        QCOMPARE(alpha->text(), QStringLiteral("alpha 0.05"));
        QCOMPARE(items->text(), QStringLiteral("2000 items"));
        QCOMPARE(effect->text(), QStringLiteral("effect 0.005"));
        auto* domain = dialog.findChild<QComboBox*>(QStringLiteral("domain"));
        auto* looks = dialog.findChild<QSpinBox*>(QStringLiteral("vaultLooks"));
        domain->setCurrentText(QStringLiteral("arithmetic"));
        QVERIFY(looks && !looks->isEnabled());    // its vault has new items for every look
        alpha->setValue(0);                       // as `ratchet new`, no less than a millionth
        QCOMPARE(alpha->cleanText(), QStringLiteral("0.000001"));
        alpha->setValue(0.1);
        items->setValue(1'000'000);
        effect->setValue(0.02);
        QTemporaryDir folder;
        domain->setCurrentText(QStringLiteral("text"));
        dialog.findChild<QLineEdit*>(QStringLiteral("corpus"))->setText(QStringLiteral(RATCHET_SOURCE_DIR "/core"));
        QVERIFY(looks->isEnabled());
        looks->setValue(3);
        dialog.findChild<QLineEdit*>(QStringLiteral("folder"))->setText(folder.filePath(QStringLiteral("lab")));
        QSignalSpy created(&dialog, &NewLabDialog::created);
        dialog.findChild<QPushButton*>(QStringLiteral("create"))->click();
        QTRY_COMPARE_WITH_TIMEOUT(created.size(), 1, 60'000);
        const auto config = readLabConfig({folder.filePath(QStringLiteral("lab")).toStdString()});
        QVERIFY(config);
        QCOMPARE(config->alpha, 0.1);
        QCOMPARE(config->gateItems, LabConfig::mostGateItems);
        QCOMPARE(config->minEffect, 0.02);
        QCOMPARE(config->vaultLooks, 3);
    }

    void theNewLabDialogOffersStagesAndARewardModel()
    {
        NewLabDialog dialog;
        dialog.show();
        auto* domain = dialog.findChild<QComboBox*>(QStringLiteral("domain"));
        const auto box = [&](const char* name) { return dialog.findChild<QSpinBox*>(QLatin1String(name)); };
        domain->setCurrentText(QStringLiteral("arithmetic"));
        QCOMPARE(box("proxy")->text(), QStringLiteral("never"));
        QVERIFY(!box("audit")->isEnabled());      // nobody is given up
        box("proxy")->setValue(40);
        QVERIFY(box("audit")->isEnabled() && box("reward")->isEnabled());
        domain->setCurrentText(QStringLiteral("text"));
        QVERIFY(!box("reward")->isEnabled());     // of a likelihood nothing is right or wrong
        domain->setCurrentText(QStringLiteral("arithmetic"));
        box("reward")->setValue(25);
        QTemporaryDir folder;
        dialog.findChild<QLineEdit*>(QStringLiteral("folder"))->setText(folder.filePath(QStringLiteral("lab")));
        QSignalSpy created(&dialog, &NewLabDialog::created);
        dialog.findChild<QPushButton*>(QStringLiteral("create"))->click();
        QTRY_COMPARE(created.size(), 1);
        const auto config = readLabConfig({folder.filePath(QStringLiteral("lab")).toStdString()});
        QVERIFY(config);
        QCOMPARE(config->proxy, 0.4);
        QCOMPARE(config->audit, 0.2);
        QCOMPARE(config->reward, 0.25);
    }

    // Asked once; the answer opens what measures it.
    void aCampaignAsksForTheNoiseFirst()
    {
        SampleLab lab(1);
        MainWindow window(MainWindow::Memory::Forget);
        window.show();
        window.setSession(std::move(*LabSession::open(lab.paths().root)));
        const auto all = window.actions();
        const auto start = std::find_if(all.begin(), all.end(), [](const QAction* one) { return one->shortcut() == QKeySequence(Qt::Key_F5); });
        QVERIFY(start != all.end() && (*start)->isEnabled());
        (*start)->trigger();
        const auto* notice = window.findChild<QLabel*>(QStringLiteral("noticeLine"));
        QVERIFY(notice->isVisible() && notice->text().startsWith(QLatin1String("The noise of this champion")));
        QVERIFY(!window.session()->snapshot()->engineRuns);
        QPushButton* measure = nullptr;
        for (auto* one : window.findChildren<QPushButton*>())
            if (one->text().startsWith(QLatin1String("Measure first")))
                measure = one;
        QVERIFY(measure);
        QTRY_VERIFY(measure->isVisible());        // once the toolbar is laid out
        measure->click();
        QVERIFY(!notice->isVisible());
        auto* dialog = window.findChild<ReplicateDialog*>();
        QVERIFY(dialog && dialog->isVisible());
        QVERIFY(dialog->wish().besideItself && dialog->wish().version == lab.champion());
        auto* seeds = dialog->findChild<QSpinBox*>(QStringLiteral("seeds"));
        const auto* buttons = dialog->findChild<QDialogButtonBox*>();
        const auto* go = buttons->buttons().front() == buttons->button(QDialogButtonBox::Cancel) ? buttons->buttons().back() : buttons->buttons().front();
        QVERIFY(go->isEnabled());
        seeds->setValue(1000);                    // more than the budget pays for
        QVERIFY(!go->isEnabled());
        dialog->reject();
    }

    void picturesAreTakenOfEverything()
    {
        SampleLab lab(3);
        const LabLock lock = std::move(*LabLock::take(lab.paths()));   // looks as if it ran
        QTemporaryDir temporary;
        const QString wanted = qEnvironmentVariable("RATCHET_PICTURES");
        const QString folder = wanted.isEmpty() ? temporary.path() : wanted;
        const auto names = takePictures(*qApp, folder, lab.paths().root);
        QVERIFY2(names, names ? "" : names.error().text.c_str());
        int pictures = 6;                         // layouts, then every panel or every page of it
        for (Panel* made : makePanels(nullptr)) {
            const std::unique_ptr<Panel> panel(made);
            pictures += std::max(1, static_cast<int>(panel->pages().size()));
        }
        QCOMPARE(names->size(), 2 * pictures);
        for (const QString& name : *names) {
            const QImage picture(folder + QLatin1Char('/') + name);
            QVERIFY2(picture.width() >= 300, qPrintable(name));
            QVERIFY2(picture.pixelColor(2, 2) != picture.pixelColor(picture.width() / 2, picture.height() / 2) || picture.allGray() == false, qPrintable(name));
        }
    }
};

QTEST_MAIN(WindowTest)
#include "tst_window.moc"
