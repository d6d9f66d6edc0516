// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "core/agent/status.h"

using namespace ratchet;

namespace {

EngineStatus busy()
{
    EngineStatus status;
    status.stage = "train";
    status.tooth = 3;
    status.running = {{{7}, "format = reversed", "full", 0.25, 1.5, std::chrono::milliseconds(90'500)}, {{8}, "deeper from the champion", "judging", 0.5, 0}};
    status.logEValue = 1.5;
    status.logThreshold = 3;
    status.spent = Flops{1e12};
    status.budget = Flops{2e12};
    status.champion = 0.75;
    status.waitingDecisions = 1;
    status.sandboxLevel = 2;
    status.elapsed = std::chrono::seconds(5);
    status.remaining = std::chrono::seconds(6);
    status.updated = Time(std::chrono::milliseconds(1'700'000'000'123));
    return status;
}

} // namespace

class TestStatus : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void readsWhatItWrote()
    {
        const auto again = EngineStatus::fromJson(Json::parse(busy().toJson().dump()));
        QVERIFY(again);
        QCOMPARE(again->toJson(), busy().toJson());
        QCOMPARE(again->running.size(), 2U);
        QCOMPARE(again->running[1].proposal.value, 8);
        QVERIFY(again->running[0].left == std::chrono::milliseconds(90'500) && again->running[1].left.count() == 0);
        QCOMPARE(again->updated, busy().updated);
    }

    void anOldOrBrokenOneIsAnErrorAndNoCrash_data()
    {
        QTest::addColumn<QString>("path");
        QTest::addColumn<QString>("value");
        QTest::addRow("the stage is a number") << "/stage" << "3";
        QTest::addRow("a running trial is a word") << "/running/0" << "\"x\"";
        QTest::addRow("a fraction is a word") << "/running/1/fraction" << "\"half\"";
        QTest::addRow("the budget is nothing") << "/budget" << "null";
        QTest::addRow("the tooth is broken") << "/tooth" << "1.5";
    }
    void anOldOrBrokenOneIsAnErrorAndNoCrash()
    {
        QFETCH(QString, path);
        QFETCH(QString, value);
        Json json = busy().toJson();
        json[Json::json_pointer(path.toStdString())] = Json::parse(value.toStdString());
        const auto status = EngineStatus::fromJson(json);
        QVERIFY(!status);
        QCOMPARE(status.error().code, Code::BadInput);
        QVERIFY(!EngineStatus::fromJson(Json::array()));
    }
};

QTEST_GUILESS_MAIN(TestStatus)
#include "tst_status.moc"
