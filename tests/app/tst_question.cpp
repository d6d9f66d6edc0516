// SPDX-License-Identifier: GPL-3.0-or-later
// The figures that a person gives a lab's gate are those it judges by.
#include <QtTest>

#include "core/agent/question.h"
#include "tests/app/tiny_lab.h"

using namespace ratchet;

class TestQuestion : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void theLabsFiguresReachTheComparison()
    {
        LabConfig config;
        config.goal = "exact match >= 0.99 on addition-3";
        config.alpha = 0.2;
        config.alphaDecay = 1.3;
        config.gateItems = 150;
        config.minEffect = 0.03;
        config.retainedAlpha = 0.11;
        const Comparison::Options asked = comparisonOptions(config, 3, 1);
        QCOMPARE(asked.measure, Measure::ExactMatch);
        QCOMPARE(asked.alpha, elondAlpha(0.2, 3, 1, 1.3));
        QCOMPARE(asked.maxPairs, 150);
        QCOMPARE(asked.firstBatch, 150);
        QCOMPARE(asked.minEffect, 0.03);
        QCOMPARE(asked.retainedAlpha, 0.11);
        config.goal = "bits per byte <= 2.1 on text";
        QCOMPARE(comparisonOptions(config, 1, 0).measure, Measure::BitsPerByte);
    }

    void anEngineAsksNoMoreThanItMay()
    {
        const TinyLab lab(3);
        Json config = parseJson(readFile(lab.paths().config()).value(), "lab.json").value();
        config["gateItems"] = 60;
        config["alpha"] = 0.2;
        QVERIFY(writeFile(lab.paths().config(), config.dump(), 0444));
        QVERIFY(lab.run(2));
        const auto store = lab.read();
        const double decay = config["alphaDecay"];
        int judged = 0;
        for (const VerdictRecord& verdict : taken(store->verdicts())) {
            ++judged;
            QVERIFY(verdict.pairs <= 60);
            if (verdict.k == 1)
                QCOMPARE(verdict.alpha, elondAlpha(0.2, 1, 0, decay));
        }
        QVERIFY(judged > 0);
    }

    void figuresOutOfBoundsMakeNoLab_data()
    {
        QTest::addColumn<double>("alpha");
        QTest::addColumn<double>("minEffect");
        QTest::addColumn<double>("retainedAlpha");
        QTest::addColumn<int>("gateItems");
        QTest::addColumn<QString>("says");
        QTest::addRow("an alpha of nearly nothing") << 1e-300 << 0.005 << 0.05 << 2000 << "\"alpha\"";
        QTest::addRow("an alpha of one") << 1.0 << 0.005 << 0.05 << 2000 << "\"alpha\"";
        QTest::addRow("an effect that nothing has") << 0.05 << 0.5 << 0.05 << 2000 << "\"minEffect\"";
        QTest::addRow("a retained alpha of nothing") << 0.05 << 0.005 << 0.0 << 2000 << "\"retainedAlpha\"";
        QTest::addRow("more items than a level can be made for") << 0.05 << 0.005 << 0.05 << 2'000'000'000 << "\"gateItems\"";
        QTest::addRow("too few items to be sure of anything") << 0.05 << 0.005 << 0.05 << 5 << "\"gateItems\"";
    }
    void figuresOutOfBoundsMakeNoLab()
    {
        QFETCH(double, alpha);
        QFETCH(double, minEffect);
        QFETCH(double, retainedAlpha);
        QFETCH(int, gateItems);
        QFETCH(QString, says);
        const QTemporaryDir folder;
        NewLab wanted;
        wanted.root = std::filesystem::path(folder.path().toStdString()) / "lab";
        wanted.domain = "arithmetic";
        wanted.alpha = alpha;
        wanted.minEffect = minEffect;
        wanted.retainedAlpha = retainedAlpha;
        wanted.gateItems = gateItems;
        const Status made = newLab(wanted);
        QVERIFY(!made);
        QVERIFY2(QString::fromStdString(made.error().text).contains(says), made.error().text.c_str());
        QVERIFY(!std::filesystem::exists(wanted.root));
    }
};

int main(int argc, char** argv)
{
    if (player::isPlaying(argc))
        return player::Player().play(argv[1]);
    ::setenv("RATCHET_PLUGIN_PATH", RATCHET_PLUGIN_DIR, 1);
    QCoreApplication application(argc, argv);
    TestQuestion test;
    return QTest::qExec(&test, argc, argv);
}

#include "tst_question.moc"
