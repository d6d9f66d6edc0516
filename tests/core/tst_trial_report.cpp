// SPDX-License-Identifier: GPL-3.0-or-later
// What is kept of a worker's word about its data, and that nonsense in it does no harm.
#include <QtTest>

#include "core/agent/trial_report.h"

using namespace ratchet;

namespace {

Json pairs()
{
    return {{"pairs", 12}, {"users", 2}, {"graded", 10}, {"asked", 40}, {"samples", 4}, {"mixed", 0.25}, {"leftOut", {{"equal", 1}, {"judged", 3}}},
            {"flops", 1e6}, {"before", {{"right", 0.5}, {"margin", -0.25}}}, {"after", {{"right", 0.75}, {"margin", 1.5}}}};
}

Json labels()
{
    return {{"labels", "checked"}, {"asked", 100}, {"kept", 30}, {"right", 1.0}, {"flops", 1e6}};
}

} // namespace

class TestTrialReport : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void onlyWhatThereIsIsKept()
    {
        Trained trained;
        QVERIFY(reportOf(trained).is_null());
        trained.preference = pairs();
        QCOMPARE(reportOf(trained), (Json{{"preference", pairs()}}));
        trained.selfTraining = labels();
        trained.population = Json::array();
        trained.surgery = Json::object();
        QCOMPARE(reportOf(trained).size(), 4U);
    }

    void labelsAndPairsAreSentences()
    {
        const auto list = sentencesOf({{"selfTraining", labels()}, {"preference", pairs()}});
        QCOMPARE(list.size(), 2U);
        QCOMPARE(list[0], std::string("checked labels on 100 harder items: 30 kept, 100.0 % of them right."));
        QCOMPARE(list[1], std::string("10 pairs by the checker (25.0 % of 40 items were answered rightly and wrongly) and 2 by users; in the right order "
                                      "50.0 % before and 75.0 % after, mean margin -0.25 and +1.50 nats; left out: 1 equal, 3 judged."));
    }

    void whatBecameOfTheParentsWeightsIsASentence()
    {
        Json surgery{{"keepsFunction", false}, {"note", "What fits was taken over. The function changed: it has fewer heads."}, {"moments", ""}};
        QCOMPARE(sentencesOf({{"surgery", surgery}}), std::vector<std::string>{surgery["note"]});
        surgery["moments"] = "Its optimizer starts anew.";
        QCOMPARE(sentencesOf({{"surgery", surgery}}),
                 std::vector<std::string>{"What fits was taken over. The function changed: it has fewer heads. Its optimizer starts anew."});
    }

    void itemsLeftOutAreCounted_data()
    {
        QTest::addColumn<int>("duplicates");
        QTest::addColumn<int>("contaminated");
        QTest::addColumn<QString>("sentence");
        QTest::addRow("none") << 0 << 0 << QString();
        QTest::addRow("twins") << 3 << 0 << "Left out of its pools of items: 3 that stood there twice.";
        QTest::addRow("judged ones") << 0 << 2 << "Left out of its pools of items: 2 that the gate or the vault may ask.";
        QTest::addRow("both") << 3 << 2 << "Left out of its pools of items: 2 that the gate or the vault may ask, 3 that stood there twice.";
    }
    void itemsLeftOutAreCounted()
    {
        QFETCH(int, duplicates);
        QFETCH(int, contaminated);
        QFETCH(QString, sentence);
        const auto list = sentencesOf({{"data", {{"duplicates", duplicates}, {"contaminated", contaminated}}}});
        QCOMPARE(list, sentence.isEmpty() ? std::vector<std::string>() : std::vector<std::string>{sentence.toStdString()});
    }

    void nonsenseIsPassedOver_data()
    {
        QTest::addColumn<QString>("patch");
        for (const char* patch : {R"([{"op": "remove", "path": "/before"}])", R"([{"op": "replace", "path": "/after", "value": [1]}])",
                                  R"([{"op": "replace", "path": "/mixed", "value": "all"}])", R"([{"op": "replace", "path": "/users", "value": 1e300}])",
                                  R"([{"op": "replace", "path": "", "value": 7}])"})
            QTest::addRow("%s", patch) << QString(patch);
    }
    void nonsenseIsPassedOver()
    {
        QFETCH(QString, patch);
        QVERIFY(sentencesOf({{"preference", pairs().patch(Json::parse(patch.toStdString()))}}).empty());
    }
};

QTEST_GUILESS_MAIN(TestTrialReport)
#include "tst_trial_report.moc"
