// SPDX-License-Identifier: GPL-3.0-or-later
// The queue's table: only what differs changes; filters and sorting; patches written by hand.
#include "sample_lab.h"

#include <QAbstractItemModelTester>

#include "widgets/models/proposal_model.h"
#include "widgets/panels/propose_dialog.h"

using namespace ratchet;

class ProposalModelTest : public QObject {
    Q_OBJECT
    static std::shared_ptr<Snapshot> snapshotOf(int proposals)
    {
        auto snapshot = std::make_shared<Snapshot>();
        for (int i = 1; i <= proposals; ++i) {
            ProposalRecord record;
            record.id = {i};
            record.family = i % 2 ? "data" : "tuning";
            record.operatorName = i % 2 ? "balance carries" : "learning rate x 3";
            record.price = {i * 1e11};
            record.state = i % 3 == 0 ? ProposalState::Rejected : ProposalState::Queued;
            snapshot->proposals.push_back(record);
        }
        return snapshot;
    }
private Q_SLOTS:
    void onlyChangedRowsAreReported()
    {
        ProposalModel model;
        QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        auto snapshot = snapshotOf(50);
        model.setSnapshot(snapshot);
        QSignalSpy changed(&model, &QAbstractItemModel::dataChanged);
        QSignalSpy reset(&model, &QAbstractItemModel::modelReset);
        QSignalSpy inserted(&model, &QAbstractItemModel::rowsInserted);
        auto next = snapshotOf(52);
        next->proposals[6].state = ProposalState::Running;
        model.setSnapshot(next);
        QCOMPARE(changed.count(), 1);
        QCOMPARE(changed.front().front().value<QModelIndex>().row(), 6);
        QCOMPARE(inserted.count(), 1);
        QCOMPARE(reset.count(), 0);
        QCOMPARE(model.rowCount(), 52);
        model.setSnapshot(nullptr);
        QCOMPARE(model.rowCount(), 0);
    }
    void filterShowsWhatMatches_data()
    {
        QTest::addColumn<int>("group");
        QTest::addColumn<QString>("text");
        QTest::addColumn<int>("rows");
        QTest::addRow("everything without a filter") << 0 << QString() << 12;
        QTest::addRow("open ones") << 1 << QString() << 8;
        QTest::addRow("rejected ones") << 4 << QString() << 4;
        QTest::addRow("a word of the change") << 0 << QStringLiteral("carries") << 6;
        QTest::addRow("words in any order and case") << 0 << QStringLiteral("RATE tuning") << 6;
        QTest::addRow("a number") << 0 << QStringLiteral("#11") << 1;
        QTest::addRow("text and state together") << 4 << QStringLiteral("carries") << 2;
        QTest::addRow("nothing fits") << 0 << QStringLiteral("muon") << 0;
    }
    void filterShowsWhatMatches()
    {
        QFETCH(int, group);
        QFETCH(QString, text);
        QFETCH(int, rows);
        ProposalModel model;
        ProposalFilter filter;
        filter.setSourceModel(&model);
        model.setSnapshot(snapshotOf(12));
        filter.setGroup(static_cast<ProposalFilter::Group>(group));
        filter.setText(text);
        QCOMPARE(filter.rowCount(), rows);
    }
    void pricesSortAsNumbers()
    {
        ProposalModel model;
        ProposalFilter filter;
        filter.setSourceModel(&model);
        model.setSnapshot(snapshotOf(12));
        filter.sort(ProposalModel::Price, Qt::DescendingOrder);
        QCOMPARE(filter.index(0, 0).data().toString(), QStringLiteral("12"));   // 1.2 TFLOP before 900 GFLOP
        QCOMPARE(filter.index(3, 0).data().toString(), QStringLiteral("9"));
    }
    void aPatchIsRefusedInASentence_data()
    {
        QTest::addColumn<QString>("patch");
        QTest::addColumn<bool>("admitted");
        QTest::addRow("inside the space") << QStringLiteral(R"([{"op":"replace","path":"/recipe/learningRate","value":0.003}])") << true;
        QTest::addRow("no JSON") << QStringLiteral("[{") << false;
        QTest::addRow("empty list") << QStringLiteral("[]") << false;
        QTest::addRow("outside the space") << QStringLiteral(R"([{"op":"replace","path":"/recipe/batch","value":64}])") << false;
        QTest::addRow("above the bound") << QStringLiteral(R"([{"op":"replace","path":"/recipe/learningRate","value":1}])") << false;
        QTest::addRow("a path that is not there") << QStringLiteral(R"([{"op":"replace","path":"/recipe/magic","value":1}])") << false;
        QTest::addRow("changes nothing") << QStringLiteral(R"([{"op":"replace","path":"/recipe/learningRate","value":0.001}])") << false;
        QTest::addRow("an object instead of a list") << QStringLiteral("{}") << false;
    }
    void aPatchIsRefusedInASentence()
    {
        QFETCH(QString, patch);
        QFETCH(bool, admitted);
        const Json space{{"paths", {{"/recipe/learningRate", {{"low", 1e-4}, {"high", 1e-2}, {"log", true}}}}}, {"maxParameters", 2000000}};
        const Genome seed;
        const QString refusal = ProposeDialog::refusal(seed.toJson(), space, patch);
        QVERIFY2(refusal.isEmpty() == admitted, qPrintable(refusal));
        QVERIFY2(admitted || refusal.endsWith(QLatin1Char('.')), qPrintable(refusal));
    }
};

QTEST_MAIN(ProposalModelTest)
#include "tst_proposal_model.moc"
