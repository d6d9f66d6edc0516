// SPDX-License-Identifier: GPL-3.0-or-later
#include <QtTest>

#include "core/base/rng.h"
#include "core/critic/overlap.h"

using namespace ratchet;

namespace {

std::string words(std::uint64_t seed, int count)
{
    Rng rng(seed);
    std::string text;
    for (int i = 0; i < count; ++i) {
        for (std::uint64_t letters = 3 + rng.below(6); letters > 0; --letters)
            text += static_cast<char>('a' + rng.below(26));
        text += i % 9 == 8 ? ".\n" : " ";
    }
    return text;
}

} // namespace

class TestOverlap : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void findsWhatStandsInTraining_data();
    void findsWhatStandsInTraining();
    void countsTextsAndNotGrams();
};

void TestOverlap::findsWhatStandsInTraining_data()
{
    QTest::addColumn<QString>("trained");
    QTest::addColumn<int>("leaked");
    const QString judged = QString::fromStdString(words(1, 40)), other = QString::fromStdString(words(2, 400));
    QTest::addRow("another text holds nothing of it") << other << 0;
    QTest::addRow("the text itself") << judged << 1;
    QTest::addRow("the text in the middle of another") << other + judged + other << 1;
    QTest::addRow("in capitals, with other spaces and signs") << judged.toUpper().replace(' ', "  -- ") << 1;
    QTest::addRow("half of it") << other + judged.left(judged.size() / 2) << 0;
    QTest::addRow("all but a word at the end") << judged.left(judged.size() - 8) << 1;
    QTest::addRow("every fourth word another") << QString(judged).replace(QRegularExpression("(\\w+ \\w+ \\w+ )\\w+"), "\\1x") << 0;
    QTest::addRow("nothing") << QString() << 0;
}

void TestOverlap::findsWhatStandsInTraining()
{
    QFETCH(QString, trained);
    QFETCH(int, leaked);
    Overlap overlap;
    overlap.addJudged(words(1, 40));
    overlap.addTrained(trained.toStdString());
    QCOMPARE(overlap.judged(), 1);
    QCOMPARE(overlap.leaked(), leaked);
}

void TestOverlap::countsTextsAndNotGrams()
{
    Overlap overlap;
    for (std::uint64_t seed = 1; seed <= 10; ++seed)
        overlap.addJudged(words(seed, 30));
    overlap.addJudged("Short: 12 + 34?");
    overlap.addJudged("Never seen.");
    overlap.addJudged("");
    QCOMPARE(overlap.judged(), 13);
    for (const std::uint64_t seed : {3, 7, 40})
        overlap.addTrained(words(seed, 30));
    QCOMPARE(overlap.leaked(), 2);
    QVERIFY(overlap.isLeaked(2) && !overlap.isLeaked(3) && !overlap.isLeaked(10));
    overlap.addTrained("It was never seen.");      // a short text has to be one of its own
    overlap.addTrained("short 12 34");
    QVERIFY(overlap.isLeaked(10) && !overlap.isLeaked(11) && !overlap.isLeaked(12));
}

QTEST_APPLESS_MAIN(TestOverlap)
#include "tst_overlap.moc"
