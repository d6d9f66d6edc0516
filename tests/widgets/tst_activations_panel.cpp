// SPDX-License-Identifier: GPL-3.0-or-later
// Layer records as grids, and the panel over a real lab folder.
#include <QComboBox>
#include <QTest>

#include "panel_lab.h"
#include "widgets/panels/activations_panel.h"

using namespace ratchet;

namespace {

LayerRecord record(std::int64_t step, int index, const std::string& layer, Json values) { return {{1}, step, index, layer, std::move(values), {}}; }

} // namespace

class TestActivationsPanel : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void gridIsLayerByStep()
    {
        const LayerGrid grid = gridOf({record(0, 1, "head", {{"rms", 2.0}}), record(0, 0, "block.0.attention", {{"rms", 1.0}}),
                                       record(50, 0, "block.0.attention", {{"rms", 3.0}})}, "rms");
        QCOMPARE(grid.layers, (std::vector<std::string>{"block.0.attention", "head"}));
        QCOMPARE(grid.steps, (std::vector<std::int64_t>{0, 50}));
        QCOMPARE(grid.data.at(0, 1), 3.0);
        QVERIFY(std::isnan(grid.data.at(1, 1)));
        QCOMPARE(grid.data.rows[0], QStringLiteral("block 0, attention"));
    }
    void oddRecordsGiveEmptyCells()
    {
        const LayerGrid grid = gridOf({record(0, 0, "a", Json()), record(1, 0, "a", {{"rms", "high"}}), record(2, 0, "a", Json::array({1}))}, "rms");
        for (const double value : grid.data.values)
            QVERIFY(std::isnan(value));
        QVERIFY(gridOf({}, "rms").data.values.empty());
        QCOMPARE(gridOf({}, "rms").columnOf(3), -1);
    }
    void differenceComparesTheSameShareOfBothRuns()
    {
        const std::vector<LayerRecord> selected{record(0, 0, "a", {{"rms", 1.0}}), record(100, 0, "a", {{"rms", 5.0}})};
        const std::vector<LayerRecord> champion{record(0, 0, "a", {{"rms", 1.0}}), record(1000, 0, "a", {{"rms", 2.0}})};
        const LayerGrid grid = differenceOf(selected, champion, "rms");
        QCOMPARE(grid.data.values, (std::vector<double>{0, 3}));
        QVERIFY(std::isnan(differenceOf(selected, {}, "rms").data.values[0]));
    }
    void attentionIsReadOrLeftOut_data()
    {
        QTest::addColumn<QString>("json");
        QTest::addColumn<int>("cells");
        QTest::addRow("one head of two tokens") << QStringLiteral(R"({"tokens":["1","+"],"blocks":[[[[1,0],[0.5,0.5]]]]})") << 4;
        QTest::addRow("not square") << QStringLiteral(R"({"tokens":[],"blocks":[[[[1,0],[0.5]]]]})") << 0;
        QTest::addRow("no blocks") << QStringLiteral(R"({"tokens":[]})") << 0;
        QTest::addRow("blocks of the wrong kind") << QStringLiteral(R"({"blocks":[7]})") << 0;
        QTest::addRow("without token names") << QStringLiteral(R"({"blocks":[[[[1]]]]})") << 1;
    }
    void attentionIsReadOrLeftOut()
    {
        QFETCH(QString, json);
        QFETCH(int, cells);
        const auto seen = attentionOf({record(10, 9, "attention", Json::parse(json.toStdString()))}, 100, 0, 0);
        QCOMPARE(int(seen.data.values.size()), cells);
        QVERIFY(attentionOf({record(10, 9, "attention", Json::parse(json.toStdString()))}, 5, 0, 0).data.values.empty());
    }
    void showsALab()
    {
        const PanelLab lab(PanelLab::Fill::Busy);
        const auto session = lab.session();
        ActivationsPanel panel;
        panel.resize(900, 500);
        panel.setSession(session.get());
        QTRY_VERIFY(panel.isSettled() && !panel.map().data().values.empty());
        QCOMPARE(panel.map().data().rows.size(), 6U);
        for (auto* box : panel.findChildren<QComboBox*>())
            for (int i = 0; i < box->count(); ++i) {
                box->setCurrentIndex(i);
                Q_EMIT box->activated(i);
                panel.grab();
            }
        panel.setStepCursor(200);
        panel.setSession(nullptr);
        panel.grab();
    }
    void anEmptyLabIsHarmless()
    {
        const PanelLab lab(PanelLab::Fill::Empty);
        const auto session = lab.session();
        ActivationsPanel panel;
        panel.setSession(session.get());
        QVERIFY(panel.isSettled());
        panel.grab();
    }
};

QTEST_MAIN(TestActivationsPanel)
#include "tst_activations_panel.moc"
