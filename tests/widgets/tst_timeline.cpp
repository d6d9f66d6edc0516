// SPDX-License-Identifier: GPL-3.0-or-later
// Where versions stand on the timeline, and what a rollback would change.
#include <set>

#include "sample_lab.h"

#include "widgets/panels/rollback_dialog.h"
#include "widgets/panels/timeline_view.h"

using namespace ratchet;

class TimelineTest : public QObject {
    Q_OBJECT
    static Hash name(int number) { return hashOf(std::to_string(number)); }
    // A chain of champions, each with `branches` others of its generation.
    static Snapshot chain(int generations, int branches)
    {
        Snapshot snapshot;
        int number = 0;
        Hash champion;
        for (int generation = 0; generation < generations; ++generation) {
            const Hash parent = champion;
            for (int branch = 0; branch <= (generation == 0 ? 0 : branches); ++branch) {
                VersionRecord version;
                version.hash = name(number++);
                version.generation = generation;
                if (generation > 0)
                    version.parent = parent;
                snapshot.versions.push_back(version);
            }
            champion = snapshot.versions.back().hash;
            DeploymentRecord deployment;
            deployment.version = champion;
            deployment.kind = generation == 0 ? DeploymentKind::Seed : DeploymentKind::Promote;
            snapshot.deployments.push_back(deployment);
        }
        return snapshot;
    }
private Q_SLOTS:
    void championsStandOnTheBaseLineInOrder()
    {
        const TimelineLayout layout = TimelineLayout::of(chain(4, 2), 3);
        QCOMPARE(layout.nodes.size(), std::size_t(10));
        QCOMPARE(layout.path.size(), std::size_t(4));
        int slot = -1;
        for (const int at : layout.path) {
            const TimelineNode& node = layout.nodes[std::size_t(at)];
            QCOMPARE(node.lane, 0);
            QVERIFY(node.slot > slot);
            slot = node.slot;
        }
    }
    void noTwoVersionsShareAPlace_data()
    {
        QTest::addColumn<int>("branches");
        QTest::addColumn<int>("lanes");
        QTest::addRow("fewer branches than lanes") << 2 << 4;
        QTest::addRow("as many") << 4 << 4;
        QTest::addRow("more") << 9 << 4;
        QTest::addRow("one lane only") << 5 << 1;
    }
    void noTwoVersionsShareAPlace()
    {
        QFETCH(int, branches);
        QFETCH(int, lanes);
        const TimelineLayout layout = TimelineLayout::of(chain(5, branches), lanes);
        std::set<std::pair<int, int>> places;
        for (const TimelineNode& node : layout.nodes) {
            QVERIFY(places.insert({node.slot, node.lane}).second);
            QVERIFY(node.lane <= lanes && node.slot < layout.slots);
            if (node.parent >= 0)
                QVERIFY(layout.nodes[std::size_t(node.parent)].slot < node.slot);
        }
    }
    void aRollbackLeavesTheBaseLine()
    {
        Snapshot snapshot = chain(4, 1);
        DeploymentRecord back;
        back.kind = DeploymentKind::Rollback;
        back.version = snapshot.deployments[1].version;
        back.reason = "worse in use";
        snapshot.deployments.push_back(back);
        const TimelineLayout layout = TimelineLayout::of(snapshot, 3);
        QCOMPARE(layout.path.size(), std::size_t(2));
        const TimelineNode& left = layout.nodes[std::size_t(layout.indexOf(snapshot.deployments[3].version))];
        QVERIFY(left.state == State::RolledBack);
        QVERIFY(left.lane > 0);
        QCOMPARE(left.reason, QStringLiteral("worse in use"));
    }
    void aThousandVersionsAreDrawnAndWalked()
    {
        auto snapshot = std::make_shared<Snapshot>(chain(200, 4));
        QVERIFY(snapshot->versions.size() > 950);
        TimelineView view;
        view.resize(1200, 140);
        view.setSnapshot(snapshot);
        view.show();
        QSignalSpy picked(&view, &TimelineView::picked);
        QTest::keyClick(&view, Qt::Key_Home);
        for (int i = 0; i < 30; ++i)
            QTest::keyClick(&view, Qt::Key_Right);
        QTest::keyClick(&view, Qt::Key_End);
        QCOMPARE(picked.count(), 32);
        QCOMPARE(picked.last().front().value<Hash>().hex, snapshot->versions.back().hash.hex);
        QVERIFY(!view.grab().isNull());
    }
    void aRollbackIsShownBeforeItHappens()
    {
        SampleLab lab(3);
        const auto session = std::move(*LabSession::open(lab.paths().root));
        const auto snapshot = session->snapshot();
        const QString html = RollbackDialog::previewHtml(*snapshot, snapshot->deployments[1].version, lightTokens());
        QVERIFY2(html.contains(QLatin1String("v1 goes live instead of v7")), qPrintable(html));
        QVERIFY(html.contains(QLatin1String("recipe/learningRate")));
        QVERIFY(!html.contains(QLatin1String("architecture/layers")));   // equal in both
    }
};

QTEST_MAIN(TimelineTest)
#include "tst_timeline.moc"
